/**
 * The tables with which dirty limit was proposed: who is faster, where auto-converge stops converging, and the times within a
 * factor of 1.5 where the conditions are known. Rows that were on the border between converging and not are asserted as that.
 * What does not come out is listed in docs/fidelity.md.
 */
import { describe, expect, test } from '@jest/globals';
import { GUEST_COST, SMALL_SETS, TEN_GBIT, migrateRow, secondsOf, type Row } from './dirty-limit-series.js';

/** Both ways: predicted and measured differ by less than this factor. */
const NEAR = 1.5;

function expectNear(seconds: number, measured: readonly number[], factor = NEAR): void {
  expect(seconds).toBeGreaterThan(Math.min(...measured) / factor);
  expect(seconds).toBeLessThan(Math.max(...measured) * factor);
}

describe('dirty limit against auto-converge on 1 Gbit/s', () => {
  // Seconds as measured, two runs each. No times: no convergence.
  const rows: [Row, readonly number[], readonly number[]][] = [
    [{ ring: 1024, setMB: 1024, sleepUs: 1000 }, [45, 44.5], [191.8, 185.3]],
    [{ ring: 1024, setMB: 1024, sleepUs: 0 }, [61.9, 57.9], []],
    [{ ring: 1024, setMB: 2048, sleepUs: 0 }, [92, 90.4], []],
    [{ ring: 2048, setMB: 128, sleepUs: 10_000 }, [14.5, 13.5], [26, 26.3]],
    [{ ring: 2048, setMB: 1024, sleepUs: 10_000 }, [44.2, 45.1], [157.7]],
    [{ ring: 2048, setMB: 1024, sleepUs: 500 }, [51.1, 49.6], []],
  ];
  test.each(rows)('%j: times, and auto-converge stops where it did', (row, limited, throttled) => {
    const [limit, converge] = [secondsOf('dirty-limit', row), secondsOf('auto-converge', row)];
    expectNear(limit, limited);
    if (throttled.length > 0) expectNear(converge, throttled);
    else expect(converge).toBe(Infinity);
    expect(limit).toBeLessThan(converge / 1.5);
  });

  /**
   * At 99 % the vCPUs run for 10 ms of each second. A ring sync waits until their sleep is over, so such a slice follows every
   * sync; four writers dirty 40 ms / (0.5 + S): 28 MB with S = 1 ms, 42 MB with 0.5 ms, 84 MB without sleep. The threshold
   * is 35 MB: the first ends, the last never, and the second if a window was fast enough. It took 203 s once and 910 s once.
   */
  test('ring 1024, 500 us of sleep: auto-converge on the border', () => {
    const row: Row = { ring: 1024, setMB: 1024, sleepUs: 500 };
    expectNear(secondsOf('dirty-limit', row), [46.5, 45.5]);
    expect(secondsOf('auto-converge', row)).toBeGreaterThan(203 / NEAR);
    expect(secondsOf('auto-converge', row)).toBeGreaterThan(
      secondsOf('auto-converge', { ...row, sleepUs: 1000 }),
    );
  });

  /**
   * The sleep at a full ring is at most 99 times the time in which the nominal ring of 8 MiB fills at the full speed of 1900
   * MiB/s: 0.42 s, so that four writers keep 4 · 5.75 MiB / 0.42 s = 55 MiB/s, and 46 more by the kicks of every 500 ms. That
   * is just below the link's 111. Of a ring of 1024 entries 1.75 MiB of 4 are used: half as much. It took 154 and 229 s.
   */
  test('ring 2048, no sleep: dirty limit on the border', () => {
    const row: Row = { ring: 2048, setMB: 1024, sleepUs: 0 };
    const limit = secondsOf('dirty-limit', row);
    expect(limit).toBeGreaterThan(1.5 * secondsOf('dirty-limit', { ...row, sleepUs: 500 }));
    expect(limit).toBeGreaterThan(1.8 * secondsOf('dirty-limit', { ...row, ring: 1024 }));
    expect(secondsOf('auto-converge', row)).toBe(Infinity);
  });
});

/**
 * Each kick frees a writer that sleeps at a full ring until it is full again: 4 · 5.75 MiB = 24 MB per period and per sync,
 * however long the sleep is meant to be. In 100 ms that is twice what the link carries. In 300 ms it is 80 MB/s: passes get
 * shorter until one kick of the meter falls into each, and then 48 MB stand against a threshold of 35 MB. In 500 ms and
 * more a pass of 24 MB, 0.2 s, often has none.
 */
describe('the period of dirty limit (ring of 2048 entries, 1024 MB, 10 ms of sleep a MB)', () => {
  const row: Row = { ring: 2048, setMB: 1024, sleepUs: 10_000 };
  const at = (periodMs: number): number => secondsOf('dirty-limit', { ...row, periodMs });

  test('from 500 ms on it makes little difference: 44, 42 and 41 s', () => {
    const seconds = [500, 700, 1000].map(at);
    expectNear(seconds[0]!, [44.2, 45.1], 1.15);
    expectNear(seconds[1]!, [41.9, 42.6], 1.15);
    expectNear(seconds[2]!, [41.4, 40.4], 1.15);
    expect(seconds[0]! / seconds[2]!).toBeLessThan(1.2);
  });

  test('at 300 ms the cliff, at 100 ms no end', () => {
    // 118 and 157 s measured against 44: the model comes to the same border, at 350 ms.
    expect(at(300)).toBeGreaterThan(118 / NEAR);
    expect(at(300)).toBeGreaterThan(2 * at(500));
    expect(at(100)).toBe(Infinity);
  });

  test('a sleep that no kick ends has no cliff: QEMU from 8.2 on', () => {
    const later = [100, 300, 1000].map((periodMs) =>
      secondsOf('dirty-limit', { ...row, periodMs }, { qemu: '8.2' }),
    );
    expect(Math.max(...later)).toBeLessThan(1.25 * Math.min(...later));
  });
});

describe('small sets on 1 Gbit/s', () => {
  const row = (setMB: number): Row => ({ ring: 2048, setMB, sleepUs: 0 });
  const limited = (setMB: number): number => secondsOf('dirty-limit', row(setMB), SMALL_SETS);
  const throttled = (setMB: number): number => secondsOf('auto-converge', row(setMB), SMALL_SETS);

  test('60 MB fit below the threshold: no throttle, both alike', () => {
    // Of two seconds what the guest uses besides, which nobody gives, is a large share.
    expectNear(limited(60), [2], 1.6);
    expect(throttled(60)).toBe(limited(60));
  });

  /**
   * A pass of 90 MB takes 0.8 s, so that every second sync is eligible and each of auto-converge's nine steps takes four
   * passes: 28 s, and some before and after. Dirty limit has one step.
   */
  test('70 to 110 MB: dirty limit within seconds, auto-converge by its steps', () => {
    expectNear(limited(70), [5.4]);
    expectNear(limited(90), [6]);
    expectNear(limited(110), [7.7]);
    expectNear(throttled(90), [33.5]);
    expect(throttled(70)).toBeLessThan(throttled(90));
    // Measured: none. Two writers leave 40 MB in a slice, so it ends here.
    expect(throttled(110)).toBeGreaterThan(3 * limited(110));
  });
});

describe('on 10 Gbit/s', () => {
  const sets: [number, number, number][] = [
    // MB, dirty limit, auto-converge, in seconds as measured
    [1600, 15.8, 27.5],
    [2000, 19, 38.4],
    [2400, 19.9, 46.4],
    [2800, 22.3, 57.1],
  ];
  /** The set takes passes in proportion to its size, in both; auto-converge needs two for each of its nine steps. */
  test('both take longer the larger the set, auto-converge at least 1.7 times as long as dirty limit', () => {
    const rows = sets.map(([setMB]): Row => ({ ring: 2048, setMB, sleepUs: 0 }));
    const limited = rows.map((row) => secondsOf('dirty-limit', row, TEN_GBIT));
    const throttled = rows.map((row) => secondsOf('auto-converge', row, TEN_GBIT));
    sets.forEach(([, , measured], at) => {
      expectNear(throttled[at]!, [measured]);
      expect(throttled[at]! / limited[at]!).toBeGreaterThan(1.7);
      if (at === 0) return;
      expect(limited[at]!).toBeGreaterThan(limited[at - 1]!);
      expect(throttled[at]!).toBeGreaterThan(throttled[at - 1]!);
    });
  });
});

describe('what vCPUs pay that only read', () => {
  /**
   * UnixBench, normal / dirty limit / auto-converge: dhry2reg 32800 / 32786 / 25292, syscall 4669 / 4667 / 3841. A reader never
   * fills its ring: what it loses are kicks and the switchover. A CPU throttle sleeps on every vCPU alike; how much of
   * its climb a benchmark saw is not given, so only that it is no less than the 18 to 23 % measured.
   */
  test('dirty limit takes nothing from them, auto-converge what it takes from writers', () => {
    const row: Row = { ring: 2048, setMB: 1024, sleepUs: 500 };
    const shares = (strategy: 'dirty-limit' | 'auto-converge', group: string): number[] =>
      migrateRow(strategy, row, GUEST_COST)
        .vcpus.filter((vcpu) => vcpu.group === group)
        .map((vcpu) => vcpu.workDone!);
    for (const share of shares('dirty-limit', 'reader')) expect(share).toBeGreaterThan(0.99);
    const [writer] = shares('auto-converge', 'writer');
    for (const share of shares('auto-converge', 'reader')) {
      expect(share).toBeLessThan(3841 / 4669);
      expect(Math.abs(share - writer!)).toBeLessThan(0.05);
    }
    for (const share of shares('dirty-limit', 'writer')) expect(share).toBeLessThan(0.7);
  });
});
