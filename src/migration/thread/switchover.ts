/** The guest stops, and what is left of it moves (migration.c:migration_completion). */
import { type Run, advance, waits } from '../parts/pauses.js';
import { mbps } from '../rules/rules.js';
import { EOS_BYTES, SECTION_BYTES } from '../rules/stream.js';
import { type Thread, ENDED, Failed, leavesUntilUs, passBytes } from './thread.js';

const { floor, max, min, round } = Math;
const INFINITY = Infinity;

/** The main loop holds the big lock for a timer's sync: who needs that too waits until it is over. */
export function* waitForSync(thread: Thread): Run<void> {
  const { clock } = thread.parts;
  thread.sync.finishAside();
  while (thread.sync.isRunning && thread.orders.cancelReason === null)
    yield* advance(clock, clock.events.nextUs);
}

/**
 * system/cpus.c:do_vm_stop: pause all vCPUs, call the notifiers, drain and flush the block devices. Nothing shortens a
 * ring-full sleep from 8.x on; a CPU throttle's sleep ends when the vCPU is asked to stop. Returns the instant at which
 * the guest was told to stop, which lies further back when it had been paused.
 */
export function* stopGuest(thread: Thread): Run<number> {
  const { setup, version, clock, guest, state, run, devices } = thread.parts;
  if (thread.sync.isRunning) yield* waitForSync(thread);
  if (state.stopUs !== null) return state.stopUs;
  const { host } = setup;
  const startUs = clock.nowUs;
  run.handOver();
  guest.advance(clock.nowUs);
  run.lastStageUs = (host.sendAfterBusyNsPerPage / 1000) * min(1, guest.occupiedCpus());
  thread.parts.restraint.end();
  state.stopUs = startUs;
  if (version.ringSleepInterruptible) guest.interruptRingSleeps(startUs);
  const residualUs = guest.residualRingSleepUs(startUs);
  guest.stop(startUs);
  thread.trace.ringSleepUs = max(0, residualUs);
  const stoppedUs = startUs + residualUs + host.stopUs + devices.stopUs + host.blockFlushUs;
  if (clock.pausesBefore(stoppedUs)) yield* waits(clock, stoppedUs);
  clock.advance(stoppedUs);
  for (const listener of thread.orders.runListeners) listener(false);
  return startUs;
}

/**
 * What both endings begin with: the guest stops, and the user may have asked to be waited for. Returns when the guest was
 * told to stop, and where the next part of the downtime begins.
 */
export function* leaveSource(thread: Thread): Run<{ readonly stoppedUs: number; readonly sinceUs: number }> {
  const { setup, version, clock, state } = thread.parts;
  const { pauseBeforeSwitchover } = setup.migration;
  const startUs = clock.nowUs;
  const stoppedUs = yield* stopGuest(thread);
  let sinceUs = thread.trace.endPart('stop', startUs);
  if (pauseBeforeSwitchover) {
    state.phase = 'pre-switchover';
    yield* awaitContinue(thread);
    sinceUs = thread.trace.endPart('migrate-continue', sinceUs);
  }
  if (version.alwaysDeviceStatus || pauseBeforeSwitchover) state.phase = 'device';
  return { stoppedUs, sinceUs };
}

/** What the devices and the vCPUs take: bytes, and µs to save and to load them. */
export function deviceState(thread: Thread): {
  readonly bytes: number;
  readonly saveUs: number;
  readonly loadUs: number;
} {
  const { setup, clock, guest, state, devices } = thread.parts;
  const { host } = setup;
  const vcpus = guest.vcpus.length;
  const passedThrough = devices.complete(state.stopUs ?? clock.nowUs);
  return {
    bytes: host.deviceStateBytes + vcpus * host.deviceStateBytesPerVcpu + passedThrough.bytes,
    saveUs: host.deviceSaveUs + vcpus * host.deviceSaveUsPerVcpu + passedThrough.us,
    loadUs: host.destinationLoadUs + vcpus * host.destinationLoadUsPerVcpu + devices.startUs,
  };
}

/** migration.c:migration_completion_precopy, migration_completion_end. */
export function* complete(thread: Thread): Run<void> {
  const { setup, clock, link, guest, state, counters, window } = thread.parts;
  const { host, migration } = setup;
  const startUs = clock.nowUs;
  const { stoppedUs, sinceUs: syncFromUs } = yield* leaveSource(thread);
  checkCancelledInSwitchover(thread);
  // The rate limiter is off from here: only the link counts.
  window.lift();
  yield* thread.sync.run('switchover');
  let sinceUs = thread.trace.endPart('sync', syncFromUs);
  checkCancelledInSwitchover(thread);
  const sentBytes = counters.transferred;
  yield* sendRest(thread);
  checkCancelledInSwitchover(thread);
  const restBytes = round(counters.transferred - sentBytes);
  sinceUs = thread.trace.endPart('RAM', sinceUs);
  const devices = deviceState(thread);
  yield* passBytes(thread, devices.bytes, devices.saveUs);
  checkCancelledInSwitchover(thread);
  sinceUs = thread.trace.endPart('device state', sinceUs);
  const resumeUs = clock.nowUs + link.latencyUs + devices.loadUs + host.destinationStartUs;
  if (migration.returnPath) yield* advance(clock, resumeUs + link.latencyUs);
  thread.trace.endPart('destination', sinceUs);
  checkCancelledInSwitchover(thread);
  state.downtimeUs = clock.nowUs - startUs;
  const destinationRunsUs =
    max(resumeUs, migration.orchestratorContUs > 0 ? clock.nowUs : 0) + migration.orchestratorContUs;
  state.blackoutUs = destinationRunsUs - stoppedUs;
  thread.trace.downtime(false, restBytes);
  guest.resume(destinationRunsUs);
  completed(thread);
}

/** `pre-switchover`, until migrate-continue or a cancel comes. */
function* awaitContinue(thread: Thread): Run<void> {
  const { setup, clock } = thread.parts;
  const { migrateContinueDelayUs, migrateContinueAtUs } = setup.migration;
  const untilUs = max(clock.nowUs + migrateContinueDelayUs, migrateContinueAtUs ?? 0);
  while (clock.nowUs < untilUs && !thread.orders.goOn) {
    const nextUs = min(untilUs, clock.events.nextUs);
    if (clock.pausesBefore(nextUs)) {
      clock.advance(clock.pauseUs);
      yield;
    } else if (nextUs === INFINITY) {
      throw new Failed('no orchestrator answers pre-switchover with migrate-continue');
    } else clock.advance(nextUs);
    checkCancelledInSwitchover(thread);
  }
}

/** Giving up in the middle of the switchover, or a network that fails: QEMU ends it and the source runs on. */
export function checkCancelledInSwitchover(thread: Thread): void {
  const { clock, link, guest } = thread.parts;
  if (thread.orders.cancelReason === null && link.outages === 0) return;
  guest.resume(clock.nowUs);
  for (const listener of thread.orders.runListeners) listener(true);
  if (thread.orders.cancelReason !== null) throw ENDED;
  throw new Failed('the network failed in the switchover; the guest runs on at the source');
}

/** migration.c:migration_completion_end: `mbps` is that of the whole migration from here on. */
export function completed(thread: Thread): void {
  const { clock, state, counters, window } = thread.parts;
  const ms = floor(clock.nowUs / 1000) - floor(state.setupUs / 1000);
  if (ms > 0) window.mbps = mbps(counters.transferred, ms);
  state.phase = 'completed';
}

function* sendRest(thread: Thread): Run<void> {
  const { clock, stream, counters, run } = thread.parts;
  run.isLastStage = true;
  if (run.synchronises) yield* advance(clock, clock.nowUs + run.syncUs(clock.nowUs));
  while (run.find(clock.nowUs)) {
    const available = run.available();
    const cost = run.cost(available, clock.nowUs);
    const pages = run.beforeRateChanges(available, cost, run.pageUs(cost), clock.nowUs);
    const { sendUs } = run;
    const sentUs = clock.nowUs + pages * sendUs;
    const isQuiet = sentUs < min(clock.events.nextUs, clock.pauseUs);
    thread.sends.begin(clock.nowUs, isQuiet ? INFINITY : 0);
    thread.sends.note(clock.nowUs, pages, sendUs);
    run.send(pages, cost.bytes, sendUs);
    if (clock.pausesBefore(sentUs)) yield* waits(clock, sentUs);
    clock.advance(sentUs);
    const untilUs = leavesUntilUs(thread);
    if (untilUs <= clock.nowUs) return thread.sends.takeBack(untilUs);
  }
  run.handOver();
  // ram_save_complete counts its own end nowhere.
  counters.frame(SECTION_BYTES + EOS_BYTES);
  if (!stream.syncsEveryIteration) return;
  counters.syncChannels(stream);
  run.synchronise(stream.syncPacketBytes);
  yield* advance(clock, clock.nowUs + run.syncUs(clock.nowUs));
}
