/** The guest program of a recording, as access classes: what is known of it before the migration starts. */
import { nth } from '../../lists.js';
import {
  PAGE_BYTES,
  type AccessClass,
  type GuestSpec,
  type VcpuSpec,
  type ZeroExtent,
} from '../../guest/spec.js';
import type { MigrationResult } from '../../migration/result.js';
import { normal } from '../../random/distributions.js';
import { stream } from '../../random/streams.js';
import type { RecordedVcpu, Recording } from '../recording-file.js';

const { floor, max, min, round } = Math;

const MIB_PAGES = 2 ** 20 / PAGE_BYTES;
/** The guest program and its counter lie below this; every page from here on was filled with non-zero words. */
const PROGRAM_MIB = 16;
/** Where in the program's memory its counter lies does not matter: it is the only page there that is written. */
const COUNTER_PAGE = MIB_PAGES;
/** A loop that waits busily stores its counter after a number of accesses; one that sleeps, once a tick. */
const ACCESSES_PER_COUNT = 64;
/** CPU time of one access of a loop that waits busily, µs: what the unpaced loops of the recordings take (about 120,000 a second). */
const ACCESS_CPU_US = 8;
/** What such a loop takes beyond its pace, µs: it looks at the clock in steps (4 to 5 µs in every recording at ease). */
const PACE_OVERSHOOT_US = 4.5;
/** A loop that sleeps between its ticks uses a few per cent of a core. */
const TICK_BUSY = 0.03;
/** The share of its ticks that it gets while a migration runs next to it (0.98 to 0.995 wherever nothing held it back). */
const TICKS_BESIDE_A_MIGRATION = 0.987;
/** ROMs hold so much that is not zero, pages; the rest of what lies beyond guest RAM is zero. */
const ROM_PAGES = 22;

/** A paced loop that reached less than this share of its pace was disturbed while it was measured. */
const DISTURBED = 0.9;

/**
 * Loops that sleep between their ticks began so long before `migrate`, s, mean and standard deviation: their speed was
 * measured meanwhile. It is the same in all recordings.
 */
const RAN_BEFORE = { mean: 2.733, deviation: 0.016 };

/**
 * The guest of a recording, at the speeds that were measured; `ranFor`: how long its loops had run before, s.
 */
export function guestOf(recording: Recording, ranFor: number = RAN_BEFORE.mean): GuestSpec {
  const { guest, environment } = recording;
  const ramPages = guest.memoryMiB * MIB_PAGES;
  const hiddenPages = guest.ramTotalBytes / PAGE_BYTES - ramPages;
  const ticking = guest.vcpus.some((vcpu) => vcpu.tickMicroseconds != null);
  const zero = ticking
    ? zeroOfRam(guest.zeroPagesAtStart, ramPages, hiddenPages)
    : zeroExtentsOf(guest.zeroPagesAtStart, ramPages, hiddenPages);
  const cleared = guest.vcpus.flatMap(clearedExtents);
  return {
    ramPages,
    hiddenPages,
    zeroExtents: [...zero, ...cleared].sort((a, b) => a.firstPage - b.firstPage),
    dirtyRingSize: environment.dirtyRingSize,
    hostPagePages: 1,
    vcpus: guest.vcpus.map((vcpu) => vcpuOf(vcpu, ranFor)),
  };
}

/** For how long the loops of one prediction have run before it, s. */
export function ranBefore(seed: number, run: number): number {
  return RAN_BEFORE.mean + RAN_BEFORE.deviation * normal(stream(seed, run, 'start of the loops'));
}

/**
 * The program's memory and the hidden video memory are zero; of what the count goes beyond that, the end of guest RAM.
 * The counter's page is not.
 */
function zeroExtentsOf(zeroPages: number, ramPages: number, hiddenPages: number): ZeroExtent[] {
  const program = PROGRAM_MIB * MIB_PAGES;
  const low = min(program - COUNTER_PAGE - 1, max(0, zeroPages - hiddenPages - COUNTER_PAGE));
  const hidden = min(hiddenPages, zeroPages);
  const rest = max(0, zeroPages - hidden - low - COUNTER_PAGE);
  const extents = [
    { firstPage: 0, pages: min(COUNTER_PAGE, max(0, zeroPages - hidden)) },
    { firstPage: COUNTER_PAGE + 1, pages: low },
    { firstPage: ramPages - rest, pages: rest + hidden },
  ];
  return extents.filter((extent) => extent.pages > 0);
}

/** The same where the zero pages were counted in guest RAM alone, and ROMs are all that is hidden. */
function zeroOfRam(zeroPages: number, ramPages: number, hiddenPages: number): ZeroExtent[] {
  const hidden = max(0, hiddenPages - ROM_PAGES);
  const [low, middle, rest] = zeroExtentsOf(zeroPages, ramPages, 0);
  const extents = [low, middle, rest, { firstPage: ramPages, pages: hidden }];
  return extents.filter((extent) => extent !== undefined).filter(({ pages }) => pages > 0);
}

/** A loop that zeroes a share of the pages it comes by has that share of its set zero at any time. */
function clearedExtents({ access, clearsPercent, firstPageMiB, workingSetMiB }: RecordedVcpu): ZeroExtent[] {
  const pages = round(workingSetMiB * MIB_PAGES);
  const zeroPages = access === 'write' ? round((pages * clearsPercent) / 100) : 0;
  return zeroPages === 0 ? [] : [{ firstPage: round(firstPageMiB * MIB_PAGES), pages, zeroPages }];
}

/**
 * Accesses a second of an undisturbed vCPU. Other load on the host only ever slows a loop, so of the two measurements the
 * faster one is nearer to its own speed; what tracking cost the second one is less than that load costs. A paced loop has
 * the speed that its pace says: where much less was measured, something else had its CPU in those few seconds, which says
 * nothing about the minute that follows.
 */
function accessRate(vcpu: RecordedVcpu): number {
  const { paceMicroseconds, pagesPerSecond, pagesPerSecondWhileLogged, tickMicroseconds } = vcpu;
  if (tickMicroseconds != null)
    return TICKS_BESIDE_A_MIGRATION * undisturbed(pagesPerSecond, paceMicroseconds);
  if (paceMicroseconds === 0) return max(pagesPerSecond, pagesPerSecondWhileLogged ?? 0);
  return undisturbed(pagesPerSecond, paceMicroseconds + PACE_OVERSHOOT_US);
}

function undisturbed(pagesPerSecond: number, paceUs: number): number {
  return pagesPerSecond < (DISTURBED * 1e6) / paceUs ? 1e6 / paceUs : pagesPerSecond;
}

function accessesPerCount({ accessesPerTick }: RecordedVcpu): number {
  return accessesPerTick ?? ACCESSES_PER_COUNT;
}

function vcpuOf(vcpu: RecordedVcpu, ranFor: number): VcpuSpec {
  const pages = max(1, round(vcpu.workingSetMiB * MIB_PAGES));
  const rate = accessRate(vcpu);
  const writes = vcpu.access === 'write' ? rate : 0;
  const work: AccessClass = {
    firstPage: round(vcpu.firstPageMiB * MIB_PAGES),
    pages,
    pattern: vcpu.pattern,
    writesPerSecond: writes,
    readsPerSecond: rate - writes,
    ...(vcpu.tickMicroseconds == null ? {} : { startOffset: floor(ranFor * vcpu.pagesPerSecond) % pages }),
  };
  const counter: AccessClass = {
    firstPage: COUNTER_PAGE,
    pages: 1,
    pattern: 'uniform',
    writesPerSecond: rate / accessesPerCount(vcpu),
    readsPerSecond: 0,
  };
  const spec = {
    group: vcpu.access === 'write' ? 'writer' : 'reader',
    classes: [work, counter],
    phases: [],
    phasePeriodUs: 0,
  };
  if (vcpu.tickMicroseconds == null) {
    const busy = vcpu.paceMicroseconds === 0 ? 1 : min(1, (ACCESS_CPU_US * rate) / 1e6);
    // It waits for its pace in a loop.
    return { ...spec, busy, occupies: 1 };
  }
  return vcpu.catchUpSeconds > 0
    ? { ...spec, busy: TICK_BUSY, catchesUp: true }
    : { ...spec, busy: TICK_BUSY, pendingUs: vcpu.tickMicroseconds };
}

/** Accesses that a predicted vCPU did, without the stores of its counter: what a recording's `vcpuPages` counts. */
export function accessesOf({ guest }: Recording, result: MigrationResult, vcpu: number): number {
  const { writes, reads } = nth(result.vcpus, vcpu);
  return round((writes + reads) / (1 + 1 / accessesPerCount(nth(guest.vcpus, vcpu))));
}
