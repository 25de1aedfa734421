/** A vCPU that runs into its dirty ring: one that all empty together, or under a dirty limit its own. */
import type { FluidVcpu } from './fluid-vcpu.js';
import { type Tracked, account, costUs, progressWithin, pushed, runOnOneRange } from './logged.js';
import { keepFresh, passThroughFills, passed } from './rings.js';
import { type Use, timeToTouch, touchRate, touchedDeviation } from './vcpu.js';

const { max, min } = Math;
/** Rounding, as a share of a time. */
const SLACK = 1e-6;

/** No vCPU is limited: any full ring is an exit that empties all. */
export function runReaped(of: Tracked, state: FluidVcpu, budgetUs: number): number {
  const paidUs = min(state.owedUs, budgetUs);
  const progressUs = (budgetUs - paidUs) * state.pace;
  state.owedUs -= paidUs;
  passThroughFills(state, progressUs, of.exitCost.pushAll);
  of.outcome.ringExits = passed.exits;
  of.outcome.ringExitUs = passed.exits * state.exitUs;
  state.pushed += passed.entries;
  if (of.splitUs > 0) spread(of, state, passed.entries);
  const faultUs = passed.entries * state.faultUs;
  account(of, state, passed.entries);
  state.owedUs += of.outcome.faultUs - faultUs;
  return progressUs;
}

/** Entries of several fills, as pages that were touched in each range. */
function spread(of: Tracked, state: FluidVcpu, entries: number): void {
  const { uses } = state;
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    use.fresh = of.exitCost.pushAll ? 0 : (entries * use.writesPerUs) / state.writesPerUs;
  }
}

/** A dirty limit is in service: a full ring stops its vCPU, and no other vCPU's pages are armed again. */
export function runLimited(of: Tracked, state: FluidVcpu, budgetUs: number): number {
  const { outcome } = of;
  const againUs = state.fillRunUs + state.deviation * state.entryUs;
  if (state.inRing === 0 && budgetUs >= againUs) return fillAgain(of, state, againUs);
  const need = of.softLimit + state.deviation - state.inRing;
  if (need <= 0 || state.inRing >= of.softLimit) {
    outcome.ringFull = true;
    outcome.ranUs = 0;
    return 0;
  }
  if (isTooShort(of, state, budgetUs, need)) return runIntoRange(of, state, state.uses[0]!, budgetUs);
  return runIntoRanges(of, state, budgetUs, need);
}

/**
 * A vCPU writes one range, all over, and even if each of its writes brought in another page, `need` of them would take longer
 * than the budget: the ring does not get full, and when it would does not have to be worked out.
 */
function isTooShort(of: Tracked, state: FluidVcpu, budgetUs: number, need: number): boolean {
  const { uses, writesPerUs, writeFactor, faultUs } = state;
  if (uses.length !== 1 || uses[0]!.sequential || of.splitUs > 0 || of.exitCost.pushAll) return false;
  return budgetUs < (need / (writesPerUs * writeFactor) + need * faultUs) * (1 - SLACK);
}

/** A budget in which the ring does not get full. */
function runIntoRange(of: Tracked, state: FluidVcpu, use: Use, budgetUs: number): number {
  const { range } = use;
  const { outcome } = of;
  range.armed = max(0, range.pages - range.inRings);
  const progressUs = runOnOneRange(state, use, budgetUs, outcome);
  const { faults } = outcome;
  state.pushed += faults;
  state.inRing += faults;
  use.inRing += faults;
  range.inRings += faults;
  return progressUs;
}

/** A budget in which the ring may get full, once `need` more pages have been touched. */
function runIntoRanges(of: Tracked, state: FluidVcpu, budgetUs: number, need: number): number {
  const { outcome } = of;
  const { uses } = state;
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    use.among = use.range.pages;
    use.room = max(0, use.among - use.range.inRings);
  }
  const fullUs = of.exitCost.pushAll
    ? need / (state.writesPerUs * state.writeFactor)
    : timeToTouch(uses, state.writeFactor, need);
  if (fullUs < budgetUs) {
    const entries = pushed(of, state, fullUs);
    const runUs = fullUs + costUs(of, state, entries);
    if (runUs <= budgetUs) {
      if (state.inRing === 0 && state.deviation === 0) learnFill(of, state, fullUs, runUs);
      account(of, state, entries);
      keepEntries(of, state, of.softLimit - state.inRing);
      outcome.ringFull = true;
      outcome.ranUs = runUs;
      return fullUs;
    }
  }
  const progressUs = progressWithin(of, state, budgetUs);
  keepEntries(of, state, outcome.faults);
  return progressUs;
}

/** Keep what the next fills from an empty ring have in common with this one. */
function learnFill(of: Tracked, state: FluidVcpu, progressUs: number, runUs: number): void {
  const { uses, writeFactor } = state;
  if (of.exitCost.pushAll) return;
  state.entriesVaryBy = touchedDeviation(uses, writeFactor, progressUs);
  if (!state.isAlone || of.splitUs > 0) return;
  state.fillProgressUs = progressUs;
  state.fillRunUs = runUs;
  state.entryUs = 1 / touchRate(uses, writeFactor) + state.faultUs;
}

/** An empty ring of a vCPU that shares no range fills as it did the last time, but for chance. */
function fillAgain(of: Tracked, state: FluidVcpu, runUs: number): number {
  const { outcome } = of;
  outcome.faults = of.softLimit;
  outcome.faultUs = of.softLimit * state.faultUs;
  outcome.ringFull = true;
  outcome.ranUs = runUs;
  state.pushed += of.softLimit;
  state.inRing = of.softLimit;
  return state.fillProgressUs + runUs - state.fillRunUs;
}

function keepEntries(of: Tracked, state: FluidVcpu, entries: number): void {
  state.pushed += entries;
  state.inRing += entries;
  if (!of.exitCost.pushAll) keepFresh(state.uses);
}
