/**
 * Many turns taken at once are those turns. A device without state changes nothing else than that the loop has to ask it in
 * every turn, and so takes each by itself. Counters that are added up at the end differ in their last digits only.
 */
import { fc, test } from '@fast-check/jest';
import { expect } from '@jest/globals';
import { PLAIN_STREAM } from '../../src/migration/rules/stream.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { MIB, migrate, setupOf, writer, type SetupFields } from './setups.js';

const NOTHING = {
  preCopyBytes: 0,
  dirtyBytesPerSecond: 0,
  stopCopyBytes: 0,
  bytesPerSecond: 0,
  stopUs: 0,
  startUs: 0,
};

const streams = fc.oneof(
  fc.constant(PLAIN_STREAM),
  fc
    .record({
      channels: fc.integer({ min: 1, max: 8 }),
      zeroPageDetection: fc.constantFrom('legacy', 'multifd', 'none'),
    })
    .map((fields) => ({ ...PLAIN_STREAM, kind: 'multifd' as const, ...fields })),
  fc.constant({ ...PLAIN_STREAM, kind: 'xbzrle' as const, xbzrleEncodedBytes: 500 }),
);

const scenarios = fc.record({
  ramMib: fc.integer({ min: 4, max: 600 }),
  setMib: fc.integer({ min: 1, max: 200 }),
  writesPerSecond: fc.integer({ min: 0, max: 50_000 }),
  pattern: fc.constantFrom('uniform', 'sequential'),
  zeroShare: fc.double({ min: 0, max: 1, noNaN: true }),
  ring: fc.constantFrom(0, 1024),
  bytesPerSecond: fc.integer({ min: 5e6, max: 3e9 }),
  maxBandwidth: fc.oneof(fc.constant(0), fc.integer({ min: 1e6, max: 2e9 })),
  downtimeLimitMs: fc.integer({ min: 1, max: 1000 }),
  qemu: fc.constantFrom('8.0', '8.2', '10.0', '11.1'),
  memory: fc.constantFrom('page', 'fluid'),
  wakeLatencyUs: fc.constantFrom(0, 60),
  sendNsPerPage: fc.constantFrom(0, 1300),
  availSwitchoverBandwidth: fc.constantFrom(0, 1e8),
  manualDirtyLogProtect: fc.boolean(),
  clearBitmapShift: fc.constantFrom(8, 11, 18),
  seed: fc.nat(),
  stream: streams,
});

type Fields = typeof scenarios extends fc.Arbitrary<infer One> ? One : never;

function run(
  fields: Fields,
  devices: NonNullable<SetupFields['guest']>['devices'],
  timelineMs = 0,
): MigrationResult {
  const { ramMib, setMib, writesPerSecond, pattern, zeroShare, memory, seed, qemu } = fields;
  const pages = ramMib * MIB;
  const setPages = Math.min(setMib * MIB, pages);
  const rest = pages - setPages;
  const { downtimeLimitMs, maxBandwidth, manualDirtyLogProtect, clearBitmapShift, stream } = fields;
  return migrate(
    setupOf({
      memory,
      seed,
      timelineMs,
      guest: {
        ramPages: pages,
        dirtyRingSize: fields.ring,
        vcpus: [writer({ pages: setPages, writesPerSecond, pattern })],
        zeroExtents:
          rest === 0 ? [] : [{ firstPage: setPages, pages: rest, zeroPages: Math.floor(rest * zeroShare) }],
        ...(devices === undefined ? {} : { devices }),
      },
      host: {
        wakeLatencyUs: fields.wakeLatencyUs,
        sendNsPerPage: fields.sendNsPerPage,
        zeroNsPerPage: fields.sendNsPerPage / 5,
      },
      link: { bandwidthBytesPerSecond: fields.bytesPerSecond },
      migration: {
        qemu,
        downtimeLimitMs,
        maxBandwidth,
        manualDirtyLogProtect,
        clearBitmapShift,
        availSwitchoverBandwidth: fields.availSwitchoverBandwidth,
        giveUpAfterUs: 8e6,
        stream,
      },
    }),
  );
}

/** Numbers to twelve digits, so that sums of counters in another order are the same. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(12));
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]));
}

test.prop([scenarios], { numRuns: 150 })('a leap gives the figures of its turns', (fields) => {
  expect(rounded(run(fields, undefined))).toEqual(rounded(run(fields, [NOTHING])));
});

// Only an unseen leap goes on where a piece of memory has to be cleared: a clear makes the memory's counts depend on its instant, so
// that even the last digit would show an instant that was reckoned in another way.
test.prop([scenarios], { numRuns: 150 })(
  "a leap across the border of a clear gives the loop's very figures",
  (fields) => {
    const unseen = { ...fields, maxBandwidth: 0 };
    expect({ ...run(unseen, undefined, 1e9), timeline: [] }).toEqual(run(unseen, undefined));
  },
);
