/** The many turns of the engine's loop in which nothing can be decided, taken at once. */
import type { Orders } from './parts/orders.js';
import type { Parts } from './parts/parts.js';
import {
  BUFFER_DELAY_MS,
  CLOCK_CHECK_PAGES,
  LATE_US,
  pagesToClockCheck,
  pendingEstimate,
  rateExceeded,
  switchoverBandwidth,
  switchoverThreshold,
} from './rules/rules.js';
import { repeatedSum } from './repeated-sum.js';
import { type PageCost, iterationEndBytes, pagesToExceed } from './rules/stream.js';

const { ceil, floor, max, min } = Math;
const { isInteger } = Number;
const INFINITY = Infinity;
/** An iteration that is passed takes as long as going through this many words of a bitmap. */
const WORDS_PER_ITERATION = 20;

/** What stays the same from turn to turn. */
interface Steady {
  pageUs: number;
  /** Pages of the run, and of an iteration that ends as its time is up. */
  runPages: number;
  latePages: number;
  /** Bytes that an iteration ends with, and the time that they take, µs. */
  endBytes: number;
  endUs: number;
  /** Whatever comes next, it is left to the loop. */
  nextEventUs: number;
}

/** What changes: the parts' own figures, until they are written back. */
interface Flight {
  nowUs: number;
  taken: number;
  dirtyPages: number;
  transferred: number;
  threshold: number;
  windowExpectedMs: number;
  windowStartMs: number;
  windowStartBytes: number;
  /** Where the window began, as pages of the run. */
  windowStartTaken: number;
  /** The window that was closed last; 0 ms: none. */
  closedMs: number;
  closedBytes: number;
  closedPages: number;
  pagesSent: number;
  iterations: number;
  /** End of the wait that the thread stands in, µs. */
  wakeUs: number;
}

// Used again by every leap, as a migration has many and nothing outside looks at them: none begins while one is under way.
const steady: Steady = {
  pageUs: 0,
  runPages: 0,
  latePages: 0,
  endBytes: 0,
  endUs: 0,
  nextEventUs: 0,
};
const flight: Flight = {
  nowUs: 0,
  taken: 0,
  dirtyPages: 0,
  transferred: 0,
  threshold: 0,
  windowExpectedMs: 0,
  windowStartMs: 0,
  windowStartBytes: 0,
  windowStartTaken: 0,
  closedMs: 0,
  closedBytes: 0,
  closedPages: 0,
  pagesSent: 0,
  iterations: 0,
  wakeUs: 0,
};

/**
 * The very arithmetic of the loop's iterate, rate limit and RateWindow.update on numbers of its own, as a long pass is
 * thousands of turns. Ends before a turn that would come to an event, or that has little enough to send to look closer; and
 * before one that comes to the end of the run, where that is not crossed. Returns the end of the wait that it stands in, µs; 0: in
 * none.
 */
export function leap(parts: Parts, orders: Readonly<Orders>): number {
  const { clock, link, pace, stream, window, run, devices } = parts;
  // Each iteration sends a block of every device.
  if (!devices.none) return 0;
  if (link.varies || !run.hasOneCost || run.hasHugePages) return 0;
  if (orders.pause || orders.postcopy || run.left <= 0 || run.synchronises) return 0;
  // Channels that are ahead are looked after even where nothing is passed.
  const isPlain = window.quota === 0 && stream.aheadPages === 0;
  if (isPlain && pendingEstimate(run.dirtyPages) <= window.threshold) return 0;
  const cost = run.cost(run.left, clock.nowUs);
  // Which packets count is a matter of each; a zero page that legacy detection sends by itself has those before it in flight.
  if (window.quota > 0 && (cost.inPacket || stream.multifd)) return 0;
  const pageUs = run.pageUs(cost);
  const latePages = pagesToClockCheck(ceil(LATE_US / pageUs));
  steady.pageUs = pageUs;
  steady.latePages = latePages;
  steady.endBytes = iterationEndBytes(stream);
  steady.endUs = stream.syncsEveryIteration ? link.timeForUs(stream.syncPacketBytes, clock.nowUs) : 0;
  steady.nextEventUs = min(clock.events.nextUs, clock.pauseUs, pace.nextUs);
  const crossingUs = isPlain ? longestCrossingUs(parts) : INFINITY;
  for (;;) {
    if (!isPlain || run.left > latePages) {
      passTurns(parts, cost);
      if (flight.wakeUs > flight.nowUs) return flight.wakeUs;
    }
    if (run.left > latePages || pendingEstimate(run.dirtyPages) <= window.threshold) return 0;
    if (steady.nextEventUs <= clock.nowUs + crossingUs) return 0;
    const isSame = crossBorder(parts, cost, pageUs);
    // As the loop's rate limit waits where all is sent.
    if (run.dirtyPages <= 0) return clock.nowUs + 1000;
    if (!isSame || run.left <= 0 || pendingEstimate(run.dirtyPages) <= window.threshold) return 0;
  }
}

/** The turns of this run that can be passed. */
function passTurns(parts: Parts, cost: PageCost): void {
  const { clock, counters, window, run } = parts;
  steady.runPages = run.pages;
  const pagesBefore = counters.pages - run.taken;
  flight.nowUs = clock.nowUs;
  flight.taken = run.taken;
  flight.dirtyPages = run.dirtyPages;
  flight.transferred = counters.transferred;
  flight.threshold = window.threshold;
  flight.windowExpectedMs = window.windowExpectedMs;
  flight.windowStartMs = window.startMs;
  flight.windowStartBytes = window.startBytes;
  flight.windowStartTaken = window.startPages - pagesBefore;
  flight.closedMs = 0;
  flight.closedBytes = 0;
  flight.closedPages = 0;
  flight.pagesSent = 0;
  flight.iterations = 0;
  flight.wakeUs = 0;
  if (!wholeWindows(parts, cost) && window.quota === 0 && turns(parts, cost, true)) wholeWindows(parts, cost);
  turns(parts, cost, false);
  writeBack(parts, cost, pagesBefore);
}

/**
 * The longest time that an iteration of `crossBorder` can take, µs, whatever pages it comes to. Infinity where a border is left to the
 * loop: a full ring may bring anything about, what looks on sees each turn, contents differ in what they cost, and channels that are
 * synchronised are waited for.
 */
function longestCrossingUs({ setup, clock, stream, run }: Parts): number {
  if (setup.guest.dirtyRingSize > 0 || clock.watcher !== null || setup.trace === true) return INFINITY;
  if (setup.guest.contents !== undefined || stream.syncsEveryIteration) return INFINITY;
  return LATE_US + (CLOCK_CHECK_PAGES + 2) * max(run.pageUs(stream.normal), run.pageUs(stream.zero));
}

/**
 * An iteration that comes to the end of the run, and so to the border of a piece of memory that is cleared as it is reached: the
 * loop's iterate where nothing happens meanwhile. Returns whether the run at which it ends costs the same.
 */
function crossBorder(parts: Parts, cost: PageCost, pageUs: number): boolean {
  const { clock, stream, counters, window, run } = parts;
  const startUs = clock.nowUs;
  let elapsedUs = 0;
  let index = 0;
  let isSame = true;
  while (run.find(startUs + elapsedUs)) {
    elapsedUs = max(elapsedUs, clock.nowUs - startUs);
    const found = run.cost(run.left, startUs + elapsedUs);
    isSame = found === cost;
    const eachUs = isSame ? pageUs : run.pageUs(found);
    const lateIndex = pagesToClockCheck(index + max(1, ceil((LATE_US - elapsedUs) / eachUs)));
    const pages = min(run.left, max(lateIndex - index, 1));
    run.send(pages, found.bytes, eachUs);
    index += pages;
    elapsedUs += pages * eachUs;
    if (index >= lateIndex) break;
  }
  counters.endIterations(stream, 1, true);
  clock.pass(startUs + elapsedUs);
  window.update(clock.ms());
  return isSame;
}

/**
 * Without a rate limit all windows hold the same number of full iterations, and those in which the pages pending exceed any
 * threshold that such a window can give decide nothing: they are passed without a look, the last ones turn by turn. Returns
 * whether a window begins here: then all whole windows that can be passed have been passed.
 */
function wholeWindows({ clock, window }: Parts, cost: PageCost): boolean {
  const { pageUs, latePages, endBytes, endUs, nextEventUs, runPages } = steady;
  if (window.quota > 0 || flight.transferred !== flight.windowStartBytes) return false;
  const iterationUs = latePages * pageUs + endUs;
  const iterations = ceil((BUFFER_DELAY_MS * 1000) / iterationUs);
  const windowUs = iterations * iterationUs;
  const windowPages = iterations * latePages;
  // Whatever the phase of the millisecond, the clock sees the window's end at the end of this iteration.
  if (windowUs - iterationUs >= (BUFFER_DELAY_MS - 1) * 1000) return true;
  if (windowUs < (BUFFER_DELAY_MS + 1) * 1000) return true;
  const bytes = windowPages * cost.bytes + iterations * endBytes;
  const highest = switchoverThreshold(
    switchoverBandwidth(bytes, BUFFER_DELAY_MS, window.givenBandwidth),
    window.downtimeLimitMs,
  );
  const spare = pendingEstimate(flight.dirtyPages) - max(flight.threshold, highest);
  const windows =
    floor(
      min(
        spare / pendingEstimate(windowPages),
        (runPages - flight.taken) / windowPages,
        (nextEventUs - flight.nowUs) / windowUs,
      ),
    ) - 1;
  if (windows <= 1) return true;
  // Added up as the loop does it, to the last digit.
  flight.nowUs = repeatedSum(flight.nowUs, iterationUs, windows * iterations);
  flight.transferred = transferredAfter(windows * iterations, latePages * cost.bytes, endBytes);
  // Exact: what is left of a number less whole ones has no more digits than the number.
  flight.dirtyPages -= windows * windowPages;
  flight.taken += windows * windowPages;
  flight.pagesSent += windows * windowPages;
  flight.iterations += windows * iterations;
  flight.windowStartMs = clock.ms(flight.nowUs);
  flight.windowStartBytes = flight.transferred;
  flight.windowStartTaken = flight.taken;
  return true;
}

/** All bytes sent after a number of iterations. They are added up at once where all are whole numbers, which is exact. */
function transferredAfter(iterations: number, bytes: number, endBytes: number): number {
  let { transferred } = flight;
  if (isInteger(transferred) && isInteger(bytes)) return transferred + iterations * (bytes + endBytes);
  for (let i = iterations; i > 0; i -= 1) transferred = transferred + bytes + endBytes;
  return transferred;
}

/**
 * Turn by turn: an iteration, the end of a window or the wait for it; or only up to the end of the first window. Returns
 * whether it came to that.
 */
function turns({ clock, window }: Parts, cost: PageCost, first: boolean): boolean {
  const { pageUs, runPages, latePages, endBytes, nextEventUs } = steady;
  const sectionUs = steady.endUs;
  const { quota } = window;
  const pageBytes = cost.bytes;
  let { nowUs, taken, dirtyPages, transferred, pagesSent, iterations } = flight;
  let { windowStartMs, windowStartBytes } = flight;
  let isClosed = false;
  while (!(first && isClosed)) {
    const windowBytes = transferred - windowStartBytes;
    if (!rateExceeded(quota, windowBytes)) {
      if (pendingEstimate(dirtyPages) <= flight.threshold) break;
      const pages = quota === 0 ? latePages : min(latePages, pagesToExceed(cost, quota, windowBytes));
      const endUs = nowUs + (pages * pageUs + sectionUs);
      const sentBytes = transferred + pages * pageBytes;
      if (pages >= runPages - taken || nextEventUs <= endUs) break;
      if (pages < latePages && !rateExceeded(quota, sentBytes - windowStartBytes)) break;
      taken += pages;
      dirtyPages -= pages;
      pagesSent += pages;
      iterations += 1;
      transferred = sentBytes + endBytes;
      nowUs = endUs;
    }
    const nowMs = clock.ms(nowUs);
    if (nowMs >= windowStartMs + BUFFER_DELAY_MS) {
      closeWindow(nowMs - windowStartMs, transferred - windowStartBytes, taken, window);
      windowStartMs = nowMs;
      windowStartBytes = transferred;
      isClosed = true;
    } else if (rateExceeded(quota, transferred - windowStartBytes)) {
      const wakeUs = nowUs + (windowStartMs + BUFFER_DELAY_MS - nowMs) * 1000 + clock.wakeLatencyUs();
      flight.wakeUs = wakeUs;
      if (nextEventUs <= wakeUs) break;
      nowUs = wakeUs;
    }
  }
  flight.pagesSent = pagesSent;
  flight.nowUs = nowUs;
  flight.taken = taken;
  flight.dirtyPages = dirtyPages;
  flight.transferred = transferred;
  flight.windowStartMs = windowStartMs;
  flight.windowStartBytes = windowStartBytes;
  flight.iterations = iterations;
  return isClosed;
}

/** RateWindow.update, of a window with its ms and bytes that ends with page `taken`. */
function closeWindow(ms: number, bytes: number, taken: number, window: Parts['window']): void {
  flight.closedMs = ms;
  flight.closedBytes = bytes;
  flight.closedPages = taken - flight.windowStartTaken;
  flight.windowStartTaken = taken;
  const bandwidth = switchoverBandwidth(bytes, ms, window.givenBandwidth);
  flight.threshold = switchoverThreshold(bandwidth, window.downtimeLimitMs);
  const expected = window.expected(bandwidth, bytes);
  if (expected !== null) flight.windowExpectedMs = expected;
}

function writeBack(parts: Parts, cost: PageCost, pagesBefore: number): void {
  const { clock, stream, state, counters, effort, window, run } = parts;
  const { closedMs, iterations, pagesSent } = flight;
  // Nothing was passed: all figures are those that were read. Channels that are ahead are looked after even so.
  if (iterations === 0 && closedMs === 0 && flight.wakeUs === 0 && stream.aheadPages === 0) return;
  effort.scan(iterations * WORDS_PER_ITERATION);
  clock.nowUs = flight.nowUs;
  run.taken = flight.taken;
  run.dirtyPages = flight.dirtyPages;
  run.count(pagesSent, cost.bytes, steady.pageUs);
  counters.endIterations(stream, iterations, state.stopUs === null);
  // The same sum, added up in the order of the loop.
  counters.transferred = flight.transferred;
  window.threshold = flight.threshold;
  window.windowExpectedMs = flight.windowExpectedMs;
  window.startMs = flight.windowStartMs;
  window.startBytes = flight.windowStartBytes;
  window.startPages = pagesBefore + flight.windowStartTaken;
  if (closedMs > 0) window.tell(flight.closedBytes, closedMs, flight.closedPages);
}
