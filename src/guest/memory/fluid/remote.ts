/**
 * Post-copy in the fluid memory: accesses to pages that may still be missing. Each access finds its page missing with some
 * chance; a request goes out whenever these chances have added up to one.
 */
import type { SegmentCircle } from './circle.js';
import { changesAfter, missingAt, missingIn } from './counts.js';
import { SLACK_PAGES } from './segment.js';
import type { Use } from './vcpu.js';
import type { RunOutcome } from '../memory.js';
import type { VcpuSpec } from '../../spec.js';

const { ceil, max, min } = Math;
const INFINITY = Infinity;
/** So near to one a sum of chances is one. */
const ALMOST_ONE = 1 - 1e-9;

/** One class of a vCPU, read or written, on the destination. */
export interface RemoteUse {
  readonly firstPage: number;
  readonly pages: number;
  readonly sequential: boolean;
  /** Share of the vCPU's accesses. */
  readonly share: number;
  /** Where a sequential class goes on, an offset into it. */
  position: number;
  /** Of the last look: the share of its pages that are missing, of a sequential class where it stands. */
  missing: number;
}

export interface RemoteVcpu {
  readonly uses: readonly RemoteUse[];
  /** Time for which it is still blocked, µs; Infinity while there is no answer. */
  owedUs: number;
  /** Chances of a request since the last one, summed. */
  chances: number;
}

/** A vCPU as it arrives: its writers go on where they stood, readers begin where they begin. */
export function newRemote(spec: VcpuSpec, starts: readonly number[], writers: readonly Use[]): RemoteVcpu {
  const accesses = spec.classes.reduce((sum, c) => sum + c.writesPerSecond + c.readsPerSecond, 0);
  const uses = spec.classes.map((c, i) => ({
    firstPage: c.firstPage,
    pages: c.pages,
    sequential: c.pattern === 'sequential',
    share: accesses > 0 ? (c.writesPerSecond + c.readsPerSecond) / accesses : 0,
    position:
      writers.find((use) => use.range.firstPage === c.firstPage && use.sequential)?.position ?? starts[i]!,
    missing: 0,
  }));
  return { uses, owedUs: 0, chances: 0 };
}

/** `GuestMemory.runRemote` for a vCPU with `writeRate` and `readRate` accesses a µs. */
export function runRemote(
  vcpu: RemoteVcpu,
  circle: SegmentCircle,
  outcome: RunOutcome,
  wallUs: number,
  writeRate: number,
  readRate: number,
  stallUs: number,
  hostPagePages: number,
): void {
  outcome.writes = 0;
  outcome.reads = 0;
  outcome.requests = 0;
  outcome.fetched = 0;
  outcome.blockedUs = 0;
  const rate = writeRate + readRate;
  let left = wallUs;
  let accesses = 0;
  if (vcpu.owedUs === INFINITY && stallUs !== INFINITY) vcpu.owedUs = stallUs;
  while (left > 0) {
    if (vcpu.owedUs > 0) {
      const blocked = min(vcpu.owedUs, left);
      vcpu.owedUs -= blocked;
      outcome.blockedUs += blocked;
      left -= blocked;
      continue;
    }
    if (rate === 0) break;
    const chance = look(vcpu, circle, hostPagePages);
    const step = min(
      rate * left,
      untilItChanges(vcpu, circle),
      chance > 0 ? (1 - vcpu.chances) / chance : INFINITY,
    );
    pass(vcpu, step);
    accesses += step;
    vcpu.chances += step * chance;
    left = step < rate * left ? left - step / rate : 0;
    if (vcpu.chances < ALMOST_ONE) continue;
    vcpu.chances = 0;
    vcpu.owedUs = stallUs;
    if (stallUs === INFINITY) continue;
    outcome.requests += 1;
    outcome.fetched += fetch(vcpu, circle, chance, hostPagePages);
  }
  outcome.writes = rate > 0 ? (accesses * writeRate) / rate : 0;
  outcome.reads = accesses - outcome.writes;
  outcome.ranUs = wallUs - outcome.blockedUs;
}

/**
 * The chance that an access finds its page missing. A host page is missing whole or not at all; where only some are, a
 * sequential class can find one missing at the first page of each.
 */
function look(vcpu: RemoteVcpu, circle: SegmentCircle, hostPagePages: number): number {
  let chance = 0;
  for (const use of vcpu.uses) {
    if (use.sequential) {
      const missing = missingAt(circle.cursor, use.firstPage + use.position);
      use.missing = missing < ALMOST_ONE ? missing / hostPagePages : 1;
    } else use.missing = missingIn(circle.cursor, use.firstPage, use.pages) / use.pages;
    chance += use.share * use.missing;
  }
  return chance;
}

/** Accesses until a sequential class comes to pages of which another share is missing. */
function untilItChanges(vcpu: RemoteVcpu, circle: SegmentCircle): number {
  let accesses = INFINITY;
  for (const use of vcpu.uses) {
    if (!use.sequential || use.share === 0) continue;
    const end = min(use.firstPage + use.pages, changesAfter(circle.cursor, use.firstPage + use.position));
    accesses = min(accesses, max(1e-3, end - use.firstPage - use.position) / use.share);
  }
  return accesses;
}

function pass(vcpu: RemoteVcpu, accesses: number): void {
  for (const use of vcpu.uses)
    if (use.sequential) use.position = (use.position + accesses * use.share) % use.pages;
}

/** A requested page arrives with all of its host page. Returns the pages. */
function fetch(vcpu: RemoteVcpu, circle: SegmentCircle, chance: number, hostPagePages: number): number {
  let pages = 0;
  for (const use of vcpu.uses) {
    if (use.missing === 0) continue;
    const wanted = ((use.share * use.missing) / chance) * hostPagePages;
    pages += use.sequential
      ? circle.fetchFrom(accessedFrom(use, hostPagePages), wanted)
      : circle.fetch(use.firstPage, use.pages, wanted);
  }
  return pages;
}

/** Where the pages begin that a sequential class has just come through and found missing. */
function accessedFrom(use: RemoteUse, hostPagePages: number): number {
  const position = use.position > 0 ? use.position : use.pages;
  if (use.missing < 1) return use.firstPage + max(0, position - 1 / use.missing);
  const page = use.firstPage + ceil(position - SLACK_PAGES) - 1;
  return page - (page % hostPagePages);
}
