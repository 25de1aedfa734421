/** The many turns of the engine's loop in which nothing can be decided, taken at once. */
import type { Orders } from './parts/orders.js';
import type { Parts } from './parts/parts.js';
import {
  BUFFER_DELAY_MS,
  MAX_WAIT_MS,
  pagesToClockCheck,
  pendingEstimate,
  rateExceeded,
  switchoverBandwidth,
  switchoverThreshold,
} from './rules/rules.js';
import { type PageCost, iterationEndBytes, pagesToExceed } from './rules/stream.js';

const { ceil, floor, max, min } = Math;
/** An iteration that is passed takes as long as going through so many words of a bitmap. */
const WORDS_PER_ITERATION = 20;

/** What stays the same from turn to turn. */
interface Steady {
  readonly cost: PageCost;
  readonly pageUs: number;
  /** Pages of the run, and of an iteration that ends as its time is up. */
  readonly runPages: number;
  readonly latePages: number;
  /** Bytes that an iteration ends with. */
  readonly endBytes: number;
  /** Whatever comes next, it is left to the loop. */
  readonly nextEventUs: number;
}

/** What changes: the parts' own figures, until they are written back. */
interface Flight {
  nowUs: number;
  taken: number;
  dirtyPages: number;
  transferred: number;
  threshold: number;
  expectedDowntimeMs: number;
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

/**
 * The very arithmetic of the loop's iterate, rate limit and RateWindow.update on numbers of its own, as a long pass is
 * thousands of turns. Ends before a turn that would come to the end of the run or to an event, or that has little enough to
 * send to look closer. Returns the end of the wait that it stands in, µs; 0: in none.
 */
export function leap(parts: Parts, orders: Readonly<Orders>): number {
  const { setup, clock, link, pace, stream, counters, window, run, devices } = parts;
  // Each iteration sends a block of every device.
  if (!devices.none) return 0;
  if (link.varies || !run.hasOneCost || setup.guest.hostPagePages > 1) return 0;
  if (orders.pause || orders.postcopy || run.left <= 0) return 0;
  const cost = run.cost(run.pages - run.taken, clock.nowUs);
  // Which packets count is a matter of each; a zero page that legacy detection sends by itself has those before it in flight.
  if (window.quota > 0 && (cost.inPacket || stream.multifd)) return 0;
  const pageUs = run.pageUs(cost);
  const steady = {
    cost,
    pageUs,
    runPages: run.pages,
    latePages: pagesToClockCheck(ceil(((MAX_WAIT_MS + 1) * 1000) / pageUs)),
    endBytes: iterationEndBytes(stream),
    nextEventUs: min(clock.events.nextUs, clock.pauseUs, pace.nextUs),
  };
  const pagesBefore = counters.pages - run.taken;
  const flight = {
    nowUs: clock.nowUs,
    taken: run.taken,
    dirtyPages: run.dirtyPages,
    transferred: counters.transferred,
    threshold: window.threshold,
    expectedDowntimeMs: window.expectedDowntimeMs,
    windowStartMs: window.startMs,
    windowStartBytes: window.startBytes,
    windowStartTaken: window.startPages - pagesBefore,
    closedMs: 0,
    closedBytes: 0,
    closedPages: 0,
    pagesSent: 0,
    iterations: 0,
    wakeUs: 0,
  };
  wholeWindows(flight, steady, parts);
  turns(flight, steady, parts);
  writeBack(flight, steady, parts, pagesBefore);
  return flight.wakeUs > flight.nowUs ? flight.wakeUs : 0;
}

/**
 * Without a rate limit all windows hold the same number of full iterations, and those in which the pages pending exceed any
 * threshold that such a window can give decide nothing: they are passed without a look, the last ones turn by turn.
 */
function wholeWindows(flight: Flight, steady: Steady, { clock, window }: Parts): void {
  const { cost, pageUs, latePages, endBytes, nextEventUs, runPages } = steady;
  if (window.quota > 0 || flight.transferred !== flight.windowStartBytes) return;
  const iterationUs = latePages * pageUs;
  const iterations = ceil((BUFFER_DELAY_MS * 1000) / iterationUs);
  const windowUs = iterations * iterationUs;
  const windowPages = iterations * latePages;
  // Whatever the phase of the millisecond, the clock sees the window's end at the end of this iteration.
  if (windowUs - iterationUs >= (BUFFER_DELAY_MS - 1) * 1000) return;
  if (windowUs < (BUFFER_DELAY_MS + 1) * 1000) return;
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
  if (windows <= 1) return;
  // Added up as the loop does it, to the last digit.
  let { nowUs, dirtyPages, transferred } = flight;
  for (let i = windows * iterations; i > 0; i -= 1) {
    nowUs += iterationUs;
    dirtyPages -= latePages;
    transferred = transferred + latePages * cost.bytes + endBytes;
  }
  flight.nowUs = nowUs;
  flight.dirtyPages = dirtyPages;
  flight.transferred = transferred;
  flight.taken += windows * windowPages;
  flight.pagesSent += windows * windowPages;
  flight.iterations += windows * iterations;
  flight.windowStartMs = clock.ms(flight.nowUs);
  flight.windowStartBytes = flight.transferred;
  flight.windowStartTaken = flight.taken;
}

/** Turn by turn: an iteration, the end of a window or the wait for it. */
function turns(flight: Flight, steady: Steady, { clock, window }: Parts): void {
  const { cost, pageUs, runPages, latePages, endBytes, nextEventUs } = steady;
  const { quota } = window;
  for (;;) {
    const windowBytes = flight.transferred - flight.windowStartBytes;
    if (!rateExceeded(quota, windowBytes)) {
      if (pendingEstimate(flight.dirtyPages) <= flight.threshold) return;
      const pages = min(latePages, pagesToExceed(cost, quota, windowBytes));
      const endUs = flight.nowUs + pages * pageUs;
      const sentBytes = flight.transferred + pages * cost.bytes;
      if (pages >= runPages - flight.taken || nextEventUs <= endUs) return;
      if (pages < latePages && !rateExceeded(quota, sentBytes - flight.windowStartBytes)) return;
      flight.taken += pages;
      flight.dirtyPages -= pages;
      flight.pagesSent += pages;
      flight.iterations += 1;
      flight.transferred = sentBytes + endBytes;
      flight.nowUs = endUs;
    }
    const nowMs = clock.ms(flight.nowUs);
    if (nowMs >= flight.windowStartMs + BUFFER_DELAY_MS) closeWindow(flight, nowMs, window);
    else if (rateExceeded(quota, flight.transferred - flight.windowStartBytes)) {
      flight.wakeUs =
        flight.nowUs + (flight.windowStartMs + BUFFER_DELAY_MS - nowMs) * 1000 + clock.wakeLatencyUs();
      if (nextEventUs <= flight.wakeUs) return;
      flight.nowUs = flight.wakeUs;
    }
  }
}

/** RateWindow.update. */
function closeWindow(flight: Flight, nowMs: number, window: Parts['window']): void {
  flight.closedMs = nowMs - flight.windowStartMs;
  flight.closedBytes = flight.transferred - flight.windowStartBytes;
  flight.closedPages = flight.taken - flight.windowStartTaken;
  const bandwidth = switchoverBandwidth(flight.closedBytes, flight.closedMs, window.givenBandwidth);
  flight.threshold = switchoverThreshold(bandwidth, window.downtimeLimitMs);
  const expected = window.expected(bandwidth, flight.closedBytes);
  if (expected !== null) flight.expectedDowntimeMs = expected;
  flight.windowStartMs = nowMs;
  flight.windowStartBytes = flight.transferred;
  flight.windowStartTaken = flight.taken;
}

function writeBack(flight: Flight, { cost }: Steady, parts: Parts, pagesBefore: number): void {
  const { clock, stream, state, counters, effort, window, run } = parts;
  effort.scan(flight.iterations * WORDS_PER_ITERATION);
  clock.nowUs = flight.nowUs;
  run.taken = flight.taken;
  run.dirtyPages = flight.dirtyPages;
  run.count(flight.pagesSent, cost.bytes);
  counters.endIterations(stream, flight.iterations, state.stopUs === null);
  // The same sum, added up in the order of the loop.
  counters.transferred = flight.transferred;
  window.threshold = flight.threshold;
  window.expectedDowntimeMs = flight.expectedDowntimeMs;
  window.startMs = flight.windowStartMs;
  window.startBytes = flight.windowStartBytes;
  window.startPages = pagesBefore + flight.windowStartTaken;
  if (flight.closedMs > 0) window.tell(flight.closedBytes, flight.closedMs, flight.closedPages);
}
