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
import { iterationEndBytes, pagesToExceed } from './rules/stream.js';

const { ceil, floor, max, min } = Math;
/** An iteration that is passed takes as long as going through so many words of a bitmap. */
const WORDS_PER_ITERATION = 20;

/**
 * The very arithmetic of the loop's iterate, rate limit and RateWindow.update on local numbers, as a long pass is thousands
 * of turns. Ends before a turn that would come to the end of the run or to an event, or that has little enough to send to
 * look closer. Returns the end of the wait that it stands in, µs; 0: in none.
 */
export function leap(parts: Parts, orders: Readonly<Orders>): number {
  const { setup, clock, link, pace, stream, state, counters, window, run, devices } = parts;
  // Each iteration sends a block of every device.
  if (!devices.none) return 0;
  if (link.varies || !run.hasOneCost || setup.guest.hostPagePages > 1) return 0;
  if (orders.pause || orders.postcopy || run.left <= 0) return 0;
  const { quota, downtimeLimitMs, givenBandwidth: avail } = window;
  const runPages = run.pages;
  const cost = run.cost(runPages - run.taken, clock.nowUs);
  const pageUs = run.pageUs(cost);
  // Which packets count is a matter of each.
  if (quota > 0 && cost.inPacket) return 0;
  const pagesToLate = ceil(((MAX_WAIT_MS + 1) * 1000) / pageUs);
  const latePages = pagesToClockCheck(pagesToLate);
  const endBytes = iterationEndBytes(stream);
  const nextEventUs = min(clock.events.nextUs, clock.pauseUs, pace.nextUs);
  let nowUs = clock.nowUs;
  let taken = run.taken;
  let dirtyPages = run.dirtyPages;
  let transferred = counters.transferred;
  let threshold = window.threshold;
  let expectedDowntimeMs = window.expectedDowntimeMs;
  let windowStartMs = window.startMs;
  let windowStartBytes = window.startBytes;
  const pagesBefore = counters.pages - taken;
  let windowStartTaken = window.startPages - pagesBefore;
  let closedMs = 0;
  let closedBytes = 0;
  let closedPages = 0;
  let pagesSent = 0;
  let iterationsDone = 0;
  let wakeUs = 0;
  // Without a rate limit all windows hold the same number of full iterations, and those in which the pages pending exceed
  // any threshold that such a window can give decide nothing: they are passed in one step, the last ones one by one.
  const iterationUs = latePages * pageUs;
  const iterations = ceil((BUFFER_DELAY_MS * 1000) / iterationUs);
  const windowUs = iterations * iterationUs;
  const windowPages = iterations * latePages;
  if (
    quota === 0 &&
    transferred === windowStartBytes &&
    windowUs - iterationUs < (BUFFER_DELAY_MS - 1) * 1000 &&
    windowUs >= (BUFFER_DELAY_MS + 1) * 1000
  ) {
    const bytes = windowPages * cost.bytes + iterations * endBytes;
    const highest = switchoverThreshold(switchoverBandwidth(bytes, BUFFER_DELAY_MS, avail), downtimeLimitMs);
    const spare = pendingEstimate(dirtyPages) - max(threshold, highest);
    const windows =
      floor(
        min(
          spare / pendingEstimate(windowPages),
          (runPages - taken) / windowPages,
          (nextEventUs - nowUs) / windowUs,
        ),
      ) - 1;
    if (windows > 1) {
      taken += windows * windowPages;
      dirtyPages -= windows * windowPages;
      pagesSent += windows * windowPages;
      iterationsDone += windows * iterations;
      transferred += windows * bytes;
      nowUs += windows * windowUs;
      windowStartMs = clock.ms(nowUs);
      windowStartBytes = transferred;
      windowStartTaken = taken;
    }
  }
  for (;;) {
    const windowBytes = transferred - windowStartBytes;
    if (!rateExceeded(quota, windowBytes)) {
      if (pendingEstimate(dirtyPages) <= threshold) break;
      const pages = min(latePages, pagesToExceed(cost, quota, windowBytes));
      const endUs = nowUs + pages * pageUs;
      const sentBytes = transferred + pages * cost.bytes;
      if (pages >= runPages - taken || nextEventUs <= endUs) break;
      if (pages < latePages && !rateExceeded(quota, sentBytes - windowStartBytes)) break;
      taken += pages;
      dirtyPages -= pages;
      pagesSent += pages;
      iterationsDone += 1;
      transferred = sentBytes + endBytes;
      nowUs = endUs;
    }
    const nowMs = clock.ms(nowUs);
    if (nowMs >= windowStartMs + BUFFER_DELAY_MS) {
      closedMs = nowMs - windowStartMs;
      closedBytes = transferred - windowStartBytes;
      closedPages = taken - windowStartTaken;
      const bandwidth = switchoverBandwidth(closedBytes, closedMs, avail);
      threshold = switchoverThreshold(bandwidth, downtimeLimitMs);
      const expected = window.expected(bandwidth, closedBytes);
      if (expected !== null) expectedDowntimeMs = expected;
      windowStartMs = nowMs;
      windowStartBytes = transferred;
      windowStartTaken = taken;
    } else if (rateExceeded(quota, transferred - windowStartBytes)) {
      wakeUs = nowUs + (windowStartMs + BUFFER_DELAY_MS - nowMs) * 1000 + clock.wakeLatencyUs();
      if (nextEventUs <= wakeUs) break;
      nowUs = wakeUs;
    }
  }
  parts.effort.scan(iterationsDone * WORDS_PER_ITERATION);
  clock.nowUs = nowUs;
  run.taken = taken;
  run.dirtyPages = dirtyPages;
  run.count(pagesSent, cost.bytes);
  counters.endIterations(stream, iterationsDone, state.stopUs === null);
  // The same sum, added up in the order of the loop.
  counters.transferred = transferred;
  window.threshold = threshold;
  window.expectedDowntimeMs = expectedDowntimeMs;
  window.startMs = windowStartMs;
  window.startBytes = windowStartBytes;
  window.startPages = pagesBefore + windowStartTaken;
  if (closedMs > 0) window.tell(closedBytes, closedMs, closedPages);
  // An event on the way to the end of a wait: it happens, and the wait goes on to its end.
  return wakeUs > nowUs ? wakeUs : 0;
}
