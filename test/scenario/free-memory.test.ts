/** A balloon and free page hints, as a scenario says them. */
import { describe, expect, test } from '@jest/globals';
import { parseScenario } from '../../src/scenario/parse.js';
import type { GuestSpec } from '../../src/guest/spec.js';
import { hintedPagesOf, zeroPagesOf } from '../../src/guest/unused.js';

const MIB = 256;

function guestOf(keys: string, migration = '{}'): GuestSpec {
  const text = `guest:\n  memory: 1GiB\n  hidden: 0\n${keys}\n  vcpus: [{ workload: { write: 10MiB/s, working-set: 256MiB } }]\nlink: { bandwidth: 1Gbit/s }\nmigration: ${migration}\n`;
  return parseScenario(text, 'free.yaml').setup.guest;
}

const zeroIn = ({ zeroExtents }: GuestSpec): number =>
  zeroExtents.reduce((sum, one) => sum + zeroPagesOf(one), 0);
const hintedIn = ({ zeroExtents }: GuestSpec): number =>
  zeroExtents.reduce((sum, one) => sum + hintedPagesOf(one), 0);

describe('the balloon', () => {
  test('is more zero pages: the host took the memory, and reads it as zeros', () => {
    expect(zeroIn(guestOf('  zero-pages: 25%\n  balloon: 128MiB'))).toBe(384 * MIB);
  });

  test('finds no room where zero pages and working sets leave none', () => {
    expect(() => guestOf('  zero-pages: 70%\n  balloon: 100MiB')).toThrow(
      'free.yaml:5:12: guest.balloon: there is no room for a balloon of 100 MiB',
    );
  });
});

describe('free page hints', () => {
  test('take zero pages first, then memory that was used once', () => {
    const guest = guestOf('  zero-pages: 25%\n  free-page-hint: 50%');
    expect([zeroIn(guest), hintedIn(guest)]).toEqual([256 * MIB, 512 * MIB]);
    expect(guest.zeroExtents[0]).toMatchObject({ hintedZeroPages: 256 * MIB, hintedDataPages: 256 * MIB });
  });

  test('as a size, over a stretch of zero pages and what lies beside it', () => {
    const guest = guestOf('  zero-pages: [{ at: 512MiB, size: 256MiB }]\n  free-page-hint: 300MiB');
    expect([zeroIn(guest), hintedIn(guest)]).toEqual([256 * MIB, 300 * MIB]);
  });

  test('leave out what the balloon holds: the guest does not have that memory', () => {
    const guest = guestOf('  zero-pages: 25%\n  balloon: 128MiB\n  free-page-hint: 256MiB');
    expect(guest.zeroExtents[0]).toMatchObject({ zeroPages: 384 * MIB, hintedZeroPages: 256 * MIB });
    expect(guest.zeroExtents[0]!.hintedDataPages).toBeUndefined();
  });

  test.each([
    ['more than there is', '  free-page-hint: 80%', '{}', 'at most 768 MiB can be free'],
    ['with post-copy', '  free-page-hint: 50%', '{ postcopy-ram: true }', 'expected postcopy-ram: false'],
    [
      'without a unit',
      '  free-page-hint: 50',
      '{}',
      'expected a share of RAM such as 80%, or a size such as 6GiB',
    ],
  ])('%s are refused', (_, keys, migration, message) => {
    expect(() => guestOf(keys, migration)).toThrow(message);
  });
});
