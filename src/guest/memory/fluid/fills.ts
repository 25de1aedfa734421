/** A limited vCPU that shares no range: its ring fills from empty, is reaped, the vCPU sleeps, and so on, in one loop. */
import { normal } from '../../../random/distributions.js';
import type { RingRunner } from '../memory.js';
import type { FluidVcpu } from './fluid-vcpu.js';
import type { Tracked } from './logged.js';

const { max, min } = Math;

/**
 * See `GuestMemory.passFills`. The fill is known, the ring is empty, and the vCPU writes at full rates. Sums are added up fill
 * by fill, as chance gives each fill a length of its own: there is no closed form that is the same to the bit.
 */
export function passFills(
  of: Tracked,
  state: FluidVcpu,
  runner: RingRunner,
  toUs: number,
  freeFromUs: number,
  share: number,
  most: number,
): number {
  const { softLimit, fullExitUs } = of;
  const { fillProgressUs, fillRunUs, entryUs, entriesVaryBy } = state;
  const { wakes, ringSleepUs, coldUs } = runner;
  const random = entriesVaryBy > 0 ? state.random : null;
  let { deviation } = state;
  let { timeUs, sleepUntilUs, lastRanUs, longestStallUs } = runner;
  let fills = 0;
  let stretches = 0;
  let lateUs = 0;
  while (timeUs < toUs && fills < most) {
    if (sleepUntilUs > timeUs) {
      stretches += 1;
      timeUs = min(sleepUntilUs, toUs);
      continue;
    }
    const runUs = fillRunUs + deviation * entryUs;
    const availableUs = toUs - freeFromUs - (timeUs - freeFromUs);
    const workUs = availableUs * share;
    if (availableUs <= 0 || workUs < runUs) break;
    fills += 1;
    longestStallUs = max(longestStallUs, timeUs - lastRanUs);
    count(state, runner, softLimit, fillProgressUs + runUs - fillRunUs);
    if (random !== null) deviation = normal(random) * entriesVaryBy;
    const ranUs = (availableUs * runUs) / workUs;
    lastRanUs = min(toUs, timeUs + ranUs);
    runner.throttledUs += max(0, lastRanUs - timeUs - ranUs);
    timeUs = lastRanUs;
    runner.ringExitUs += fullExitUs;
    sleepUntilUs = timeUs + fullExitUs;
    if (ringSleepUs <= 0) continue;
    runner.ringSleptUs += ringSleepUs;
    // Drawn, not the mean: vCPUs of one rate would fill and sleep in step forever.
    lateUs = wakes.nextLateUs();
    sleepUntilUs += ringSleepUs + lateUs + coldUs;
  }
  runner.timeUs = timeUs;
  if (fills === 0) return stretches;
  state.deviation = deviation;
  runner.sleepUntilUs = sleepUntilUs;
  runner.lastRanUs = lastRanUs;
  runner.longestStallUs = longestStallUs;
  runner.ringFullExits += fills;
  runner.askedSleepUs = ringSleepUs;
  runner.lateUs = ringSleepUs > 0 ? lateUs + coldUs : 0;
  return stretches + fills;
}

/** The ring has filled up with so many entries in `us` of progress at full rates. */
function count(state: FluidVcpu, runner: RingRunner, entries: number, us: number): void {
  const { uses } = state;
  runner.writes += state.writesPerUs * us;
  runner.reads += us * state.readsPerUs;
  runner.faults += entries;
  runner.faultUs += entries * state.faultUs;
  state.pushed += entries;
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    const { range } = use;
    const writes = use.writesPerUs * us;
    if (!use.sequential) range.writes += writes;
    else {
      use.arc = min(use.arc + writes, range.pages);
      use.position = (use.position + writes) % range.pages;
    }
  }
}
