/**
 * QEMU's CPU throttle as a timetable (system/cpu-throttle.c): each tick puts a vCPU to sleep for f/(1-f) * 10 ms, the next
 * tick comes 10 ms / (1-f) after. So a vCPU sleeps, then runs 10 ms, and all that share a timetable do so in phase.
 * Run time between two instants is closed-form, whatever their distance.
 */
const { floor, max, min, ceil } = Math;
const INFINITY = Infinity;

/** CPU_THROTTLE_TIMESLICE_NS. */
export const CPU_THROTTLE_TIMESLICE_US = 10_000;
export const CPU_THROTTLE_PCT_MIN = 1;
export const CPU_THROTTLE_PCT_MAX = 99;

/** cpu-throttle.c:cpu_throttle_thread: how long one tick makes a vCPU sleep, µs. */
export function throttleSleepUs(percent: number): number {
  const f = percent / 100;
  return (f / (1 - f)) * CPU_THROTTLE_TIMESLICE_US;
}

/** cpu-throttle.c:cpu_throttle_timer_tick: from one tick to the next, µs. */
export function throttlePeriodUs(percent: number): number {
  return CPU_THROTTLE_TIMESLICE_US / (1 - percent / 100);
}

/** cpu-throttle.c:cpu_throttle_set clamps to [1, 99]; 0 is cpu_throttle_stop. */
export function clampThrottle(percent: number): number {
  return percent === 0 ? 0 : min(max(percent, CPU_THROTTLE_PCT_MIN), CPU_THROTTLE_PCT_MAX);
}

/** The timetable of one throttle; vCPUs throttled together share it. */
export class ThrottleTimetable {
  percent = 0;
  /** A tick, from which the present percentage's pattern repeats. */
  #originUs = 0;
  #sleepUs = 0;
  #periodUs = INFINITY;
  /** Before the origin the last pattern's sleep may still be under way, until here. */
  #resumeUs = 0;
  /** The last question of `runTimeUs` and the last two of `awakeAtUs`: vCPUs that are throttled together ask the same in turn. */
  readonly #run = { fromUs: NaN, toUs: NaN, lateUs: NaN, runUs: NaN };
  #askedUs = NaN;
  #awakeUs = NaN;
  #askedBeforeUs = NaN;
  #awakeBeforeUs = NaN;

  /** Unthrottled from `startUs` on; nothing is asked about the time before. */
  constructor(startUs = 0) {
    this.#originUs = startUs;
    this.#resumeUs = startUs;
  }

  /**
   * A new percentage at `nowUs`. Throttling that starts ticks at once; a change acts from the next tick; 0 lets a sleep
   * under way end, and no tick follows.
   */
  set(percent: number, nowUs: number): void {
    const clamped = clampThrottle(percent);
    if (clamped === this.percent) return;
    const resume = this.awakeAtUs(nowUs);
    let from = nowUs;
    if (this.percent > 0) {
      if (nowUs < this.#originUs) from = this.#originUs;
      else from = this.#originUs + ceil((nowUs - this.#originUs) / this.#periodUs) * this.#periodUs;
      if (clamped === 0) from = resume;
    }
    this.percent = clamped;
    this.#resumeUs = resume;
    this.#originUs = from;
    this.#sleepUs = clamped === 0 ? 0 : throttleSleepUs(clamped);
    this.#periodUs = clamped === 0 ? INFINITY : throttlePeriodUs(clamped);
    this.#run.fromUs = NaN;
    this.#askedUs = NaN;
    this.#askedBeforeUs = NaN;
  }

  get sleepUs(): number {
    return this.#sleepUs;
  }

  /** The instant from which this timetable holds back no vCPU, µs; Infinity while it throttles. */
  freeFromUs(): number {
    return this.percent === 0 ? this.#originUs : INFINITY;
  }

  /** Of each period, what is lost to the sleep and around it, µs. */
  #lostUs(lateUs: number): number {
    return max(0, min(this.#sleepUs + lateUs, this.#periodUs));
  }

  /** Run time from the origin to `tUs`, which must not lie before it, when each slice begins `lateUs` late. */
  #ranSinceOrigin(tUs: number, lateUs: number): number {
    if (this.percent === 0) return tUs - this.#originUs;
    const sleep = this.#lostUs(lateUs);
    const elapsed = tUs - this.#originUs;
    const ticks = floor(elapsed / this.#periodUs);
    return ticks * (this.#periodUs - sleep) + max(0, elapsed - ticks * this.#periodUs - sleep);
  }

  /**
   * Run time that the timetable leaves between two instants, µs. `lateUs` is what the vCPU loses at the start of each
   * slice: it wakes late, and its caches are cold. Below 0: some of the sleep's work is done after it.
   */
  runTimeUs(fromUs: number, toUs: number, lateUs: number): number {
    if (fromUs >= toUs) return 0;
    const origin = this.#originUs;
    if (this.percent === 0 && fromUs >= origin) return toUs - origin - (fromUs - origin);
    const last = this.#run;
    if (last.fromUs === fromUs && last.toUs === toUs && last.lateUs === lateUs) return last.runUs;
    last.fromUs = fromUs;
    last.toUs = toUs;
    last.lateUs = lateUs;
    last.runUs = this.#runAcross(fromUs, toUs, lateUs);
    return last.runUs;
  }

  #runAcross(fromUs: number, toUs: number, lateUs: number): number {
    const origin = this.#originUs;
    let run = 0;
    if (fromUs < origin) run = max(0, min(toUs, origin) - max(fromUs, this.#resumeUs));
    if (toUs > origin)
      run += this.#ranSinceOrigin(toUs, lateUs) - this.#ranSinceOrigin(max(fromUs, origin), lateUs);
    return run;
  }

  /** The instant at which a vCPU that stands at `fromUs` has run for `runUs` more. */
  instantAfterUs(fromUs: number, runUs: number, lateUs: number): number {
    let left = runUs;
    let from = fromUs;
    if (from < this.#originUs) {
      const start = max(from, this.#resumeUs);
      const before = max(0, this.#originUs - start);
      if (left <= before) return start + left;
      left -= before;
      from = this.#originUs;
    }
    if (this.percent === 0) return from + left;
    const sleep = this.#lostUs(lateUs);
    const slice = this.#periodUs - sleep;
    if (slice <= 0) return INFINITY;
    const target = this.#ranSinceOrigin(from, lateUs) + left;
    const ticks = max(0, ceil(target / slice) - 1);
    return this.#originUs + ticks * this.#periodUs + sleep + (target - ticks * slice);
  }

  /** When a vCPU at `tUs` is awake again: `tUs` itself while it runs. */
  awakeAtUs(tUs: number): number {
    if (tUs < this.#originUs) return max(tUs, this.#resumeUs);
    if (this.percent === 0) return tUs;
    if (tUs === this.#askedUs) return this.#awakeUs;
    if (tUs === this.#askedBeforeUs) return this.#awakeBeforeUs;
    const within = (tUs - this.#originUs) % this.#periodUs;
    const awakeUs = within < this.#sleepUs ? tUs + this.#sleepUs - within : tUs;
    this.#askedBeforeUs = this.#askedUs;
    this.#awakeBeforeUs = this.#awakeUs;
    this.#askedUs = tUs;
    this.#awakeUs = awakeUs;
    return awakeUs;
  }
}
