import { describe, expect, test } from '@jest/globals';
import { StallDetector, type StallOptions } from '../../src/policies/kit/stall-detector.js';
import { MIB } from './fake-migration.js';

const DEFAULTS: StallOptions = {
  stallMargin: 0.04,
  ewmaAlpha: 0.4,
  precopyPossibleFactor: 1.5,
  patienceWindowDecayFactor: 0.5,
  completionTimeoutFactor: 2,
  stallProgressTimeoutMs: 40_000,
  searchLocalMinima: true,
  maxDowntimeMs: 900,
  allowPostCopy: false,
  allowWorkloadDisruption: false,
};

function detector(options: Partial<StallOptions> = {}, bandwidth = 1000 * MIB): StallDetector {
  const made = new StallDetector({ ...DEFAULTS, ...options });
  made.sampleBandwidth(bandwidth);
  return made;
}

/** Time of the pass end, in s, at which the stall is found; null if it is not. */
function stalledAtS(curve: (s: number) => number, untilS = 400, periodS = 2): number | null {
  const made = detector();
  for (let s = periodS; s <= untilS; s += periodS) {
    if (made.passEnded({ elapsedMs: s * 1000, remainingBytes: Math.round(curve(s)) })) return s;
  }
  return null;
}

describe('a stall', () => {
  // Each pass leaves 5 % less than the one 2 s before: over 40 s far more than the margin of 4 %.
  test('is not found while what is left keeps falling', () => {
    expect(stalledAtS((s) => 4000 * MIB * 0.95 ** (s / 2), 200)).toBeNull();
  });

  // The first pass end, at 2 s, leaves the window when the one at 42 s arrives.
  test('is found on a flat curve once the first pass lies a window back', () => {
    expect(stalledAtS(() => 500 * MIB)).toBe(42);
  });

  // 500 MiB are first left at 42 s; at 82 s that pass end lies a window back, and no pass has gained since.
  test('is found anew for a plateau that was reached later', () => {
    expect(stalledAtS((s) => (s < 42 ? 1000 : 500) * MIB)).toBe(82);
  });

  // Dips and rises of 20 % around 500 MiB. The least of the first period, 400 MiB, is behind the window after 40 s, and no
  // later dip is 4 % below it: the window never starts anew.
  test('is found on a curve that oscillates, whose dips are no progress', () => {
    const found = stalledAtS((s) => 500 * MIB + 100 * MIB * Math.sin((2 * Math.PI * s) / 20));
    expect(found).not.toBeNull();
    expect(found!).toBeLessThanOrEqual(42 + 20);
  });

  // Falls by 10 % within every 40 s, with rises in between: always below 96 % of the least that lies a window back.
  test('is not found where dips get deeper by more than the margin within a window', () => {
    const trend = (s: number): number => 4000 * MIB * 0.9 ** (s / 20);
    expect(stalledAtS((s) => trend(s) * (s % 10 === 0 ? 1 : 1.02), 200)).toBeNull();
  });

  test('exactly at the margin is one: 96 left of 100', () => {
    const made = detector();
    made.passEnded({ elapsedMs: 0, remainingBytes: 100 * MIB });
    expect(made.passEnded({ elapsedMs: 40_000, remainingBytes: 96 * MIB })).toBe(true);
  });

  test('below the margin is none', () => {
    const made = detector();
    made.passEnded({ elapsedMs: 0, remainingBytes: 100 * MIB });
    expect(made.passEnded({ elapsedMs: 40_000, remainingBytes: 96 * MIB - 1 })).toBe(false);
  });

  test('is not looked for before a bandwidth is known', () => {
    const made = new StallDetector(DEFAULTS);
    made.passEnded({ elapsedMs: 0, remainingBytes: MIB });
    expect(made.passEnded({ elapsedMs: 90_000, remainingBytes: MIB })).toBe(false);
  });
});

describe('the bandwidth', () => {
  // 100, then 0.4*200 + 0.6*100 = 140, then 0.4*200 + 0.6*140 = 164.
  test('begins with its first sample and follows with weight 0.4', () => {
    const made = new StallDetector(DEFAULTS);
    const seen = [100, 200, 200].map((sample) => {
      made.sampleBandwidth(sample);
      return made.bandwidth;
    });
    expect(seen).toEqual([100, 140, 164]);
  });

  test('gives the implied pause, cut to whole ms', () => {
    expect(detector({}, 3000).impliedPauseMs(1000)).toBe(333);
  });
});

describe('a stalled migration', () => {
  /** Stalled at 40 s with 300 MiB as the least left so far; 1000 MiB/s. */
  function stalled(options: Partial<StallOptions> = {}): StallDetector {
    const made = detector(options);
    made.passEnded({ elapsedMs: 0, remainingBytes: 300 * MIB });
    expect(made.passEnded({ elapsedMs: 40_000, remainingBytes: 500 * MIB })).toBe(true);
    return made;
  }
  const LATE = 1000;

  test('waits for a pass that leaves no more than 4 % above the least', () => {
    const made = stalled();
    expect(made.decide(500 * MIB, 40, LATE).action).toBe('nothing');
    expect(made.decide(312 * MIB + 1, 42, LATE).action).toBe('nothing');
    expect(made.decide(312 * MIB, 42, LATE).action).toBe('limit');
  });

  test('does not wait with search-local-minima off', () => {
    expect(stalled({ searchLocalMinima: false }).decide(500 * MIB, 40, LATE).action).toBe('limit');
  });

  // 300 MiB at 1000 MiB/s imply 300 ms.
  test.each([
    ['postcopy', { allowPostCopy: true, allowWorkloadDisruption: true }],
    ['pause', { allowWorkloadDisruption: true }],
    ['limit', {}],
    ['limit', { maxDowntimeMs: 200 }],
    ['abort', { maxDowntimeMs: 199 }],
  ] as const)('at the low decides %s with %j', (action, options) => {
    expect(stalled(options).decide(300 * MIB, 41, LATE).action).toBe(action);
  });

  // Sending the rest takes 0.3 s; by 2 * 21 s it must be over.
  test('does nothing that cannot end within twice the completion timeout', () => {
    expect(stalled({ allowPostCopy: true }).decide(300 * MIB, 41, 21).action).toBe('postcopy');
    expect(stalled({ allowPostCopy: true }).decide(300 * MIB, 42, 21).action).toBe('nothing');
  });

  // Patience of 40 s from the stall at 40 s: at 80 s the smallest seen since, 450 MiB, becomes the target. Then 20 s: at 100 s
  // the next smallest, 460 MiB.
  test('settles for the next smallest when patience is over, and has half of it from then on', () => {
    const made = stalled();
    const decide = (elapsedMs: number, mib: number): string => {
      made.passEnded({ elapsedMs, remainingBytes: mib * MIB });
      return made.decide(mib * MIB, elapsedMs / 1000, LATE).action;
    };
    expect(decide(60_000, 450)).toBe('nothing');
    expect(decide(79_999, 480)).toBe('nothing');
    expect(decide(80_000, 490)).toBe('nothing');
    // 450 * 1.04 = 468
    expect(decide(82_000, 469)).toBe('nothing');
    expect(decide(84_000, 468)).toBe('limit');
    // 468 * 1.04 = 486.7
    expect(decide(99_999, 480)).toBe('nothing');
    expect(decide(100_000, 486)).toBe('limit');
  });
});
