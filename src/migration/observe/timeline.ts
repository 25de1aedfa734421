/**
 * What an observer sees who looks every `timelineMs`, which is not an event: a run must not depend on it. It is read off
 * between two turns of the engine's loop, in which pages left evenly.
 */
import type { Watcher } from '../parts/clock.js';
import type { MigrationStats } from '../controls.js';
import type { Seen } from '../parts/parts.js';
import type { TimelinePoint } from '../result.js';
import { pendingEstimate } from '../rules/rules.js';
import { workShares } from './vcpu-results.js';

const { floor, min, round } = Math;
const INFINITY = Infinity;

type Look = Omit<TimelinePoint, 'vcpuWorkShare'>;

export class Timeline implements Watcher {
  readonly #seen: Seen;
  /** 0: no timeline. */
  readonly #periodUs: number;
  readonly #looks: Look[] = [];
  #fromUs = 0;
  #nextUs = INFINITY;
  /** How things stood at the last turn. */
  #turnUs = 0;
  #turnBytes = 0;
  #turnPages = 0;

  constructor(seen: Seen) {
    this.#seen = seen;
    this.#periodUs = seen.setup.timelineMs * 1000;
  }

  /** Setup is over: from now on there is something to see. */
  start(): void {
    if (this.#periodUs === 0) return;
    const { nowUs } = this.#seen.clock;
    this.#seen.guest.watch(nowUs, this.#periodUs);
    this.#fromUs = nowUs;
    this.#nextUs = nowUs;
    this.look();
  }

  look(): void {
    if (this.#periodUs === 0) return;
    const { effort } = this.#seen;
    const { nowUs } = this.#seen.clock;
    const { transferred } = this.#seen.counters;
    const { dirtyPages } = this.#seen.run;
    const sinceUs = this.#turnUs;
    if (this.#nextUs <= nowUs) effort.points(floor((nowUs - this.#nextUs) / this.#periodUs) + 1);
    while (this.#nextUs <= nowUs) {
      const share = nowUs > sinceUs ? (this.#nextUs - sinceUs) / (nowUs - sinceUs) : 1;
      const bytes = this.#turnBytes + share * (transferred - this.#turnBytes);
      const pages = this.#turnPages + share * (dirtyPages - this.#turnPages);
      this.#looks.push(this.#lookAt(this.#nextUs, bytes, pages));
      this.#nextUs = this.#fromUs + this.#looks.length * this.#periodUs;
    }
    this.#turnUs = nowUs;
    this.#turnBytes = transferred;
    this.#turnPages = dirtyPages;
  }

  /** What was seen, the end included, with the work that the guest did from one look to the next. */
  points(): TimelinePoint[] {
    if (this.#periodUs === 0) return [];
    const { clock, counters, run, guest } = this.#seen;
    const looks = [...this.#looks];
    const last = this.#lookAt(clock.nowUs, counters.shown, run.dirtyPages);
    if (looks.at(-1)?.timeMs === last.timeMs) looks.pop();
    const { vcpus, history } = guest;
    const seen: number[] = [];
    return [...looks, last].map((look, index) => ({
      ...look,
      // What a failure has stopped on the way was seen as sent.
      sentBytes: min(look.sentBytes, last.sentBytes),
      vcpuWorkShare: workShares(
        vcpus,
        (looks[index - 1]?.timeMs ?? 0) * 1000,
        look.timeMs * 1000,
        (v) => (look === last ? undefined : history?.at(v.id, index)) ?? v.writes + v.reads,
        seen,
      ),
    }));
  }

  #lookAt(timeUs: number, sentBytes: number, dirtyPages: number): Look {
    const { state, window, period, restraint, guest } = this.#seen;
    return {
      timeMs: timeUs / 1000,
      phase: timelinePhase(state.phase),
      sentBytes: round(sentBytes),
      remainingBytes: round(pendingEstimate(dirtyPages)),
      bandwidthBytesPerSecond: window.bandwidthPerMs * 1000,
      dirtyPagesRate: period.dirtyPagesRate,
      expectedDowntimeMs: window.expectedDowntimeMs,
      throttlePercent: restraint.throttlePercent,
      vcpuThrottlePercent: guest.vcpus.map((v) => v.throttle.percent),
      vcpuSleepUs: guest.vcpus.map((v) => v.ringSleepUs),
    };
  }
}

function timelinePhase(phase: MigrationStats['status']): TimelinePoint['phase'] {
  if (phase === 'postcopy-device' || phase === 'postcopy-active' || phase === 'postcopy-paused')
    return 'postcopy';
  if (phase === 'completed' || phase === 'cancelled' || phase === 'failed') return 'done';
  return phase;
}
