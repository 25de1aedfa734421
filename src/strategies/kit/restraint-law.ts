/**
 * The law behind predictive-restraint and oracle: what is left to send, as a fluid, and the least loss of guest work that
 * brings it under the limit. docs/predictive-restraint.md derives it.
 *
 * The guest's memory is a set of classes of interchangeable pages. `pending` pages of a class are dirty and not sent yet,
 * known to the migration or not. Dirtying and sending go on at once:
 *
 *   d pending_j / dt = touches_j · (pages_j − pending_j) − bandwidth · pending_j / Σ pending
 *
 * The second term is QEMU's cursor, which sweeps over memory and sends what is dirty where it comes by. All counts are in
 * pages, all rates in pages a second.
 */
const { exp, max, min } = Math;

export interface DirtyClass {
  readonly pages: number;
  /** How often a second each vCPU touches a page of it, on average, at full speed; by vCPU. */
  readonly touches: readonly number[];
}

export interface Sending {
  readonly pagesPerSecond: number;
  /** The guest may be stopped when fewer are left. */
  readonly limitPages: number;
}

/** One step of a drain, as a part of the time that what is over the limit takes to send. */
const STEP = 1 / 16;
/** Near the limit a step is no finer than this part of the limit: the end is reached, not crept up to. */
const FINEST = 1 / 8;
/** A drain that takes longer than this many times the sending of all that is pending is none. */
const INFINITY = Infinity;
const HOPELESS = 64;
const HALVINGS = 60;
/** Beyond this the law is not about this guest. */
const MOST_HASTE = 4;
/** Of a forecast, s. */
const FORECAST_STEP = 0.05;

function totalTouches(touches: readonly number[], shares?: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < touches.length; i += 1) sum += touches[i]! * (shares === undefined ? 1 : shares[i]!);
  return sum;
}

/** Halves [low, high] until they meet where `isBelow` turns false. */
function bisect(low: number, high: number, isBelow: (value: number) => boolean): number {
  let a = low;
  let b = high;
  for (let i = 0; i < HALVINGS; i += 1) {
    const middle = (a + b) / 2;
    if (isBelow(middle)) a = middle;
    else b = middle;
  }
  return (a + b) / 2;
}

/** Distinct pages dirtied in `seconds` by a guest that runs at full speed: the dirty curve. */
export function dirtiedIn(classes: readonly DirtyClass[], seconds: number): number {
  let sum = 0;
  for (const { pages, touches } of classes) sum += pages * (1 - exp(-totalTouches(touches) * seconds));
  return sum;
}

/**
 * What stays pending for ever when no vCPU is restrained and the bitmap is synced all the time. 0 when the guest writes
 * less than is sent. One class of W pages, written w times a second, settles at W·(1 − bandwidth/w).
 */
export function plateau(classes: readonly DirtyClass[], pagesPerSecond: number): number {
  const rates = classes.map(({ touches }) => totalTouches(touches));
  const most = classes.reduce((sum, { pages }) => sum + pages, 0);
  const writes = classes.reduce((sum, { pages }, j) => sum + pages * rates[j]!, 0);
  if (writes <= pagesPerSecond) return 0;
  // Balance of each class at Σ pending = U: pending_j = pages_j · t_j / (t_j + bandwidth / U).
  return bisect(0, most, (total) => {
    let sum = 0;
    classes.forEach(({ pages }, j) => (sum += (pages * rates[j]!) / (rates[j]! + pagesPerSecond / total)));
    return sum > total;
  });
}

/** The same classes, touched `factor` times as often. */
export function hastened(classes: readonly DirtyClass[], factor: number): DirtyClass[] {
  return classes.map(({ pages, touches }) => ({ pages, touches: touches.map((t) => t * factor) }));
}

/**
 * How many times as often the classes must be touched for the law to settle where the guest did. The law takes every class
 * for a uniform one; a guest that writes page after page meets fewer pages that are dirty already, and settles higher.
 */
export function hasteOf(classes: readonly DirtyClass[], pagesPerSecond: number, settled: number): number {
  return bisect(
    1 / MOST_HASTE,
    MOST_HASTE,
    (factor) => plateau(hastened(classes, factor), pagesPerSecond) < settled,
  );
}

/**
 * How `pending` pages spread over the classes in a guest that ran at full speed: each class in the balance of its own
 * touches with one sending rate for all. What no class can hold is the last element: pages that no vCPU writes.
 */
export function spread(classes: readonly DirtyClass[], pending: number): number[] {
  const most = classes.reduce((sum, { pages }) => sum + pages, 0);
  if (pending >= most) return [...classes.map(({ pages }) => pages), pending - most];
  const rates = classes.map(({ touches }) => totalTouches(touches));
  const held = (sent: number): number[] =>
    classes.map(({ pages }, j) => (rates[j] === 0 ? 0 : (pages * rates[j]!) / (rates[j]! + sent)));
  const sum = (parts: readonly number[]): number => parts.reduce((a, b) => a + b, 0);
  const fastest = rates.reduce((a, b) => max(a, b), 0);
  // Beyond this sending rate less than `pending` would be left even in the fastest class.
  const sent = bisect(0, (fastest * most) / max(pending, 1), (rate) => sum(held(rate)) > pending);
  return [...held(sent), 0];
}

/**
 * Seconds until fewer than the limit are pending while vCPU i runs for `shares[i]` of the time; Infinity when they never
 * are. `pending` is as `spread` gives it.
 */
export function drainSeconds(
  classes: readonly DirtyClass[],
  pending: readonly number[],
  shares: readonly number[],
  { pagesPerSecond, limitPages }: Sending,
): number {
  const rates = classes.map(({ touches }) => totalTouches(touches, shares));
  const now = [...pending];
  let total = now.reduce((a, b) => a + b, 0);
  const hopeless = (HOPELESS * total) / pagesPerSecond;
  let seconds = 0;
  while (total > limitPages) {
    const step = (STEP * max(total - limitPages, limitPages * FINEST, 1)) / pagesPerSecond;
    const sent = pagesPerSecond / total;
    const before = total;
    total = 0;
    for (let j = 0; j < now.length; j += 1) {
      const rate = rates[j] ?? 0;
      const pages = classes[j]?.pages ?? 0;
      now[j] = (now[j]! * (1 - step * sent) + step * rate * pages) / (1 + step * rate);
      total += now[j]!;
    }
    if (total <= limitPages) return seconds + (step * (before - limitPages)) / (before - total);
    seconds += step;
    if (total >= before || seconds > hopeless) return INFINITY;
  }
  return seconds;
}

export interface Hold {
  /** The vCPUs that are held; all others run on. */
  readonly vcpus: readonly number[];
  readonly seconds: number;
  /** Run time that they lose together, s. */
  readonly lostSeconds: number;
}

export interface HoldOptions {
  /** Of its run time that a held vCPU keeps, 0..1. */
  readonly heldShare: number;
  readonly vcpuCount: number;
  /** Hold these in any case, and at least this many others. */
  readonly keep?: readonly number[];
  readonly more?: number;
  /** Of all holds that are over by then, s, the one that loses least; the fastest if there is none. */
  readonly withinSeconds?: number;
}

/**
 * The hold that loses least: which vCPUs to hold from now until fewer than the limit are pending. Null when not even
 * holding all writers does it.
 *
 * To lose run time Σ(1 − s_i) a second and drain `bandwidth − Σ s_i·w_i` pages a second is a linear-fractional program: its
 * optimum lies at a corner, where every vCPU is either held or free, and those that are held dirty more than those that are
 * not. So the writers are tried in that order, first one, then two, then all.
 */
export function leastHold(
  classes: readonly DirtyClass[],
  pending: number,
  sending: Sending,
  { heldShare, vcpuCount, keep = [], more = 0, withinSeconds = INFINITY }: HoldOptions,
): Hold | null {
  const spreadOut = spread(classes, pending);
  const horizon = pending / sending.pagesPerSecond;
  const fresh = Array.from({ length: vcpuCount }, (_, vcpu) =>
    classes.reduce((sum, { pages, touches }) => sum + pages * (1 - exp(-touches[vcpu]! * horizon)), 0),
  );
  const others = fresh.flatMap((pages, vcpu) => (pages > 0 && !keep.includes(vcpu) ? [vcpu] : []));
  const writers = [...keep, ...others.sort((a, b) => fresh[b]! - fresh[a]!)];
  const atLeast = min(keep.length + more, writers.length);
  let best: Hold | null = null;
  const shares = fresh.map(() => 1);
  for (let held = 0; held <= writers.length; held += 1) {
    if (held > 0) shares[writers[held - 1]!] = heldShare;
    if (held < atLeast) continue;
    const seconds = drainSeconds(classes, spreadOut, shares, sending);
    if (seconds === INFINITY) continue;
    const lostSeconds = held === 0 ? 0 : held * (1 - heldShare) * seconds;
    const hold = { vcpus: writers.slice(0, held).sort((a, b) => a - b), seconds, lostSeconds };
    if (best === null || isBetter(hold, best, withinSeconds)) best = hold;
  }
  return best;
}

function isBetter(a: Hold, b: Hold, withinSeconds: number): boolean {
  if (a.seconds <= withinSeconds && b.seconds <= withinSeconds) return a.lostSeconds < b.lostSeconds;
  return a.seconds < b.seconds;
}

/** Seconds that all pages need at least: those over the limit are sent, and nothing new is dirtied. */
export function shortestDrain(pending: number, { pagesPerSecond, limitPages }: Sending): number {
  return max(0, pending - limitPages) / pagesPerSecond;
}

/**
 * The same classes with their sizes corrected: rates stay, the sizes of those that `mayShrink` are scaled until the guest
 * dirties `distinct` pages in `seconds`. A ring knows how fast pages are written, and only a bitmap how many they are.
 */
export function resized(
  classes: readonly DirtyClass[],
  mayShrink: readonly boolean[],
  distinct: number,
  seconds: number,
): DirtyClass[] {
  const scaled = (factor: number): DirtyClass[] =>
    classes.map(({ pages, touches }, j) =>
      mayShrink[j]! ? { pages: pages * factor, touches: touches.map((t) => t / factor) } : { pages, touches },
    );
  if (dirtiedIn(classes, seconds) <= distinct) return scaled(1);
  return scaled(bisect(1e-6, 1, (factor) => dirtiedIn(scaled(factor), seconds) < distinct));
}

/**
 * The least that will be pending at any moment of the next `seconds` while everybody runs free. `paceAt(vcpu, from, to)`
 * is how fast a vCPU writes between two instants, s, as a share of its touches.
 */
export function lowestPending(
  classes: readonly DirtyClass[],
  pending: number,
  pagesPerSecond: number,
  seconds: number,
  paceAt: (vcpu: number, from: number, to: number) => number,
): number {
  const now = spread(classes, pending);
  let total = pending;
  let lowest = pending;
  for (let at = 0; at < seconds && total > 0; at += FORECAST_STEP) {
    const paces = classes[0]?.touches.map((_, vcpu) => paceAt(vcpu, at, at + FORECAST_STEP)) ?? [];
    const sent = pagesPerSecond / total;
    total = 0;
    for (let j = 0; j < now.length; j += 1) {
      const rate = j < classes.length ? totalTouches(classes[j]!.touches, paces) : 0;
      const pages = classes[j]?.pages ?? 0;
      const kept = now[j]! * max(0, 1 - FORECAST_STEP * sent);
      now[j] = (kept + FORECAST_STEP * rate * pages) / (1 + FORECAST_STEP * rate);
      total += now[j]!;
    }
    if (total < lowest) lowest = total;
  }
  return lowest;
}
