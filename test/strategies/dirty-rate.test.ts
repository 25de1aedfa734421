import { expect, test } from '@jest/globals';
import { measureDirtyRates, rateOfPages, rateOfWholeMib } from '../../src/strategies/kit/dirty-rate.js';
import { FakeControls } from './fake-controls.js';

// 256 pages of 4 KiB are 1 MiB.
test('a rate is truncated to whole MiB/s', () => {
  expect(rateOfPages(25_600, 1000)).toBe(100);
  expect(rateOfPages(25_599, 1000)).toBe(99);
  expect(rateOfWholeMib(25_599, 1000)).toBe(99);
});

// 511 pages in 500 ms are 1.996 MiB, so 3.99 MiB/s: whole MiB first makes it 1 MiB, so 2 MiB/s.
test('old QEMU drops what is left of a MiB before it scales to a second', () => {
  expect(rateOfPages(511, 500)).toBe(3);
  expect(rateOfWholeMib(511, 500)).toBe(2);
});

test('one measurement counts each vCPU apart', () => {
  const migration = new FakeControls({ vcpuCount: 3 });
  migration.rates.splice(0, 3, 100, 0, 7);
  migration.runUntilMs(2500);
  const seen: [number, readonly number[]][] = [];
  measureDirtyRates(migration, 1000, rateOfPages, (rates) => seen.push([migration.nowUs(), rates]));
  migration.runUntilMs(10_000);
  expect(seen).toEqual([[3_500_000, [100, 0, 7]]]);
});

// 1 s of waiting and 0.5 s of draining at 100 MiB/s give 150 MiB, divided by the 1 s.
test('the drain is counted but not in the divisor, so a slow drain makes rates too high', () => {
  const migration = new FakeControls({ vcpuCount: 1, flushMs: 500 });
  migration.rates[0] = 100;
  let measured: readonly number[] = [];
  measureDirtyRates(migration, 1000, rateOfPages, (rates) => (measured = rates));
  migration.runUntilMs(5000);
  expect(measured).toEqual([150]);
});
