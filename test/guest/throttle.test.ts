/** The closed-form timetable against QEMU's timer told tick by tick (system/cpu-throttle.c). Times in us. */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import {
  ThrottleTimetable,
  clampThrottle,
  throttlePeriodUs,
  throttleSleepUs,
} from '../../src/guest/throttle.js';

const { max, min } = Math;

interface Setting {
  readonly atUs: number;
  readonly percent: number;
}

/** The sleeps [from, to) that settings make until `endUs`: each tick puts to sleep and arms the next tick. */
function sleepsOf(settings: readonly Setting[], endUs: number): [number, number][] {
  const sleeps: [number, number][] = [];
  let percent = 0;
  let tickUs = Infinity;
  const tickUntil = (untilUs: number): void => {
    while (tickUs < untilUs) {
      sleeps.push([tickUs, tickUs + throttleSleepUs(percent)]);
      tickUs += throttlePeriodUs(percent);
    }
  };
  for (const setting of settings) {
    tickUntil(setting.atUs);
    if (percent === 0) tickUs = setting.atUs;
    percent = setting.percent;
    if (percent === 0) tickUs = Infinity;
  }
  tickUntil(endUs);
  return sleeps;
}

/** Time within [fromUs, toUs] that no sleep covers. Sleeps do not overlap: a period is longer than its sleep. */
function awakeUs(sleeps: readonly [number, number][], fromUs: number, toUs: number): number {
  return sleeps.reduce((left, [from, to]) => left - max(0, min(to, toUs) - max(from, fromUs)), toUs - fromUs);
}

const percent = fc.integer({ min: 1, max: 99 });
const instant = fc.integer({ min: 0, max: 5_000_000 });
const lateUs = fc.constantFrom(0, 65, 900);
/** First a start, then a few changes; the throttle may be lifted at the end. */
const history = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000_000 }), percent), { minLength: 1, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([changes, lifted]) => {
    let atUs = 0;
    const settings = changes.map(([afterUs, value]): Setting => ({
      atUs: (atUs += afterUs),
      percent: value,
    }));
    return lifted ? [...settings, { atUs: atUs + 1_234_567, percent: 0 }] : settings;
  });

function timetableOf(settings: readonly Setting[]): ThrottleTimetable {
  const timetable = new ThrottleTimetable();
  for (const setting of settings) timetable.set(setting.percent, setting.atUs);
  return timetable;
}

describe('one slice', () => {
  // A slice of 10 ms of running, and f/(1-f) times that of sleep.
  test.each([
    [20, 2_500, 12_500],
    [50, 10_000, 20_000],
    [90, 90_000, 100_000],
    [99, 990_000, 1_000_000],
  ])('%i %%: sleeps %i us of every %i', (value, sleepUs, periodUs) => {
    expect(throttleSleepUs(value)).toBeCloseTo(sleepUs, 6);
    expect(throttlePeriodUs(value)).toBeCloseTo(periodUs, 6);
  });

  property.prop([percent], { seed: 1 })('leaves 10 ms to run, whatever the percentage', (value) => {
    expect(throttlePeriodUs(value) - throttleSleepUs(value)).toBeCloseTo(10_000, 6);
  });

  test('percentages are clamped to 1 .. 99; 0 lifts the throttle', () => {
    expect([0, 0.5, 1, 42, 99, 100].map(clampThrottle)).toEqual([0, 1, 1, 42, 99, 99]);
  });
});

describe('the timetable', () => {
  test('without a throttle everything is run time', () => {
    const timetable = new ThrottleTimetable();
    expect(timetable.runTimeUs(100, 5_100, 65)).toBe(5_000);
    expect(timetable.instantAfterUs(100, 5_000, 65)).toBe(5_100);
    expect(timetable.awakeAtUs(100)).toBe(100);
  });

  test('the first tick is immediate: it begins with a sleep, not with a slice', () => {
    const timetable = timetableOf([{ atUs: 1_000, percent: 50 }]);
    expect(timetable.awakeAtUs(1_000)).toBe(11_000);
    expect(timetable.runTimeUs(1_000, 11_000, 0)).toBe(0);
    expect(timetable.runTimeUs(1_000, 21_000, 0)).toBe(10_000);
  });

  // At 50 % ticks come at 0, 20, 40 ms. A change at 25 ms leaves the sleep until 30 ms and the slice until 40 ms alone.
  test('a change acts from the next tick', () => {
    const timetable = timetableOf([
      { atUs: 0, percent: 50 },
      { atUs: 25_000, percent: 90 },
    ]);
    expect(timetable.percent).toBe(90);
    expect(timetable.awakeAtUs(25_000)).toBe(30_000);
    expect(timetable.runTimeUs(25_000, 40_000, 0)).toBe(10_000);
    expect(timetable.awakeAtUs(40_000)).toBeCloseTo(130_000, 6);
    expect(timetable.runTimeUs(40_000, 140_000, 0)).toBeCloseTo(10_000, 6);
  });

  test('a lifted throttle lets the sleep under way end, and no tick follows', () => {
    const timetable = timetableOf([
      { atUs: 0, percent: 90 },
      { atUs: 30_000, percent: 0 },
    ]);
    expect(timetable.awakeAtUs(30_000)).toBeCloseTo(90_000, 6);
    expect(timetable.runTimeUs(30_000, 1_090_000, 0)).toBeCloseTo(1_000_000, 6);
  });

  test('the same percentage again does not restart the pattern', () => {
    const timetable = timetableOf([
      { atUs: 0, percent: 50 },
      { atUs: 15_000, percent: 50 },
    ]);
    expect(timetable.awakeAtUs(15_000)).toBe(15_000);
    expect(timetable.awakeAtUs(20_000)).toBe(30_000);
  });

  property.prop([history, instant, instant], { seed: 1 })(
    'runs exactly when no tick has put it to sleep',
    (settings, a, b) => {
      const start = settings.at(-1)!.atUs;
      const [from, to] = [start + min(a, b), start + max(a, b)];
      const timetable = timetableOf(settings);
      expect(timetable.runTimeUs(from, to, 0)).toBeCloseTo(awakeUs(sleepsOf(settings, to), from, to), 3);
    },
  );

  property.prop([history, instant, instant, instant, lateUs], { seed: 1 })(
    'gives the same run time in one piece and in two',
    (settings, a, b, c, late) => {
      const start = settings.at(-1)!.atUs;
      const [from, middle, to] = [a, b, c].sort((x, y) => x - y).map((t) => start + t) as [
        number,
        number,
        number,
      ];
      const timetable = timetableOf(settings);
      const pieces = timetable.runTimeUs(from, middle, late) + timetable.runTimeUs(middle, to, late);
      expect(timetable.runTimeUs(from, to, late)).toBeCloseTo(pieces, 3);
    },
  );

  // Instant of a run time and run time of an instant undo each other, whatever the vCPU loses at each wake-up.
  property.prop([history, instant, fc.integer({ min: 1, max: 2_000_000 }), lateUs], { seed: 1 })(
    'says when a run time is over: the inverse',
    (settings, a, runUs, late) => {
      const from = settings.at(-1)!.atUs + a;
      const timetable = timetableOf(settings);
      const until = timetable.instantAfterUs(from, runUs, late);
      expect(timetable.runTimeUs(from, until, late)).toBeCloseTo(runUs, 3);
      // It is the earliest such instant: just before it, less has been run.
      expect(timetable.runTimeUs(from, until - 1, late)).toBeLessThan(runUs - 0.5);
    },
  );

  property.prop([history, instant], { seed: 1 })(
    'is awake at the end of the sleep that holds, or at once',
    (settings, a) => {
      const at = settings.at(-1)!.atUs + a;
      const sleep = sleepsOf(settings, at + 1).find(([from, to]) => from <= at && at < to);
      expect(timetableOf(settings).awakeAtUs(at)).toBeCloseTo(sleep === undefined ? at : sleep[1], 3);
    },
  );

  // It keeps its last answers: they must not outlive a change, nor be given to another question.
  property.prop(
    [history, fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 24 }), lateUs],
    {
      seed: 1,
    },
  )('answers as one that was never asked before', (settings, steps, late) => {
    const asked = new ThrottleTimetable();
    const answers = (timetable: ThrottleTimetable, fromUs: number, step: number): number[] => [
      timetable.awakeAtUs(fromUs),
      timetable.runTimeUs(fromUs, fromUs + 7_000 * step, late),
      timetable.runTimeUs(fromUs, fromUs + 7_000 * step, 0),
    ];
    for (const [index, { atUs, percent: value }] of settings.entries()) {
      asked.set(value, atUs);
      for (const step of steps) {
        const fromUs = atUs + 5_000 * step;
        const fresh = timetableOf(settings.slice(0, index + 1));
        expect(answers(asked, fromUs, step)).toEqual(answers(fresh, fromUs, step));
      }
    }
  });

  // Each slice begins late by what the wake-up costs, so of 10 ms less remains: at 1 ms late 90 % of the run time.
  property.prop([percent], { seed: 1 })('a late wake-up takes its share of every slice', (value) => {
    const timetable = timetableOf([{ atUs: 0, percent: value }]);
    const hundredPeriods = 100 * throttlePeriodUs(value);
    expect(timetable.runTimeUs(0, hundredPeriods, 1_000)).toBeCloseTo(100 * 9_000, 2);
  });
});
