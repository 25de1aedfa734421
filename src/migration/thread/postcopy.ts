/** migration.c:postcopy_start: the guest moves first, and what it lacks follows. */
import { type Run, advance } from '../parts/pauses.js';
import { PostcopyPages } from '../parts/postcopy-pages.js';
import { discardBytes } from '../rules/postcopy.js';
import { deviceState, leaveSource, completed, checkCancelledInSwitchover } from './switchover.js';
import { type Thread, GuestLost } from './thread.js';

const { max, min } = Math;
/** Post-copy interleaves background, requests and vCPUs in steps of this length, µs: well below one request's latency at 10 Gbit/s. */
const POSTCOPY_STEP_US = 500;
const INFINITY = Infinity;

/**
 * migration.c:postcopy_start: the guest moves with its devices, what is missing follows by itself or when it is asked for.
 * `downtime` ends when the package of device state was handed to the socket; the guest runs when the destination has
 * loaded it.
 */
export function* postcopy(thread: Thread): Run<void> {
  const { setup, version, clock, link, memory, state, counters, run } = thread.parts;
  const { host, migration } = setup;
  const startUs = clock.nowUs;
  // The status of post-copy comes first where no status `device` lies in between.
  if (!version.alwaysDeviceStatus && !migration.pauseBeforeSwitchover) state.phase = 'postcopy-active';
  const { stoppedUs, sinceUs: syncFromUs } = yield* leaveSource(thread);
  checkCancelledInSwitchover(thread);
  thread.orders.commit();
  yield* thread.sync.run('postcopy');
  if (run.synchronises) yield* advance(clock, clock.nowUs + run.syncUs(clock.nowUs));
  let sinceUs = thread.trace.endPart('sync', syncFromUs);
  memory.stopLogging();
  const discards = discardBytes(memory.discardDirty());
  run.dirtyPages = memory.dirtyPages();
  counters.frame(discards);
  yield* advance(clock, clock.nowUs + link.timeForUs(discards, clock.nowUs));
  sinceUs = thread.trace.endPart('discard', sinceUs);
  const devices = deviceState(thread);
  counters.frame(devices.bytes);
  yield* advance(clock, clock.nowUs + devices.saveUs);
  thread.trace.endPart('device state', sinceUs);
  state.downtimeUs = clock.nowUs - startUs;
  const onWireUs = link.timeForUs(devices.bytes, clock.nowUs);
  const loadUs =
    host.postcopyPrepareUs + devices.loadUs + host.destinationStartUs + migration.orchestratorContUs;
  const resumeUs = clock.nowUs + onWireUs + link.latencyUs + loadUs;
  state.blackoutUs = resumeUs - stoppedUs;
  thread.trace.downtime(true, 0);
  checkCancelledInSwitchover(thread);
  yield* pushMissing(thread, clock.nowUs + onWireUs, resumeUs);
}

/**
 * The migration thread in post-copy, until nothing is missing. Pages follow the package of device state, which is through at
 * `fromUs`; the guest runs on the destination from `resumeUs` on.
 */
function* pushMissing(thread: Thread, fromUs: number, resumeUs: number): Run<void> {
  const { setup, version, clock, link, guest, state, run } = thread.parts;
  const runningPhase = (guestRuns: boolean): 'postcopy-active' | 'postcopy-device' =>
    guestRuns || !version.hasPostcopyDeviceStatus ? 'postcopy-active' : 'postcopy-device';
  state.phase = runningPhase(false);
  state.postcopyStartUs = clock.nowUs;
  const pages = new PostcopyPages(thread.parts, fromUs);
  let guestRuns = false;
  const resume = (atUs: number): void => {
    guest.resume(atUs);
    guestRuns = true;
    state.phase = 'postcopy-active';
  };
  let isStill = false;
  // Not until none are dirty: of counts in the fluid memory a rounding error may stay.
  while (run.find(clock.nowUs)) {
    let untilUs = min(clock.nowUs + POSTCOPY_STEP_US, link.changesAfter(clock.nowUs));
    // Every vCPU waits for a page that is not sent: until something happens.
    if (isStill) {
      const nextUs = min(clock.events.nextUs, clock.pauseUs);
      untilUs = max(untilUs, min(nextUs, guestRuns ? INFINITY : resumeUs));
    }
    if (untilUs === INFINITY) {
      throw new GuestLost('post-copy was paused and is not recovered: the guest is lost');
    }
    const accesses = link.isDown ? guest.accesses() : 0;
    if (guestRuns) pages.serveRequests(untilUs);
    if (!link.isDown) pages.push(untilUs);
    yield* advance(clock, untilUs);
    if (!guestRuns && clock.nowUs >= resumeUs) resume(clock.nowUs);
    isStill = link.isDown && guest.accesses() === accesses;
    if (link.isDown) state.phase = 'postcopy-paused';
    else if (state.phase === 'postcopy-paused') state.phase = runningPhase(guestRuns);
    if (link.outages > 0 && setup.migration.postcopyRecover === false) {
      throw new GuestLost('the network failed in post-copy and was not recovered: the guest is lost');
    }
  }
  if (!guestRuns) {
    yield* advance(clock, resumeUs);
    resume(resumeUs);
  }
  yield* advance(clock, clock.nowUs + pages.restUs());
  if (setup.migration.returnPath) yield* advance(clock, clock.nowUs + 2 * link.latencyUs);
  thread.trace.postcopyOver(clock.nowUs - state.postcopyStartUs);
  completed(thread);
}
