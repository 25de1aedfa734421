/** Zero pages as a list of stretches; a share of it spread over the rest. */
import { describe, expect, test } from '@jest/globals';
import { parseScenario } from '../../src/scenario/parse.js';
import type { GuestSpec } from '../../src/guest/spec.js';

const MIB = 256;

function guestOf(zero: string, vcpus = '[{ workload: { write: 10MiB/s, working-set: 300MiB } }]'): GuestSpec {
  const text = `guest:\n  memory: 1GiB\n  hidden: 16MiB\n  zero-pages: ${zero}\n  vcpus: ${vcpus}\nlink: { bandwidth: 1Gbit/s }\n`;
  return parseScenario(text, 'zero.yaml').setup.guest;
}

const STRETCHES = '[{ at: 100MiB, size: 50MiB }, { at: 500MiB, size: 524MiB }]';

describe('stretches of zero pages', () => {
  test('lie where they are said to, ROMs and video memory behind them', () => {
    expect(guestOf(STRETCHES).zeroExtents).toEqual([
      { firstPage: 100 * MIB, pages: 50 * MIB },
      { firstPage: 500 * MIB, pages: 524 * MIB },
      { firstPage: 1024 * MIB, pages: 16 * MIB },
    ]);
  });

  test('a share lies spread over what the working set leaves', () => {
    expect(guestOf('25%').zeroExtents).toEqual([
      { firstPage: 300 * MIB, pages: 724 * MIB, zeroPages: 256 * MIB },
      { firstPage: 1024 * MIB, pages: 16 * MIB },
    ]);
  });

  test('a share over several gaps: in proportion to their size, not one page more or less', () => {
    const sets = '[{ at: 100MiB, workload: { write: 10MiB/s, working-set: 300MiB } }]';
    const spread = guestOf('33%', sets).zeroExtents.slice(0, -1);
    const zero = Math.floor(0.33 * 1024 * MIB);
    expect(spread.map(({ firstPage, pages }) => [firstPage, pages])).toEqual([
      [0, 100 * MIB],
      [400 * MIB, 624 * MIB],
    ]);
    expect(spread[0]!.zeroPages! + spread[1]!.zeroPages!).toBe(zero);
    expect(spread[0]!.zeroPages).toBe(Math.floor((zero * 100) / 724));
  });

  test('a share that fills all that the working set leaves is zero throughout', () => {
    expect(guestOf('75%', '[{ workload: { write: 10MiB/s, working-set: 256MiB } }]').zeroExtents[0]).toEqual({
      firstPage: 256 * MIB,
      pages: 768 * MIB,
    });
  });

  test('working sets without a place of their own lie beside them', () => {
    const { vcpus } = guestOf(
      STRETCHES,
      '[{ workload: { write: 10MiB/s, working-set: 80MiB } }, { workload: { read: 10MiB/s, working-set: 300MiB } }]',
    );
    // The second would reach from 80 to 380 MiB, and begins behind the stretch instead.
    expect(vcpus.map(({ classes }) => classes[0]!.firstPage)).toEqual([0, 150 * MIB]);
  });

  test.each([
    [
      'a working set in one',
      '[{ at: 100MiB, size: 50MiB }]',
      '[{ at: 90MiB, workload: { write: 1MiB/s, working-set: 20MiB } }]',
      'zero.yaml:5:11: guest.vcpus.0: there is no room for a working set, 20 MiB from 90 MiB on, next to 50 MiB of zero pages at 100 MiB',
    ],
    [
      'one outside RAM',
      '[{ at: 1000MiB, size: 50MiB }]',
      undefined,
      'guest.zero-pages.0: expected a stretch within 1 GiB of RAM',
    ],
    [
      'two that overlap',
      '[{ at: 10MiB, size: 50MiB }, { at: 20MiB, size: 1MiB }]',
      undefined,
      'guest.zero-pages.1.at: expected stretches in order of address, this one from 60 MiB on',
    ],
    [
      'a size without a unit',
      '[{ at: 10MiB, size: 50 }]',
      undefined,
      'guest.zero-pages.0.size: "50" lacks a unit',
    ],
    ['another key', '[{ from: 10MiB, size: 50MiB }]', undefined, 'guest.zero-pages.0'],
  ])('%s is refused with its place', (_, zero, vcpus, message) => {
    expect(() => guestOf(zero, vcpus)).toThrow(message);
  });
});
