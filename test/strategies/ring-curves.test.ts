import { describe, expect, test } from '@jest/globals';
import { runMigration } from '../../src/migration/engine.js';
import type { DirtyClass } from '../../src/strategies/kit/restraint-law.js';
import { RingCurves } from '../../src/strategies/kit/ring-curves.js';
import { MIB, setupOf, writer } from '../migration/setups.js';

const RING = 4096;

/** What is known of the vCPUs when the first pass of a slow migration ends, before and after the sizes are known. */
function learn(vcpus: readonly { readonly pages: number; readonly writesPerSecond: number }[]): {
  readonly rates: readonly DirtyClass[];
  readonly sized: readonly DirtyClass[];
} {
  let firstPage = 0;
  const placed = vcpus.map((vcpu) => {
    const placedAt = writer({ ...vcpu, firstPage });
    firstPage += vcpu.pages;
    return placedAt;
  });
  const setup = setupOf({
    guest: { ramPages: 256 * MIB, dirtyRingSize: RING, vcpus: placed },
    link: { bandwidthBytesPerSecond: 20 * 2 ** 20 },
    migration: { giveUpAfterUs: 30_000_000 },
  });
  const known: { rates: readonly DirtyClass[]; sized: readonly DirtyClass[] } = { rates: [], sized: [] };
  runMigration(setup, { strategy: 'test', policy: 'wait' }, (migration) => {
    const curves = new RingCurves(migration);
    migration.dirtyLimitInService(true);
    migration.onSync(({ n, newDirtyPages }) => {
      if (n === 1) curves.start();
      if (n !== 2) return;
      known.rates = curves.classes();
      curves.size(newDirtyPages, migration.nowUs() / 1e6);
      known.sized = curves.classes();
      migration.cancel('learned');
    });
  });
  return known;
}

const pagesOf = (classes: readonly DirtyClass[], vcpu: number): number =>
  classes.filter(({ touches }) => touches[vcpu]! > 0).reduce((sum, { pages }) => sum + pages, 0);
const writesOf = (classes: readonly DirtyClass[], vcpu: number): number =>
  classes.reduce((sum, { pages, touches }) => sum + pages * touches[vcpu]!, 0);

describe('from its ring it is learned', () => {
  // 1000 pages fit into the ring: each window shows how many of them were written in it.
  const { rates } = learn([
    { pages: 1000, writesPerSecond: 5000 },
    { pages: 40_000, writesPerSecond: 30_000 },
    { pages: 5000, writesPerSecond: 0 },
  ]);

  test('how fast a vCPU writes', () => {
    expect(writesOf(rates, 0) / 5000).toBeCloseTo(1, 1);
    expect(writesOf(rates, 1) / 30_000).toBeCloseTo(1, 1);
  });

  test('how many pages, when they do not fill the ring', () => {
    expect(pagesOf(rates, 0) / 1000).toBeCloseTo(1, 1);
  });

  test('that one does not write at all', () => {
    expect(pagesOf(rates, 2)).toBe(0);
  });
});

// In 12.8 s at 30,000 writes a second every one of 40,000 pages is dirtied again.
test('how many pages a vCPU writes that fills its ring is learned from the first pass', () => {
  const { rates, sized } = learn([{ pages: 40_000, writesPerSecond: 30_000 }]);
  expect(pagesOf(rates, 0)).toBeGreaterThan(60_000);
  expect(pagesOf(sized, 0) / 40_000).toBeCloseTo(1, 1);
  expect(writesOf(sized, 0)).toBeCloseTo(writesOf(rates, 0), 3);
});
