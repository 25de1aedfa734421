/** How far a vCPU comes in a bitmap log, where every write to an armed page is noticed once and takes time. */
import type { RunOutcome } from '../memory.js';
import type { FluidVcpu } from './fluid-vcpu.js';
import type { WrittenRange } from './segment.js';
import type { Use } from './vcpu.js';

const { abs, exp } = Math;

/** A run that costs time ends this close to its budget, as a share of it. */
export const BUDGET_TOLERANCE = 1e-5;
/** Steps towards it at most; two where costs are small. */
export const BUDGET_STEPS = 40;

/**
 * Progress in `budgetUs` of run time of a vCPU that writes one range, all over, on a host where huge pages cost nothing: what
 * FluidMemory does in general, in one go, as most guests are of such vCPUs.
 */
export function runOnOneRange(state: FluidVcpu, use: Use, budgetUs: number, outcome: RunOutcome): number {
  const { faultUs } = state;
  const { range } = use;
  const rate = use.writesPerUs * state.writeFactor;
  let us = budgetUs;
  let faults = noticed(range, rate * us);
  if (faultUs > 0) {
    let low = 0;
    let lowCost = 0;
    let high = us;
    let highCost = us + faults * faultUs;
    for (let step = 0; step < BUDGET_STEPS; step += 1) {
      if (abs(highCost - budgetUs) <= BUDGET_TOLERANCE * budgetUs) break;
      us = low + ((high - low) * (budgetUs - lowCost)) / (highCost - lowCost);
      faults = noticed(range, rate * us);
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

/** Pages of a range that so many writes notice, those that are armed on the way included; sets `fresh` of each of the latter. */
function noticed(range: WrittenRange, writes: number): number {
  const { armed, pages, late, lateCount } = range;
  const fresh = armed * (1 - exp(-writes / pages));
  if (lateCount === 0) return fresh;
  let freshLate = 0;
  for (let k = 0; k < lateCount; k += 1) {
    const arm = late[k]!;
    arm.fresh = arm.armed * (1 - exp((-writes * arm.share) / pages));
    freshLate += arm.fresh;
  }
  return fresh + freshLate;
}
