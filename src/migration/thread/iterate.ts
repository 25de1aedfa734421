/** ram.c:ram_save_iterate and migration.c:migration_rate_limit: one iteration of sending, and the wait for the next window. */
import { type Run, advance, pass } from '../parts/pauses.js';
import {
  BUFFER_DELAY_MS,
  CLOCK_CHECK_PAGES,
  LATE_US,
  MAX_WAIT_MS,
  pagesToClockCheck,
} from '../rules/rules.js';
import { stopGuest } from './switchover.js';
import { type Thread, leavesUntilUs, passBytes } from './thread.js';

const { ceil, floor, max, min } = Math;
const INFINITY = Infinity;

/** ram.c:ram_save_iterate: send until the rate is exceeded, the time is up, or nothing is left. Returns when that is over. */
export function iterate(thread: Thread): number {
  const { clock, link, stream, state, counters, window, run } = thread.parts;
  link.drawJitter();
  state.holdsBitmap = true;
  const startUs = clock.nowUs;
  let elapsedUs = run.syncUs(startUs);
  let index = 0;
  // At a full ring a strategy may do anything, such as to cancel.
  thread.sends.begin(startUs, thread.log.isRing ? 0 : min(clock.events.nextUs, clock.pauseUs));
  while (run.find(startUs + elapsedUs) && thread.orders.cancelReason === null) {
    elapsedUs = max(elapsedUs, clock.nowUs - startUs);
    const atUs = startUs + elapsedUs;
    const available = run.available();
    const cost = run.cost(available, atUs);
    const pageUs = run.pageUs(cost, atUs);
    let pages = min(available, window.pagesToExceed(cost));
    // The first look at the clock at which more than MAX_WAIT_MS whole ms have gone by.
    const pagesToLate = ceil((LATE_US - elapsedUs) / pageUs);
    const lateIndex = pagesToClockCheck(index + max(1, pagesToLate));
    pages = run.beforeRateChanges(min(pages, max(lateIndex - index, 1)), cost, pageUs, atUs);
    const { sendUs } = run;
    thread.sends.note(atUs, pages, sendUs);
    run.send(pages, cost.bytes, sendUs);
    window.queued(pages, cost);
    index += pages;
    elapsedUs += pages * sendUs;
    if (window.isExceeded()) break;
    // A link that has just become faster may bring the page earlier.
    if (index >= lateIndex && elapsedUs > LATE_US - 1) break;
  }
  counters.endIterations(stream, 1, state.stopUs === null);
  endSection(thread);
  return startUs + (elapsedUs + run.syncUs(startUs + elapsedUs));
}

export function endIteration(thread: Thread, endUs: number): void {
  const { clock, state } = thread.parts;
  clock.pass(endUs);
  const untilUs = leavesUntilUs(thread);
  if (untilUs <= endUs) thread.sends.takeBack(untilUs);
  state.holdsBitmap = false;
}

/** ram.c:ram_save_iterate ends: up to machine type 8.0 with a multifd synchronisation. */
function endSection(thread: Thread): void {
  const { stream, queue, run } = thread.parts;
  if (!stream.syncsEveryIteration) return queue.endIteration();
  queue.synchronise();
  run.synchronise(stream.syncPacketBytes);
}

/** savevm.c:qemu_savevm_state_iterate, behind RAM: not where the window is full. */
export function* iterateDevices(thread: Thread): Run<void> {
  const { window, run, devices } = thread.parts;
  if (window.isExceeded() || thread.orders.cancelReason !== null) return;
  const { bytes, us } = devices.iterate(run.dirtyPages <= 0);
  yield* passBytes(thread, bytes, us);
}

/**
 * ram.c:ram_save_iterate over huge pages: ram_find_and_save_block sends all dirty pages of a host page, so that the clock
 * is read at the first host page and then at each 64th. migration_rate_limit is called between two of its pages: windows
 * close and waits happen inside the iteration, which ends for a wait only if that falls on the end of a host page.
 */
export function* iterateHostPages(thread: Thread): Run<void> {
  const { clock, link, memory, stream, state, counters, window, run } = thread.parts;
  state.holdsBitmap = true;
  const startUs = clock.nowUs;
  const isPage = memory.kind === 'page';
  let hostPages = 0;
  let clockCheck = 1;
  let shareEndsUs = link.varies ? startUs : INFINITY;
  if (run.synchronises) yield* advance(clock, clock.nowUs + run.syncUs(clock.nowUs));
  while (thread.orders.cancelReason === null && run.find(clock.nowUs)) {
    // An iteration may be shorter or longer than the link's share lasts for, and so may be a run.
    if (clock.nowUs >= shareEndsUs) {
      link.drawJitter();
      shareEndsUs = clock.nowUs + MAX_WAIT_MS * 1000;
    }
    const available = run.available();
    const cost = run.cost(available, clock.nowUs);
    const pageUs = run.pageUs(cost);
    const windowLeftUs = (window.startMs + BUFFER_DELAY_MS - clock.ms()) * 1000;
    const { left } = run;
    // The page memory's run lies in one host page; the fluid memory's in many, with a number of dirty pages each.
    const perHostPage = isPage ? left : max(1, left / run.hostPages);
    const most = min(
      available,
      window.pagesToExceed(cost),
      max(1, ceil(min(windowLeftUs, shareEndsUs - clock.nowUs) / pageUs)),
      isPage ? left : max(1, ceil((clockCheck - hostPages) * perHostPage)),
    );
    const pages = run.beforeRateChanges(most, cost, pageUs, clock.nowUs);
    const { sendUs } = run;
    thread.sends.begin(clock.nowUs, 0);
    thread.sends.note(clock.nowUs, pages, sendUs);
    run.send(pages, cost.bytes, sendUs);
    window.queued(pages, cost);
    const whole = floor(hostPages);
    let done = pages / perHostPage;
    if (isPage) done = pages === left ? run.hostPages : 0;
    hostPages += done;
    run.hostPages -= done;
    yield* advance(clock, clock.nowUs + pages * sendUs);
    const untilUs = leavesUntilUs(thread);
    if (untilUs <= clock.nowUs) return thread.sends.takeBack(untilUs);
    if (thread.orders.pause) yield* stopGuest(thread);
    const waitsUntilUs = run.dirtyPages > 0 ? rateLimit(thread) : 0;
    if (waitsUntilUs > 0) yield* pass(clock, waitsUntilUs);
    const ended = floor(hostPages) > whole && hostPages % 1 < 1 / perHostPage;
    if (ended && window.isExceeded()) break;
    if (hostPages < clockCheck) continue;
    if (clock.nowUs - startUs >= LATE_US) break;
    clockCheck += CLOCK_CHECK_PAGES;
  }
  counters.endIterations(stream, 1, state.stopUs === null);
  endSection(thread);
  if (run.synchronises) yield* advance(clock, clock.nowUs + run.syncUs(clock.nowUs));
  state.holdsBitmap = false;
}

/** migration.c:migration_rate_limit. Returns until when the thread waits, µs; 0: it does not. */
export function rateLimit(thread: Thread): number {
  const { clock, window, run } = thread.parts;
  window.update(clock.ms());
  if (!window.isExceeded()) {
    // A turn that sent nothing (all sent, waiting for a decision) must still let time pass.
    return run.dirtyPages <= 0 ? clock.nowUs + 1000 : 0;
  }
  const waitMs = max(0, window.startMs + BUFFER_DELAY_MS - clock.ms());
  run.drained();
  return clock.nowUs + waitMs * 1000 + clock.wakeLatencyUs();
}
