/**
 * How far a vCPU comes where tracking notices its writes, and notices each page once: in a bitmap log until it is cleared, in
 * a ring until that is reaped.
 */
import type { RunOutcome } from '../memory.js';
import { HUGE_PAGE_PAGES } from '../../spec.js';
import { armedOnArc } from './arcs.js';
import { type FluidVcpu, noticedLate } from './fluid-vcpu.js';
import type { ExitCost } from './rings.js';
import { type Missed, type WrittenRange, missedShare } from './segment.js';
import { type Use, pagesTouched } from './vcpu.js';

const { abs, exp, min } = Math;

/** A run that costs time ends this close to its budget, as a share of it. */
const BUDGET_TOLERANCE = 1e-5;
/** Steps towards it at most; two where costs are small. */
const BUDGET_STEPS = 40;

/** What all vCPUs of a fluid memory have in common. */
export interface Tracked {
  /** Dirty pages are logged in rings, not in a bitmap. */
  readonly isRing: boolean;
  /** Run time that splitting a huge page costs, µs. */
  readonly splitUs: number;
  /** Entries at which a ring is full. */
  readonly softLimit: number;
  readonly exitCost: ExitCost;
  /** An exit at a ring that is full to the soft limit, µs. */
  readonly fullExitUs: number;
  /** Of the last run. */
  readonly outcome: RunOutcome;
}

/** Progress in `budgetUs` of run time when every write to an armed page is noticed once. */
export function runLogged(of: Tracked, state: FluidVcpu, budgetUs: number): number {
  const { uses } = state;
  if (uses.length === 1 && of.splitUs === 0 && !uses[0]!.sequential)
    return runOnOneRange(state, uses[0]!, budgetUs, of.outcome);
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    use.room = use.range.armed;
    use.among = use.range.pages;
  }
  const progressUs = progressWithin(of, state, budgetUs);
  for (let i = 0; i < uses.length; i += 1) {
    const { range, fresh } = uses[i]!;
    range.armed -= fresh;
    for (let k = 0; k < range.lateCount; k += 1) {
      const late = range.late[k]!;
      range.armed += late.fresh;
      late.armed -= late.fresh;
    }
  }
  return progressUs;
}

/** Pages noticed in `us` of progress; sets `fresh` of each use. */
function noticed(of: Tracked, state: FluidVcpu, us: number): number {
  if (of.isRing) return pushed(of, state, us);
  const { uses } = state;
  let pages = pagesTouched(uses, state.writeFactor, us);
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    const writes = use.writesPerUs * state.writeFactor * us;
    if (use.sequential) {
      pages -= use.fresh;
      use.fresh = armedOnArc(use.range, use.position, writes);
      pages += use.fresh;
    } else if (use.range.lateCount > 0) pages += noticedLate(use, writes);
  }
  return pages;
}

/**
 * Progress p for which p and the cost of what it touches fill the budget. The first guess ignores costs, the second
 * takes them to be proportional, further ones take the chord between too little and too much. Fills the outcome.
 */
export function progressWithin(of: Tracked, state: FluidVcpu, budgetUs: number): number {
  let us = budgetUs;
  let faults = noticed(of, state, us);
  if (state.faultUs > 0 || (of.splitUs > 0 && faults > 0)) {
    let low = 0;
    let lowCost = 0;
    let high = us;
    let highCost = us + costUs(of, state, faults);
    for (let step = 0; step < BUDGET_STEPS; step += 1) {
      if (abs(highCost - budgetUs) <= BUDGET_TOLERANCE * budgetUs) break;
      us = low + ((high - low) * (budgetUs - lowCost)) / (highCost - lowCost);
      faults = noticed(of, state, us);
      const takesUs = us + costUs(of, state, faults);
      if (abs(takesUs - budgetUs) <= BUDGET_TOLERANCE * budgetUs) break;
      if (takesUs > budgetUs) {
        high = us;
        highCost = takesUs;
      } else {
        low = us;
        lowCost = takesUs;
      }
    }
  }
  account(of, state, faults);
  return us;
}

/** Run time that noticing a number of pages costs, µs. */
export function costUs(of: Tracked, state: FluidVcpu, faults: number): number {
  return faults * state.faultUs + (of.splitUs > 0 ? splits(of, state, false) * of.splitUs : 0);
}

/** These pages were noticed. */
export function account(of: Tracked, state: FluidVcpu, faults: number): void {
  const { outcome } = of;
  outcome.faults += faults;
  outcome.faultUs += faults * state.faultUs;
  if (of.splitUs > 0) outcome.faultUs += splits(of, state, true) * of.splitUs;
}

/** Huge pages that the `fresh` pages of each use split; `keep`: they are split from now on. */
function splits(of: Tracked, state: FluidVcpu, keep: boolean): number {
  let splits = 0;
  for (let i = 0; i < state.uses.length; i += 1) {
    const { range, fresh, sequential } = state.uses[i]!;
    const whole = range.unsplitBlocks;
    if (whole === 0) continue;
    const split = sequential
      ? min(whole, fresh / HUGE_PAGE_PAGES)
      : whole * (1 - exp(-fresh / range.hugeBlocks));
    splits += split;
    if (keep) range.unsplitBlocks -= split;
  }
  return splits;
}

/** Entries pushed in `us` of progress. */
export function pushed(of: Tracked, state: FluidVcpu, us: number): number {
  if (of.exitCost.pushAll) return state.writesPerUs * state.writeFactor * us;
  return pagesTouched(state.uses, state.writeFactor, us);
}

/**
 * Progress in `budgetUs` of run time of a vCPU that writes one range, all over, on a host where huge pages cost nothing: what
 * FluidMemory does in general, in one go, as most guests are of such vCPUs.
 */
export function runOnOneRange(state: FluidVcpu, use: Use, budgetUs: number, outcome: RunOutcome): number {
  const { faultUs } = state;
  const { range } = use;
  const rate = use.writesPerUs * state.writeFactor;
  let us = budgetUs;
  let faults = noticedIn(range, rate * us);
  if (faultUs > 0) {
    let low = 0;
    let lowCost = 0;
    let high = us;
    let highCost = us + faults * faultUs;
    for (let step = 0; step < BUDGET_STEPS; step += 1) {
      if (abs(highCost - budgetUs) <= BUDGET_TOLERANCE * budgetUs) break;
      us = low + ((high - low) * (budgetUs - lowCost)) / (highCost - lowCost);
      faults = noticedIn(range, rate * us);
      const costUs = us + faults * faultUs;
      if (abs(costUs - budgetUs) <= BUDGET_TOLERANCE * budgetUs) break;
      if (costUs > budgetUs) {
        high = us;
        highCost = costUs;
      } else {
        low = us;
        lowCost = costUs;
      }
    }
  }
  outcome.faults = faults;
  outcome.faultUs = faults * faultUs;
  range.armed -= faults;
  for (let k = 0; k < range.lateCount; k += 1) {
    const late = range.late[k]!;
    range.armed += late.fresh;
    late.armed -= late.fresh;
  }
  return us;
}

// Of the last question, for pages that were armed at its begin and on the way.
const missed: Missed = { perPage: 0, share: 1 };
const missedLate: Missed = { perPage: 0, share: 1 };

/** Pages of a range that so many writes notice, those that are armed on the way included; sets `fresh` of each of the latter. */
function noticedIn(range: WrittenRange, writes: number): number {
  const { armed, pages, late, lateCount } = range;
  const fresh = armed * (1 - missedShare(missed, writes / pages));
  if (lateCount === 0) return fresh;
  let freshLate = 0;
  for (let k = 0; k < lateCount; k += 1) {
    const arm = late[k]!;
    arm.fresh = arm.armed * (1 - missedShare(missedLate, (writes * arm.share) / pages));
    freshLate += arm.fresh;
  }
  return fresh + freshLate;
}
