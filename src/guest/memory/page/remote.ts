/** Post-copy in the page memory: every access looks whether its page is missing. */
import type { RunOutcome } from '../memory.js';
import type { MigrationBitmap } from './migration-bitmap.js';
import { type VcpuState, pickClass } from './vcpu-writes.js';

const { floor, max, min } = Math;
const INFINITY = Infinity;

/** `GuestMemory.runRemote`. Returns the accesses that were drawn. */
export function runRemote(
  state: VcpuState,
  bitmap: MigrationBitmap,
  outcome: RunOutcome,
  wallUs: number,
  writeFactor: number,
  readFactor: number,
  stallUs: number,
): number {
  let drawn = 0;
  outcome.writes = 0;
  outcome.reads = 0;
  outcome.requests = 0;
  outcome.fetched = 0;
  outcome.blockedUs = 0;
  const rate = state.writesPerUs * writeFactor + state.readsPerUs * readFactor;
  const writeShare = rate > 0 ? (state.writesPerUs * writeFactor) / rate : 0;
  let left = wallUs;
  // Blocked while no answer came: now its request goes out.
  if (state.owedUs === INFINITY && stallUs !== INFINITY) state.owedUs = stallUs;
  while (left > 0) {
    if (state.owedUs > 0) {
      const blocked = min(state.owedUs, left);
      state.owedUs -= blocked;
      outcome.blockedUs += blocked;
      left -= blocked;
      continue;
    }
    const due = state.accessCredit + rate * left;
    const accesses = floor(due);
    const done = accessUntilMissing(state, bitmap, outcome, accesses, stallUs);
    drawn += done;
    outcome.writes += done * writeShare;
    outcome.reads += done * (1 - writeShare);
    if (done === accesses && state.owedUs === 0) {
      state.accessCredit = due - accesses;
      break;
    }
    left -= max(0, (done - state.accessCredit) / rate);
    state.accessCredit = 0;
  }
  outcome.ranUs = wallUs - outcome.blockedUs;
  return drawn;
}

/** Up to `accesses` accesses, ending at the first that finds its page missing. Returns those done, that one included. */
function accessUntilMissing(
  state: VcpuState,
  bitmap: MigrationBitmap,
  outcome: RunOutcome,
  accesses: number,
  stallUs: number,
): number {
  const missing = bitmap.words;
  for (let i = 0; i < accesses; i += 1) {
    const c = pickClass(state);
    let page = c.firstPage + c.next;
    if (c.sequential) c.next = c.next + 1 === c.pages ? 0 : c.next + 1;
    else page = c.firstPage + state.random.nextBelow(c.pages);
    if ((missing[page >>> 5]! & (1 << (page & 31))) === 0) continue;
    state.owedUs = stallUs;
    if (stallUs !== INFINITY) {
      outcome.requests += 1;
      outcome.fetched += bitmap.fetch(page);
    }
    return i + 1;
  }
  return accesses;
}
