/** Which counter of query-migrate each byte of the stream is in (ram.c:ram_transferred_add, multifd_bytes), by version. */
import { describe, expect, test } from '@jest/globals';
import { MULTIFD_PACKET_HEADER_BYTES, PLAIN_STREAM } from '../../src/migration/rules/stream.js';
import { QEMU_VERSIONS, type QemuVersion } from '../../src/migration/rules/versions.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { StreamSpec } from '../../src/migration/setup.js';
import { MIB, NORMAL_RECORD, ZERO_RECORD, migrate, setupOf } from './setups.js';

const CHANNELS = 4;
const PAGES = 64 * MIB;
const ZERO = 16 * MIB;
const SYNC = CHANNELS * MULTIFD_PACKET_HEADER_BYTES;
const DEVICE = 50_000;
/** End of an iteration: EOS, and the section around it. */
const EOS = 8;
const SECTION = 10;

/** 48 MiB of data and 16 MiB of zero pages at the end of an idle guest; one pass, and nothing left of it. */
function sent(qemu: QemuVersion, stream: Partial<StreamSpec>): MigrationResult {
  return migrate(
    setupOf({
      guest: { zeroExtents: [{ firstPage: PAGES - ZERO, pages: ZERO }] },
      host: { deviceStateBytes: DEVICE },
      link: { bandwidthBytesPerSecond: 2e8 },
      migration: { qemu, downtimeLimitMs: 0, stream: { ...PLAIN_STREAM, ...stream } },
    }),
  );
}

const atLeastOne = (qemu: QemuVersion): boolean => Number(qemu) >= 8.1;

describe.each(QEMU_VERSIONS)('QEMU %s', (qemu) => {
  const showsRamOnly = Number(qemu) < 8.2;

  test('plain: records and the EOS of iterations are precopy-bytes, framing is in the sum alone', () => {
    const { sentBytes, precopyBytes, downtimeBytes, multifdBytes } = sent(qemu, {});
    const records = (PAGES - ZERO) * NORMAL_RECORD + ZERO * ZERO_RECORD;
    const iterations = (precopyBytes - records) / EOS;
    expect(Number.isInteger(iterations)).toBe(true);
    expect(iterations).toBeGreaterThanOrEqual(3);
    expect([downtimeBytes, multifdBytes]).toEqual([0, 0]);
    // Setup writes 500 bytes; the last stage ends with an EOS that nothing counts.
    const framing = 500 + iterations * SECTION + (EOS + SECTION) + DEVICE;
    expect(sentBytes).toBe(precopyBytes + (showsRamOnly ? 0 : framing));
  });

  test('multifd with legacy detection: zero records are precopy-bytes, hello and syncs multifd-bytes', () => {
    const result = sent(qemu, { kind: 'multifd', channels: CHANNELS, zeroPageDetection: 'legacy' });
    const { sentBytes, precopyBytes, multifdBytes } = result;
    const iterations = (precopyBytes - ZERO * ZERO_RECORD) / EOS;
    expect(Number.isInteger(iterations)).toBe(true);
    const packets = ((PAGES - ZERO) / 128) * MULTIFD_PACKET_HEADER_BYTES + (PAGES - ZERO) * 4096;
    const hello = atLeastOne(qemu) ? CHANNELS * 64 : 0;
    // Setup, each later sync that is not in setup and, up to machine type 8.0, the end of each iteration and of the last stage.
    const rounds = result.dirtySyncCount - 1;
    const syncs = 1 + (atLeastOne(qemu) ? rounds : iterations + 1);
    expect(multifdBytes).toBe(packets + hello + syncs * SYNC);
    const flags = atLeastOne(qemu) ? 8 * syncs : 0;
    const framing = 500 + iterations * SECTION + (EOS + SECTION) + DEVICE + flags;
    expect(sentBytes).toBe(precopyBytes + multifdBytes + (showsRamOnly ? 0 : framing));
  });
});

test('zero pages in packets: nothing but EOS is on the main channel', () => {
  const { precopyBytes, zeroPages } = sent('10.0', {
    kind: 'multifd',
    channels: CHANNELS,
    zeroPageDetection: 'multifd',
  });
  expect(zeroPages).toBe(ZERO);
  expect(precopyBytes).toBeLessThan(20 * EOS);
  expect(precopyBytes % EOS).toBe(0);
});

/** A pass of 1.4 s is judged as it ends: by its records and the EOS of its iterations, or by the framing as well. */
test.each(['8.1', '8.2'] as const)(
  'QEMU %s: the trigger compares with what ram.transferred shows',
  (qemu) => {
    const setup = setupOf({
      link: { bandwidthBytesPerSecond: 5e7 },
      migration: { qemu, downtimeLimitMs: 1 },
    });
    const { decisions, syncs } = migrate({ ...setup, trace: true });
    const judged = decisions.flatMap(({ facts }) => (facts?.kind === 'judged' ? [facts] : []));
    expect(judged.length).toBeGreaterThan(0);
    const { sync, sentBytes } = judged[0]!;
    expect(sentBytes).toBe(syncs[sync - 1]!.sentBytes);
    const beyondRecords = sentBytes - PAGES * NORMAL_RECORD;
    const iterations = qemu === '8.1' ? beyondRecords / EOS : (beyondRecords - 500) / (EOS + SECTION);
    expect(Number.isInteger(iterations)).toBe(true);
    // One takes 51 ms and up to 64 pages more.
    expect(iterations).toBeGreaterThan(20);
    expect(iterations).toBeLessThan(28);
  },
);
