/** A link whose rate changes while something is on it: laws over random phases, for all that a migration sends. */
import { fc, test as property } from '@fast-check/jest';
import { describe, expect, test } from '@jest/globals';
import { startMigration } from '../../src/migration/engine.js';
import { type LinkRates, carriedBytes, throughUs } from '../../src/migration/link-time.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { MULTIFD_PACKET_HEADER_BYTES, PLAIN_STREAM } from '../../src/migration/rules/stream.js';
import type { LinkPhase, MigrationSetup, StreamSpec } from '../../src/migration/setup.js';
import { MIB, NORMAL_RECORD, migrate, reader, setupOf, writer } from './setups.js';

const RATES = [125, 1e4, 1e6, 3e7, 1e9];
const phase = fc.record({
  atUs: fc.integer({ min: 0, max: 2_000_000 }),
  bandwidthBytesPerSecond: fc.constantFrom(...RATES),
});
const later = fc
  .array(phase, { maxLength: 6 })
  .map((list): LinkPhase[] =>
    list.sort((a, b) => a.atUs - b.atUs).map((fields) => ({ ...fields, latencyUs: 0 })),
  );

const byteUs = (bytes: number, rate: number): number => (bytes / rate) * 1e6;

/** What is through after a time is what the link carries in that time; in two parts it takes as long as in one. */
property.prop([
  fc.constantFrom(...RATES),
  later,
  fc.integer({ min: 0, max: 1_000_000 }),
  fc.double({ min: 1, max: 1e8, noNaN: true }),
])('bytes are through when the link has carried them', (bytesPerSecond, phases, fromUs, bytes) => {
  let rate = bytesPerSecond;
  for (const { atUs, bandwidthBytesPerSecond } of phases) if (atUs <= fromUs) rate = bandwidthBytesPerSecond;
  const rates: LinkRates = { bytesPerSecond: rate, later: phases.filter(({ atUs }) => atUs > fromUs) };
  const us = throughUs(rates, bytes, fromUs, byteUs);
  expect(carriedBytes(rates, fromUs, fromUs + us) / bytes).toBeCloseTo(1, 6);
  const first = throughUs(rates, bytes / 3, fromUs, byteUs);
  const rest = { bytesPerSecond: rate, later: rates.later };
  for (const { atUs, bandwidthBytesPerSecond } of phases)
    if (atUs <= fromUs + first) rest.bytesPerSecond = bandwidthBytesPerSecond;
  rest.later = phases.filter(({ atUs }) => atUs > fromUs + first);
  expect((first + throughUs(rest, (bytes * 2) / 3, fromUs + first, byteUs)) / us).toBeCloseTo(1, 6);
});

const multifd = (fields: Partial<StreamSpec>): StreamSpec => ({
  ...PLAIN_STREAM,
  kind: 'multifd',
  ...fields,
});

/** All ways of sending pages: the stream, and how many pages a host page has. */
const WAYS = {
  plain: [PLAIN_STREAM, 1],
  'huge pages': [PLAIN_STREAM, 512],
  TLS: [{ ...PLAIN_STREAM, tlsBytesPerSecond: 4e7 }, 1],
  XBZRLE: [{ ...PLAIN_STREAM, kind: 'xbzrle', xbzrleEncodedBytes: 500 }, 1],
  multifd: [multifd({ channels: 3, zeroPageDetection: 'multifd' }), 1],
  'multifd, zero pages on the main channel': [multifd({ channels: 2, zeroPageDetection: 'legacy' }), 1],
  'multifd, compressed': [
    multifd({ channels: 2, compression: 'mine', compressionRatio: 3, compressionBytesPerSecond: 1e8 }),
    1,
  ],
} as const satisfies Record<string, readonly [StreamSpec, number]>;

const MEMORIES: readonly MigrationSetup['memory'][] = ['page', 'fluid'];
const ENDINGS = ['pre-copy', 'stop phase', 'post-copy', 'post-copy with preempt'] as const;
const CASES = MEMORIES.flatMap((memory) =>
  Object.entries(WAYS).flatMap(([way, [stream, hostPagePages]]) =>
    ENDINGS.filter((ending) => way !== 'XBZRLE' || ending !== 'stop phase').map((ending) => ({
      memory,
      way,
      ending,
      stream,
      hostPagePages,
    })),
  ),
);

const BYTES_PER_SECOND = 3e7;
/** 16 MiB, a quarter of it zero, of which a slow writer and a reader ask for pages in post-copy. */
function setupFor(one: (typeof CASES)[number], phases: readonly LinkPhase[], seed = 1): MigrationSetup {
  const { memory, ending, stream, hostPagePages } = one;
  const pages = 16 * MIB;
  return setupOf({
    memory,
    seed,
    guest: {
      ramPages: pages,
      hostPagePages,
      zeroExtents: [{ firstPage: 0, pages, zeroPages: pages / 4 }],
      vcpus: [writer({ pages: MIB, writesPerSecond: 100 }), reader(0, pages, 2000)],
    },
    host: { sendNsPerPage: 500, zeroNsPerPage: 200, deviceStateBytes: 100_000, socketQueueBytes: 100_000 },
    link: { bandwidthBytesPerSecond: BYTES_PER_SECOND, phases },
    migration: {
      qemu: '10.2',
      stream,
      giveUpAfterUs: 0,
      ...(ending === 'stop phase' ? { availSwitchoverBandwidth: 1e12, maxBandwidth: 2e6 } : {}),
      ...(ending.startsWith('post') ? { postcopy: true, postcopyPreempt: ending !== 'post-copy' } : {}),
    },
  });
}

function ended(one: (typeof CASES)[number], phases: readonly LinkPhase[]): MigrationResult {
  const result = migrate(setupFor(one, phases), 'none', {}, (controls) => {
    if (one.ending.startsWith('post')) controls.after(150, () => controls.startPostcopy());
  });
  expect(result.status).toBe('completed');
  return result;
}

describe.each(CASES)('$way, $ending, $memory memory', (one) => {
  /**
   * The link all but stops for 40 ms, in which it would carry a page in a quarter of an hour at the earliest. That is 40 ms lost, and what
   * follows falls into other windows of 100 ms and iterations of 50 ms: no more than one of either.
   */
  test('a dip of the link costs as long as it lasts', () => {
    const even = ended(one, []).totalTimeMs;
    for (const dipMs of [3, 152.3, 201, 330.01, 427.7]) {
      const phases = [
        { atUs: dipMs * 1000, bandwidthBytesPerSecond: 4, latencyUs: 0 },
        { atUs: (dipMs + 40) * 1000, bandwidthBytesPerSecond: BYTES_PER_SECOND, latencyUs: 0 },
      ];
      const result = ended(one, phases);
      const longerMs = result.totalTimeMs - even;
      expect([dipMs, longerMs < 40 + 150, longerMs > -1]).toEqual([dipMs, true, true]);
      for (const { longestStallMs } of result.vcpus) expect(longestStallMs).toBeLessThan(even + 200);
    }
  });
});

/**
 * Looked at from one instant to the next: no more leaves than the link carries, and what was on its way before: a host page, and
 * of a mean of pages of two kinds two. In post-copy half a millisecond is seen as a whole.
 */
property.prop([fc.constantFrom(...CASES), later, fc.nat()], { numRuns: 60 })(
  'no more is sent than the link carries',
  (one, phases, seed) => {
    const setup = setupFor(
      one,
      [...phases, { atUs: 2_000_000, bandwidthBytesPerSecond: 1e9, latencyUs: 0 }],
      seed,
    );
    const migration = startMigration(setup, { strategy: 'none', policy: 'wait' }, (controls) => {
      if (one.ending.startsWith('post')) controls.after(150, () => controls.startPostcopy());
    });
    const link: LinkRates = { bytesPerSecond: BYTES_PER_SECOND, later: setup.link.phases };
    const pageBytes = (counters: ReturnType<typeof migration.look>['counters']): number =>
      counters.transferred - counters.framing;
    let bytes = 0;
    const onItsWay = 2 * NORMAL_RECORD * (one.ending.startsWith('post') ? one.hostPagePages : 1);
    const seenUs = one.ending.startsWith('post') ? 500 : 0;
    for (let atUs = 7300; atUs < 3_000_000; atUs += 7300) {
      const isOver = migration.advance(atUs) !== null;
      const sent = pageBytes(migration.look().counters);
      const carried = carriedBytes(link, 0, atUs + seenUs) - carriedBytes(link, 0, atUs - 7300);
      expect(sent - bytes - carried).toBeLessThan(onItsWay + 3 * MULTIFD_PACKET_HEADER_BYTES);
      bytes = sent;
      if (isOver) break;
    }
  },
);

/** A phase in which the rate stays as it was is none: only the last digits may differ, and in post-copy what falls into another half of a ms. */
property.prop([fc.constantFrom(...CASES), later], { numRuns: 30 })(
  'a phase at the same rate changes nothing',
  (one, phases) => {
    const even = ended(one, []);
    const cut = ended(
      one,
      phases.map((each) => ({ ...each, bandwidthBytesPerSecond: BYTES_PER_SECOND })),
    );
    expect(Math.abs(cut.totalTimeMs - even.totalTimeMs)).toBeLessThan(
      one.ending.startsWith('post') ? 2 : 1e-3,
    );
    expect(cut.syncs.length).toBe(even.syncs.length);
    if (!one.ending.startsWith('post')) expect(Math.abs(cut.sentBytes - even.sentBytes)).toBeLessThan(1);
  },
);
