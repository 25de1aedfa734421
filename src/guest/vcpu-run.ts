/** How a vCPU runs at the source: from one instant to the next, through phases, forks, throttles and full rings. */
import type { Effort } from './effort.js';
import type { GuestMemory, RunOutcome } from './memory/memory.js';
import { phaseNow } from './phases.js';
import type { HostProfile } from './spec.js';
import { type Vcpu, addBacklog, lastRunInstant } from './vcpu.js';
import type { WorkHistory } from './work-history.js';

const { max, min } = Math;
const INFINITY = Infinity;
/** Between two looks at what a run has taken so far. */
const FILLS_AT_ONCE = 1024;

/** What its vCPUs share. */
export interface RunningGuest {
  readonly memory: GuestMemory;
  readonly host: HostProfile;
  readonly effort: Effort;
  /** A dirty limit is in service: rings are no longer shared business. */
  readonly limited: boolean;
  /** Share of its speed, 0..1, that a running vCPU has next to the host's other work. */
  readonly speed: number;
  /** null: it is not wanted. */
  readonly history: WorkHistory | null;
  /** Called at each ring-full exit of the page memory or of a limited vCPU; null: it is not wanted. */
  readonly onRingFull: ((vcpu: number, timeUs: number) => void) | null;
  /** Reap every ring. Returns the entries. */
  reapAll(): number;
}

/** Let a vCPU run until `toUs`, through rings that fill on the way. */
export function advanceThroughExits(guest: RunningGuest, vcpu: Vcpu, toUs: number): void {
  do if (guest.limited) passFills(guest, vcpu, toUs);
  while (advanceVcpu(guest, vcpu, toUs) && ringFullExit(guest, vcpu));
}

/**
 * Under a dirty limit: a ring that fills as the one before, the sleep after it, and so on, as long as a whole fill lies
 * before `toUs`. What `advanceVcpu` and an exit do one by one, with the same draws, and so exact; for a vCPU whose rates
 * stay as they are and that no throttle holds back.
 */
function passFills(guest: RunningGuest, vcpu: Vcpu, toUs: number): void {
  const { onRingFull } = guest;
  if (!vcpu.isSteady || guest.history !== null) return;
  const freeFromUs = vcpu.throttle.freeFromUs();
  const share = 1 - (1 - guest.speed) * vcpu.stealShare;
  // A listener may change how long the vCPU sleeps next.
  const most = onRingFull === null ? FILLS_AT_ONCE : 1;
  while (vcpu.timeUs >= freeFromUs) {
    const before = vcpu.ringFullExits;
    guest.effort.stretches(guest.memory.passFills(vcpu.id, vcpu, toUs, freeFromUs, share, most));
    const fills = vcpu.ringFullExits - before;
    if (onRingFull !== null && fills > 0) onRingFull(vcpu.id, vcpu.timeUs);
    if (fills < most) return;
  }
}

/** Let a vCPU run until `toUs`, or until its ring is full: true. */
export function advanceVcpu(guest: RunningGuest, vcpu: Vcpu, toUs: number): boolean {
  const { memory } = guest;
  const { outcome } = memory;
  const { phases } = vcpu.spec;
  while (vcpu.timeUs < toUs) {
    guest.effort.stretch();
    if (vcpu.sleepUntilUs > vcpu.timeUs) {
      const awake = min(vcpu.sleepUntilUs, toUs);
      addBacklog(vcpu, awake - vcpu.timeUs);
      vcpu.timeUs = awake;
      if (guest.history !== null) guest.history.rested(vcpu, awake);
      continue;
    }
    if (vcpu.nextForkUs <= vcpu.timeUs) fork(guest, vcpu);
    let end = min(toUs, vcpu.nextForkUs);
    let writeFactor = 1;
    let readFactor = 1;
    if (phases.length > 0) {
      const phase = phaseNow(vcpu.phase, vcpu.spec, vcpu.timeUs);
      writeFactor = phase.writeFactor;
      readFactor = phase.readFactor;
      end = min(end, phase.untilUs);
    }
    const available = vcpu.throttle.runTimeUs(vcpu.timeUs, end, vcpu.wakeLossUs);
    if (available <= 0) {
      vcpu.throttledUs += end - vcpu.timeUs;
      addBacklog(vcpu, end - vcpu.timeUs);
      vcpu.timeUs = end;
      if (guest.history !== null) guest.history.rested(vcpu, end);
      continue;
    }
    noteStall(vcpu, vcpu.throttle.awakeAtUs(vcpu.timeUs));
    const workUs = workWithin(guest, vcpu, available, end);
    const before = vcpu.writes + vcpu.reads;
    const sinceUs = vcpu.timeUs;
    memory.run(vcpu.id, workUs, writeFactor, readFactor);
    vcpu.writes += outcome.writes;
    vcpu.reads += outcome.reads;
    vcpu.faults += outcome.faults;
    vcpu.faultUs += outcome.faultUs;
    const ranUs = outcome.ringFull ? runTimeOf(guest, vcpu, outcome.ranUs, workUs, available) : available;
    const at = outcome.ringFull
      ? min(end, vcpu.throttle.instantAfterUs(vcpu.timeUs, ranUs, vcpu.wakeLossUs))
      : end;
    noteLosses(vcpu, outcome, at - vcpu.timeUs, ranUs);
    vcpu.timeUs = at;
    if (guest.history !== null) guest.history.ran(vcpu, sinceUs, before);
    vcpu.lastRanUs = lastRunInstant(vcpu.throttle, at);
    if (outcome.ringFull) return true;
  }
  return false;
}

/** What a vCPU lost of `elapsedUs`, of which it ran for `ranUs`. */
function noteLosses(vcpu: Vcpu, outcome: RunOutcome, elapsedUs: number, ranUs: number): void {
  const { throttle } = vcpu;
  addBacklog(vcpu, elapsedUs - outcome.ranUs + (outcome.ringExits > 0 ? outcome.ringExitUs : 0));
  // Also where the throttle was lifted in the middle of a sleep.
  vcpu.throttledUs += max(0, elapsedUs - ranUs);
  if (outcome.ringExits > 0) {
    vcpu.ringFullExits += outcome.ringExits;
    vcpu.ringExitUs += outcome.ringExitUs;
  }
  if (throttle.percent > 0 && elapsedUs > ranUs)
    vcpu.longestStallUs = max(vcpu.longestStallUs, min(throttle.sleepUs, elapsedUs - ranUs));
}

function fork(guest: RunningGuest, vcpu: Vcpu): void {
  guest.memory.fork(vcpu.id);
  const everyUs = vcpu.spec.fork?.everyUs ?? 0;
  vcpu.nextForkUs = everyUs > 0 ? vcpu.nextForkUs + everyUs : INFINITY;
}

/** Work, as time at its own pace, that a vCPU can do in `availableUs` of run time up to `endUs`. */
function workWithin(guest: RunningGuest, vcpu: Vcpu, availableUs: number, endUs: number): number {
  if (!vcpu.catchesUp) return availableUs * (1 - (1 - guest.speed) * vcpu.stealShare);
  // What comes in during a sleep at the very end is done after it.
  const dueUs = vcpu.backlogUs + lastRunInstant(vcpu.throttle, endUs) - vcpu.timeUs;
  return min(max(availableUs, dueUs), (availableUs * guest.speed) / vcpu.spec.busy);
}

/**
 * Run time in which a vCPU did `doneUs` of the `workUs` that it could do in `availableUs`. One that catches up goes at full
 * speed until nothing waits, then at its own pace; across the slices of a throttle this is spread evenly.
 */
function runTimeOf(
  guest: RunningGuest,
  vcpu: Vcpu,
  doneUs: number,
  workUs: number,
  availableUs: number,
): number {
  const busy = vcpu.spec.busy / guest.speed;
  if (!vcpu.catchesUp || vcpu.throttle.percent > 0 || busy >= 1) return (availableUs * doneUs) / workUs;
  const catchUpUs = (vcpu.backlogUs * busy) / (1 - busy);
  return doneUs * busy <= catchUpUs ? doneUs * busy : catchUpUs + doneUs - catchUpUs / busy;
}

export function noteStall(vcpu: Vcpu, runsAgainUs: number): void {
  const stall = runsAgainUs - vcpu.lastRanUs;
  if (stall > vcpu.longestStallUs) vcpu.longestStallUs = stall;
}

/** accel/kvm/kvm-all.c, KVM_EXIT_DIRTY_RING_FULL: reap, then sleep if this vCPU is limited. The vCPU goes on: true. */
export function ringFullExit(guest: RunningGuest, vcpu: Vcpu): true {
  leaveAtFullRing(guest, vcpu, guest.limited ? guest.memory.reap(vcpu.id) : guest.reapAll());
  return true;
}

/** So many entries were reaped. */
function leaveAtFullRing(guest: RunningGuest, vcpu: Vcpu, entries: number): void {
  vcpu.ringFullExits += 1;
  const exitUs = guest.host.ringExitUs + (entries * guest.host.ringEntryNs) / 1000;
  vcpu.ringExitUs += exitUs;
  vcpu.sleepUntilUs = vcpu.timeUs + exitUs;
  vcpu.askedSleepUs = 0;
  vcpu.lateUs = 0;
  if (guest.limited && vcpu.ringSleepUs > 0) {
    vcpu.ringSleptUs += vcpu.ringSleepUs;
    // Drawn, not the mean: vCPUs of one rate would fill and sleep in step forever.
    const lateUs = vcpu.wakes.nextLateUs();
    vcpu.sleepUntilUs += vcpu.ringSleepUs + lateUs + vcpu.coldUs;
    vcpu.askedSleepUs = vcpu.ringSleepUs;
    vcpu.lateUs = lateUs + vcpu.coldUs;
  }
  if (guest.onRingFull !== null) guest.onRingFull(vcpu.id, vcpu.timeUs);
}
