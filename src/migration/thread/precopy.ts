/** migration.c:migration_thread in pre-copy: its loop, and what each turn decides. */
import { PAGE_BYTES } from '../../guest/spec.js';
import { leap } from '../leap.js';
import { takeFreePages } from '../parts/free-page-hints.js';
import { PULLED } from '../parts/dirty-log.js';
import { type Run, pauses, waits } from '../parts/pauses.js';
import { mayComplete, needsSync, pendingEstimate } from '../rules/rules.js';
import { iterate, endIteration, iterateDevices, rateLimit, iterateHostPages } from './iterate.js';
import { stopGuest, waitForSync } from './switchover.js';
import { type Thread, ENDED, Failed } from './thread.js';

const { max } = Math;

/** migration.c:migration_thread's loop, up to the decision to switch over. */
export function* precopy(thread: Thread): Run<'complete' | 'postcopy'> {
  const { sync } = thread;
  const { clock, window, run, devices } = thread.parts;
  for (;;) {
    checkCancelled(thread);
    const waitsUntilUs = leap(thread.parts, thread.orders);
    if (waitsUntilUs > 0) {
      if (clock.pausesBefore(waitsUntilUs)) yield* waits(clock, waitsUntilUs);
      clock.advance(waitsUntilUs);
    }
    thread.timeline.look();
    checkCancelled(thread);
    if (!window.isExceeded()) {
      if (isToPause(thread)) thread.trace.paused(yield* stopGuest(thread));
      let pending = pendingBytes(thread);
      if (mustSync(thread, pending)) {
        if (sync.isRunning) yield* waitForSync(thread);
        checkCancelled(thread);
        // Step by step: a generator for each sync would take as long as the sync itself.
        for (let untilUs = sync.begin('natural'); untilUs !== PULLED; untilUs = sync.next()) {
          if (clock.pausesBefore(untilUs)) yield* waits(clock, untilUs);
          clock.advance(untilUs);
        }
        checkCancelled(thread);
        pending = pendingExact(thread);
      }
      const decision = decide(thread, pending);
      if (decision !== 'iterate') return decision;
      if (!run.hasHugePages) {
        const endUs = iterate(thread);
        if (clock.pausesBefore(endUs)) yield* pauses(clock, endUs);
        endIteration(thread, endUs);
      } else yield* iterateHostPages(thread);
      if (!devices.none) yield* iterateDevices(thread);
      checkCancelled(thread);
      runWhatWaited(thread);
    }
    const untilUs = rateLimit(thread);
    if (untilUs > 0) {
      if (clock.pausesBefore(untilUs)) yield* pauses(clock, untilUs);
      clock.pass(untilUs);
    }
    thread.timeline.look();
  }
}

/** migration.c:migration_detect_error, and migrate_cancel. */
function checkCancelled(thread: Thread): void {
  const { link } = thread.parts;
  if (thread.orders.cancelReason !== null) throw ENDED;
  if (link.outages > 0) throw new Failed('the network failed in pre-copy; the guest runs on at the source');
}

/** QMP `stop` was given, and the thread has not come to it. */
function isToPause(thread: Thread): boolean {
  return thread.orders.pause && thread.parts.state.stopUs === null;
}

/** savevm.c:qemu_savevm_state_pending_estimate. */
function pendingBytes(thread: Thread): number {
  const { run, devices } = thread.parts;
  return pendingEstimate(run.dirtyPages) + (devices.none ? 0 : devices.estimate());
}

function mustSync(thread: Thread, pending: number): boolean {
  const { version, window } = thread.parts;
  return needsSync(pending, window.threshold, version.syncsAtThreshold);
}

/** savevm.c:qemu_savevm_state_pending_exact, behind its sync. */
function pendingExact({ parts }: Thread): number {
  const { clock, devices } = parts;
  return exactRam(parts) + (devices.none ? 0 : devices.exact(clock.nowUs));
}

/** Its share of RAM. Where only no page at all is few enough, a mean is none: it is either 0, or a page at least. */
function exactRam({ memory, window, run }: Thread['parts']): number {
  const bytes = pendingEstimate(run.dirtyPages);
  if (window.threshold >= PAGE_BYTES || memory.foundNone === undefined) return bytes;
  return memory.foundNone(run.dirtyPages) ? 0 : max(PAGE_BYTES, bytes);
}

/** migration.c:migration_iteration_run, the pre-copy part. */
function decide(thread: Thread, pending: number): 'iterate' | 'complete' | 'postcopy' {
  const { version, window } = thread.parts;
  const complete = mayComplete(pending, window.threshold, version.completesAtThreshold);
  let verdict: 'iterate' | 'complete' | 'postcopy' = complete ? 'complete' : 'iterate';
  // With the capability RAM counts as what post-copy can take, so nothing must go before the switch.
  if (thread.orders.postcopy && (version.postcopyFirst || !complete)) verdict = 'postcopy';
  thread.trace.turn(verdict, pending);
  return verdict;
}

/** What asked for the bitmap mutex while an iteration held it: a report of free pages, a timer's sync. */
function runWhatWaited(thread: Thread): void {
  if (thread.orders.freePages) {
    thread.orders.freePages = false;
    takeFreePages(thread.parts);
  }
  thread.sync.finishAside();
}
