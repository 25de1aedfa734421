/**
 * Dirty rings that everybody's exits empty: without a dirty limit a full ring makes QEMU reap all rings, and so does the
 * reaper thread every second. Between such instants nothing has to happen one by one: how often the fullest ring is full
 * follows from the rates, and so do the entries of a second.
 *
 * A second of the reaper is a cycle: the fullest ring is full every D, floor(1 s / D) times, then the reaper comes. Of a
 * range that several vCPUs write each gets entries in proportion to its writes, as if it had that share for itself.
 */
import type { WrittenRange } from './segment.js';
import { type Use, pagesTouched, timeToTouch } from './vcpu.js';

const { floor, min } = Math;
const INFINITY = Infinity;

/** kvm_dirty_ring_reaper_thread sleeps this long between rounds, µs. */
const REAPER_PERIOD_US = 1_000_000;
/** Exits cost time, time costs writes, fewer writes fill rings later: rounds until that has settled. */
const PLAN_ROUNDS = 3;
/** Rings that are full within this share of each other take turns. */
const TIE = 1e-6;

/** What the plan needs to know of a vCPU, and what it gives to it. Times are µs of the vCPU's progress. */
export interface RingUser {
  readonly uses: readonly Use[];
  readonly faultUs: number;
  /** Share of time that a throttle leaves it, and the factor on its writes. */
  runShare: number;
  writeFactor: number;
  /** Progress per µs of run time, after faults and exits. */
  pace: number;
  /** Between two full rings, and between two rounds of the reaper; Infinity when no ring gets full. */
  fillUs: number;
  cycleUs: number;
  fillsPerCycle: number;
  entriesPerFill: number;
  entriesPerCycle: number;
  /** Share of the exits that are this vCPU's own, and what one of them takes. */
  exitShare: number;
  exitUs: number;
  /** Where it stands in both, as a share. */
  fillPhase: number;
  cyclePhase: number;
  /** Entries that are in the ring. */
  inRing: number;
}

/** What one exit costs apart from the writes it delays. */
export interface ExitCost {
  readonly exitUs: number;
  readonly entryUs: number;
  /** Every write is an entry, armed or not. */
  readonly pushAll: boolean;
}

/** Work out `pace` … `exitShare` of all vCPUs from their rates and shares. */
export function planRings(users: readonly RingUser[], softLimit: number, cost: ExitCost): void {
  shareRanges(users);
  for (let i = 0; i < users.length; i += 1) users[i]!.pace = 1;
  for (let round = 0; round < PLAN_ROUNDS; round += 1) planRound(users, softLimit, cost);
}

/** Set what each vCPU has of the ranges it writes, as if its ring was empty. */
function shareRanges(users: readonly RingUser[]): void {
  const rates = ratesByRange(users);
  for (let i = 0; i < users.length; i += 1) {
    const { uses } = users[i]!;
    for (let k = 0; k < uses.length; k += 1) {
      const use = uses[k]!;
      const all = rates.get(use.range)!;
      use.among = all > 0 ? (use.range.pages * writeRate(users[i]!, use)) / all : use.range.pages;
    }
  }
}

/** Writes a µs of wall time to each range, of all vCPUs. */
function ratesByRange(users: readonly RingUser[]): Map<WrittenRange, number> {
  const rates = new Map<WrittenRange, number>();
  for (let i = 0; i < users.length; i += 1) {
    const { uses } = users[i]!;
    for (let k = 0; k < uses.length; k += 1) {
      const { range } = uses[k]!;
      // A vCPU that uses a range twice counts once: its rate is that of both.
      if (uses.findIndex((use) => use.range === range) !== k) continue;
      rates.set(range, (rates.get(range) ?? 0) + writeRate(users[i]!, uses[k]!));
    }
  }
  return rates;
}

/** Writes a µs of wall time to the range of `use`. */
function writeRate(user: RingUser, use: Use): number {
  let rate = 0;
  for (let k = 0; k < user.uses.length; k += 1) {
    if (user.uses[k]!.range === use.range) rate += user.uses[k]!.writesPerUs;
  }
  return rate * user.writeFactor * user.runShare;
}

function planRound(users: readonly RingUser[], softLimit: number, cost: ExitCost): void {
  let wallUs = INFINITY;
  for (let i = 0; i < users.length; i += 1) {
    const user = users[i]!;
    user.fillUs = aloneFullAfter(user, softLimit, cost.pushAll) / (user.runShare * user.pace);
    wallUs = min(wallUs, user.fillUs);
  }
  const fills = wallUs < REAPER_PERIOD_US ? floor(REAPER_PERIOD_US / wallUs) : 0;
  let leaders = 0;
  let entriesPerFill = 0;
  for (let i = 0; i < users.length; i += 1) {
    const user = users[i]!;
    const leads = fills > 0 && user.fillUs <= wallUs * (1 + TIE);
    if (leads) leaders += 1;
    user.exitShare = leads ? 1 : 0;
    user.cycleUs = REAPER_PERIOD_US * user.runShare * user.pace;
    user.fillUs = fills > 0 ? wallUs * user.runShare * user.pace : INFINITY;
    user.fillsPerCycle = fills;
    user.entriesPerFill = fills > 0 ? entriesFromEmpty(user, user.fillUs, cost.pushAll) : 0;
    const restUs = fills > 0 ? user.cycleUs - fills * user.fillUs : user.cycleUs;
    user.entriesPerCycle = fills * user.entriesPerFill + entriesFromEmpty(user, restUs, cost.pushAll);
    entriesPerFill += user.entriesPerFill;
  }
  const exitUs = cost.exitUs + entriesPerFill * cost.entryUs;
  for (let i = 0; i < users.length; i += 1) {
    const user = users[i]!;
    if (user.exitShare > 0) user.exitShare = 1 / leaders;
    user.exitUs = exitUs;
    const lostUs = user.entriesPerCycle * user.faultUs + fills * user.exitShare * exitUs;
    user.pace = user.cycleUs > 0 ? user.cycleUs / (user.cycleUs + lostUs) : 1;
  }
}

function aloneFullAfter(user: RingUser, softLimit: number, pushAll: boolean): number {
  if (user.writeFactor === 0 || user.uses.length === 0) return INFINITY;
  if (pushAll) return softLimit / (writesPerUs(user.uses) * user.writeFactor);
  openRooms(user.uses, true);
  return timeToTouch(user.uses, user.writeFactor, softLimit);
}

function entriesFromEmpty(user: RingUser, us: number, pushAll: boolean): number {
  if (pushAll) return writesPerUs(user.uses) * user.writeFactor * us;
  openRooms(user.uses, true);
  return pagesTouched(user.uses, user.writeFactor, us);
}

export function writesPerUs(uses: readonly Use[]): number {
  let rate = 0;
  for (let i = 0; i < uses.length; i += 1) rate += uses[i]!.writesPerUs;
  return rate;
}

/** Room of a ring that has its own share of each range: all of it when empty, what is not in the ring yet otherwise. */
function openRooms(uses: readonly Use[], empty: boolean): void {
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    use.room = empty ? use.among : use.among - min(use.inRing, use.among);
  }
}

/** Of the last `passThroughFills`: entries pushed, and ring-full exits of this vCPU. */
export const passed = { entries: 0, exits: 0 };

/** A vCPU makes `us` of progress, through full rings and rounds of the reaper. The result is in `passed`. */
export function passThroughFills(user: RingUser, us: number, pushAll: boolean): void {
  const { cyclePhase, cycleUs, entriesPerCycle, fillsPerCycle } = user;
  passed.entries = 0;
  passed.exits = 0;
  user.cyclePhase = passBorders(
    user,
    us,
    pushAll,
    passFills,
    cyclePhase,
    cycleUs,
    entriesPerCycle,
    fillsPerCycle,
    0,
  );
}

/** Progress without a round of the reaper. */
function passFills(user: RingUser, us: number, pushAll: boolean): void {
  const { fillPhase, fillUs, entriesPerFill } = user;
  user.fillPhase = passBorders(user, us, pushAll, push, fillPhase, fillUs, entriesPerFill, 1, 1);
}

/**
 * Progress through borders at which the ring is emptied, one every `periodUs`: to the first, by whole periods, and the rest.
 * `inside` is progress between two; a period has so many entries and exits, and the first border so many. Returns where the
 * vCPU stands in its period, as a share.
 */
function passBorders(
  user: RingUser,
  us: number,
  pushAll: boolean,
  inside: (user: RingUser, us: number, pushAll: boolean) => void,
  phase: number,
  periodUs: number,
  entriesPerPeriod: number,
  exitsPerPeriod: number,
  exitsAtFirst: number,
): number {
  const toFirstUs = (1 - phase) * periodUs;
  if (us < toFirstUs) {
    inside(user, us, pushAll);
    return phase + us / periodUs;
  }
  inside(user, toFirstUs, pushAll);
  emptyRing(user);
  const left = us - toFirstUs;
  const periods = floor(left / periodUs);
  passed.entries += periods * entriesPerPeriod;
  passed.exits += (exitsAtFirst + periods * exitsPerPeriod) * user.exitShare;
  const restUs = left - periods * periodUs;
  inside(user, restUs, pushAll);
  return restUs / periodUs;
}

/** A vCPU runs for `us` without a write: only the reaper's rounds go on. */
export function passIdle(user: RingUser, us: number): void {
  user.cyclePhase += us / (REAPER_PERIOD_US * user.runShare);
  if (user.cyclePhase < 1) return;
  user.cyclePhase -= floor(user.cyclePhase);
  emptyRing(user);
}

/** Entries of `us` of progress in which no ring gets full. */
function push(user: RingUser, us: number, pushAll: boolean): void {
  let entries: number;
  if (pushAll) entries = writesPerUs(user.uses) * user.writeFactor * us;
  else {
    openRooms(user.uses, false);
    entries = pagesTouched(user.uses, user.writeFactor, us);
    keepFresh(user.uses);
  }
  user.inRing += entries;
  passed.entries += entries;
}

/** The pages of the last question are in the ring now. */
export function keepFresh(uses: readonly Use[]): void {
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    use.inRing += use.fresh;
    use.range.inRings += use.fresh;
  }
}

/** The ring was reaped: its pages are armed again. */
export function emptyRing(user: RingUser): void {
  user.inRing = 0;
  user.fillPhase = 0;
  for (let i = 0; i < user.uses.length; i += 1) {
    const use = user.uses[i]!;
    use.range.inRings -= use.inRing;
    use.inRing = 0;
  }
}
