import { defineStrategy } from './define.js';
import {
  LADDER_PARAMETERS,
  climber,
  ladderOf,
  ladderOptions,
  refusesLadder,
  startSyncTimer,
} from './kit/throttle-ladder.js';
import { withTriggerThreshold } from './kit/trigger.js';

const { trunc } = Math;

/** Both criteria act at their second strike. */
const STRIKES = 2;

/**
 * Is the migration losing? Two criteria, each with its own count that a good sync does not clear: more than the threshold
 * came back dirty; and, of those syncs, the share that came back was no smaller than in the sync before
 * (ram.c:migration_trigger_throttle and migration_dirty_ratio_high of the series).
 */
export class ResponsiveDetector {
  readonly #responsive: boolean;
  readonly #thresholdPercent: number;
  #highRates = 0;
  #highRatios = 0;
  #lastRatioPercent = 0;

  constructor(responsive: boolean, thresholdPercent: number) {
    this.#responsive = responsive;
    this.#thresholdPercent = thresholdPercent;
  }

  /** Which criterion makes this sync act, if any. */
  judge(dirtyBytes: number, transferredBytes: number, limitBytes: number): 'rate' | 'ratio' | null {
    const ratioActs =
      this.#responsive && transferredBytes > 0 && this.#ratioIsHigh(dirtyBytes, transferredBytes);
    if (dirtyBytes <= limitBytes) return null;
    this.#highRates += 1;
    if (this.#highRates >= STRIKES) {
      this.#highRates = 0;
      return 'rate';
    }
    return ratioActs ? 'ratio' : null;
  }

  #ratioIsHigh(dirtyBytes: number, transferredBytes: number): boolean {
    const ratio = trunc((100 * dirtyBytes) / transferredBytes);
    const last = this.#lastRatioPercent;
    this.#lastRatioPercent = ratio;
    if (last === 0) return false;
    if (ratio > this.#thresholdPercent && ratio >= last) this.#highRatios += 1;
    if (this.#highRatios < STRIKES) return false;
    this.#highRatios = 0;
    return true;
  }
}

export const responsiveThrottle = defineStrategy({
  name: 'responsive-throttle',
  summary: 'auto-converge that also acts when the share that comes back grows',
  source:
    'qemu-devel, "[PATCH v2 3/3] migration: Support responsive CPU throttle", Hyman Huang, 30 September 2024; not merged',
  rule: `Auto-converge with a second detector. In addition to the syncs in which more than throttle-trigger-threshold of
the bytes sent came back dirty, those of them are counted in which the share that came back, in whole percent,
was no smaller than in the judged sync before. The throttle takes a step at the second of either kind; neither
count is cleared by a good sync, and a step for the second reason leaves the first count as it is.

With cpu-throttle-responsive off it is auto-converge. The ladder, and from QEMU 9.2 on the timer, are those of
auto-converge.`,
  options: {
    'cpu-throttle-responsive': {
      kind: 'flag',
      default: true,
      summary: 'act also when the share that comes back dirty does not shrink',
    },
    ...ladderOptions,
  },
  takesUp: LADDER_PARAMETERS,
  refuses: refusesLadder,
  prepare(options, setup) {
    return withTriggerThreshold(setup, options['throttle-trigger-threshold']);
  },
  start(options, migration) {
    const detector = new ResponsiveDetector(
      options['cpu-throttle-responsive'],
      options['throttle-trigger-threshold'],
    );
    const step = climber(migration, ladderOf(options), 'migration_trigger_throttle');
    migration.onEligibleSync((event) => {
      const verdict = detector.judge(event.dirtyBytes, event.transferredBytes, event.limitBytes);
      if (verdict === 'rate') step(event);
      if (verdict === 'ratio') step(event, { why: 'the share that comes back does not shrink; ' });
    });
    startSyncTimer(migration);
  },
});
