/** One vCPU as the guest keeps it, and what follows from where it stands. */
import { type KnownPhase, noPhase } from './phases.js';
import { type HostProfile, type VcpuSpec, slackPerAccessUs } from './spec.js';
import { CPU_THROTTLE_TIMESLICE_US, type ThrottleTimetable } from './throttle.js';
import type { Wakes } from './wakes.js';

const { max, min } = Math;
const INFINITY = Infinity;
/** Host work next to a vCPU takes the core in pieces of about this length (a scheduler's wake-up preemption), µs. */
const STOLEN_CHUNK_US = 100;

/** Clients that have waited for longer than this have given up, or have no more requests to send meanwhile, µs. */
const LONGEST_BACKLOG_US = 1_000_000;

/** One vCPU: where it stands in time, what keeps it from running, and what it lost so far. Times in µs. */
export interface Vcpu {
  readonly id: number;
  readonly spec: VcpuSpec;
  /** It has been simulated up to here. */
  timeUs: number;
  /** It sleeps (or is in an exit) until here, whatever the throttle says. */
  sleepUntilUs: number;
  /** Sleep at each ring-full exit. */
  ringSleepUs: number;
  /** Of the last sleep at a full ring: what was asked for, and by how much it ends late. */
  askedSleepUs: number;
  lateUs: number;
  throttle: ThrottleTimetable;
  /** Lost at each wake-up on average, µs: it wakes late, and its caches are cold. Below 0 where what stays pending is more. */
  readonly wakeLossUs: number;
  /** The second part of it. */
  readonly coldUs: number;
  /** How late each sleep at a full ring ends. */
  readonly wakes: Wakes;
  /** It has speed to spare, and makes up for what it missed. */
  readonly catchesUp: boolean;
  readonly phase: KnownPhase;
  /** Its rates never change, and it never makes up for anything. */
  readonly isSteady: boolean;
  /** Share of stolen time that it really loses: a vCPU that waits between accesses hides short thefts in the waiting. */
  readonly stealShare: number;
  /** Work that waits for it, as time at its own pace, µs; 0 for one that does not catch up. */
  backlogUs: number;
  /** When its process forks next; Infinity: never. */
  nextForkUs: number;
  /** When it last ran: a stall is counted from here. */
  lastRanUs: number;
  writes: number;
  reads: number;
  faults: number;
  faultUs: number;
  throttledUs: number;
  ringSleptUs: number;
  ringExitUs: number;
  ringFullExits: number;
  longestStallUs: number;
  postcopyBlockedUs: number;
}

/** Of a vCPU that has not run yet. */
export function newVcpu(
  spec: VcpuSpec,
  id: number,
  host: HostProfile,
  throttle: ThrottleTimetable,
  startUs: number,
  wakes: Wakes,
): Vcpu {
  return {
    id,
    spec,
    timeUs: startUs,
    sleepUntilUs: startUs,
    ringSleepUs: 0,
    askedSleepUs: 0,
    lateUs: 0,
    throttle,
    wakeLossUs: host.wakeLatencyUs + host.vcpuColdUs * spec.busy - (spec.pendingUs ?? 0),
    coldUs: host.vcpuColdUs * spec.busy,
    wakes,
    catchesUp: catchesUp(spec),
    phase: noPhase(),
    isSteady: !catchesUp(spec) && spec.phases.length === 0 && spec.fork === undefined,
    stealShare: max(0, 1 - slackPerAccessUs(spec) / STOLEN_CHUNK_US),
    backlogUs: 0,
    nextForkUs: spec.fork?.atUs ?? INFINITY,
    lastRanUs: startUs,
    writes: 0,
    reads: 0,
    faults: 0,
    faultUs: 0,
    throttledUs: 0,
    ringSleptUs: 0,
    ringExitUs: 0,
    ringFullExits: 0,
    longestStallUs: 0,
    postcopyBlockedUs: 0,
  };
}

/** Of an exit at a full ring and the sleep after it, in this order, and at last what that ends late: sleep that comes after `atUs`. */
export function sleepToComeUs(vcpu: Vcpu, atUs: number): number {
  return min(max(0, vcpu.sleepUntilUs - atUs - vcpu.lateUs), vcpu.askedSleepUs);
}

export function exitToComeUs(vcpu: Vcpu, atUs: number, sleepUs: number): number {
  return max(0, vcpu.sleepUntilUs - atUs - vcpu.lateUs - sleepUs);
}

/** A vCPU that is always busy has no speed to spare. */
export function catchesUp(spec: VcpuSpec): boolean {
  return spec.catchesUp === true && spec.busy < 1;
}

/** So much more work has come in than was done. */
export function addBacklog(vcpu: Vcpu, us: number): void {
  if (!vcpu.catchesUp) return;
  vcpu.backlogUs = max(0, min(vcpu.backlogUs + us, LONGEST_BACKLOG_US));
}

export function lastRunInstant(throttle: ThrottleTimetable, atUs: number): number {
  if (throttle.percent === 0) return atUs;
  const awake = throttle.awakeAtUs(atUs);
  return awake > atUs ? max(0, awake - throttle.sleepUs) : atUs;
}

/** Share of its unthrottled work that its throttle leaves a vCPU. */
export function runShare(vcpu: Vcpu): number {
  const { percent } = vcpu.throttle;
  const share =
    percent === 0 ? 1 : (1 - percent / 100) * max(0, 1 - vcpu.wakeLossUs / CPU_THROTTLE_TIMESLICE_US);
  return vcpu.catchesUp ? min(1, share / vcpu.spec.busy) : share;
}

/** Constant rates, all over the working set; what was missed is not made up for. */
export function writesEvenly(vcpu: VcpuSpec): boolean {
  return (
    !catchesUp(vcpu) &&
    vcpu.phases.length === 0 &&
    vcpu.fork === undefined &&
    vcpu.classes.every((c) => c.pattern === 'uniform' || c.writesPerSecond === 0)
  );
}
