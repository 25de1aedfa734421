/** A learned guest is migrated again: to find the guest whose syncs read like the log's, and to show how near it came. */
import { bareMetal } from '../guest/host-profiles/default.js';
import { PAGE_BYTES, type AccessClass, type GuestSpec, type VcpuSpec } from '../guest/spec.js';
import { runMigration } from '../migration/engine.js';
import type { MigrationResult, SyncRecord } from '../migration/result.js';
import type { MigrationSetup } from '../migration/setup.js';
import { mean } from '../stats/summary.js';
import { findStrategy } from '../strategies/index.js';
import { dirtyPagesIn } from '../guest/dirty-curve.js';
import { fitReadings, plateauOf, type CurveReading, type Learned, type LearnedGuest, type Plateau, type ThrottleStep } from './learn.js';
import { median, pairs, WINDOW_US, type Pass } from './passes.js';

const { abs, floor, log, max, min, round } = Math;

/** Rounds of `refine`; the curve has settled by then. */
const ROUNDS = 16;
/** One round corrects this much of a deviation (as a power), and changes a point by this factor at most. */
const DAMPING = 0.7;
const STEP = 2;

/**
 * Scales the learned dirty curve until simulated syncs find what the logged ones found. The guest is migrated with syncs and
 * throttles at the logged times, so that pass for pass the same is compared: each point of the curve is scaled by how far
 * its passes are off, several times.
 */
export function refine(learned: Learned): Learned {
  const { readings, roomPages } = learned.guest;
  let best = learned;
  let bestError = Infinity;
  let current = learned;
  for (let step = 0; step <= ROUNDS; step += 1) {
    const found = foundAtLoggedSyncs(current);
    const ratios = ratiosOf(learned, found);
    const error = mean(readings.flatMap(({ weight }, at) => Array<number>(weight).fill(abs(log(ratios[at] as number)))));
    if (error < bestError) {
      best = current;
      bestError = error;
    }
    const points = readings.map(({ durationUs, weight }, at) => {
      const factor = max(1 / STEP, min(STEP, (ratios[at] as number) ** DAMPING));
      // From what the sets give there, not from what was asked of them: a curve no guest can have must not run away.
      return { durationUs, weight, pages: round(dirtyPagesIn(current.guest.classes, durationUs) * factor) };
    });
    current = { ...learned, guest: { ...learned.guest, ...fitReadings(points, roomPages) } };
  }
  return best;
}

/**
 * For each reading, the pages that its logged syncs found per page that the simulated ones found. Readings that the
 * simulation did not come to, because it ran out of pages, are as far off as the last that it came to.
 */
function ratiosOf({ passes, guest }: Learned, found: readonly number[]): number[] {
  const ratios = guest.readings.map((reading) => {
    let logged = 0;
    let simulated = 0;
    for (const at of reading.passes) {
      if (at >= found.length) break;
      logged += (passes[at] as Pass).newPages;
      simulated += found[at] as number;
    }
    return simulated > 0 ? logged / simulated : null;
  });
  const last = guest.readings.reduce((latest, reading, at) => {
    const comesLater = Math.min(...reading.passes) > Math.min(...(guest.readings[latest] as CurveReading).passes);
    return ratios[at] !== null && (ratios[latest] === null || comesLater) ? at : latest;
  }, 0);
  return ratios.map((ratio) => ratio ?? max(ratios[last] ?? STEP, 1.1));
}

/**
 * New pages at each of the logged syncs, as far as the simulation gets: it ends where it runs out of pages to send. After
 * each sync bandwidth and downtime limit are set so that the next one comes after the logged time and finds as many pages
 * unsent as the logged one did: then one pass's deviation does not carry over into the next.
 */
function foundAtLoggedSyncs(learned: Learned): number[] {
  const { passes, migration, guest } = learned;
  const found: number[] = [];
  runMigration(setupOf(learned), { strategy: 'logged syncs', policy: 'wait' }, (controls) => {
    for (const { atUs, percent } of migration.throttleSteps) {
      controls.after(atUs / 1000, () => controls.throttle('all', percent));
    }
    controls.onSync(({ cause, newDirtyPages, remainingBytes }) => {
      if (cause !== 'natural') return;
      found.push(newDirtyPages);
      const next = passes[found.length];
      if (next === undefined) return controls.cancel('all logged passes seen');
      // Zero pages still waiting count as pages and cost next to nothing.
      const zeroPages = guest.ramPages + guest.hiddenPages - guest.roomPages - controls.stats().duplicatePages;
      const pages = max(1, remainingBytes / PAGE_BYTES - zeroPages - next.leftOverPages);
      const maxBandwidth = max(1e6, round(((pages * WIRE_BYTES) / next.durationUs) * 1e6));
      // The sync comes at the first window that begins with less than the threshold: half a window earlier is no other.
      const halfWindowPages = (pages * WINDOW_US) / next.durationUs / 2;
      const thresholdBytes = (next.leftOverPages + halfWindowPages) * PAGE_BYTES;
      controls.set({ maxBandwidth, downtimeLimitMs: (thresholdBytes / maxBandwidth) * 1000 });
    });
  });
  return found;
}

/** A normal page on the wire (ram.c:save_page_header, save_normal_page). */
const WIRE_BYTES = PAGE_BYTES + 8;

/** The log beside the simulation. Deviations are (simulated - logged) / logged. */
export interface SelfCheck {
  readonly passes: readonly ComparedPass[];
  readonly plateau: { readonly logged: PlateauFigures; readonly simulated: PlateauFigures } | null;
  readonly completed: { readonly logged: boolean; readonly simulated: boolean };
  readonly totalTimeMs: { readonly logged: number; readonly simulated: number };
  /** Median and largest absolute deviation over the compared pass lengths, remaining and the plateau. */
  readonly medianDeviation: number;
  readonly largestDeviation: number;
}

export interface ComparedPass {
  readonly n: number;
  readonly loggedMs: number;
  readonly simulatedMs: number;
  /** Right after the sync that ended it. */
  readonly loggedRemainingBytes: number;
  readonly simulatedRemainingBytes: number;
}

export interface PlateauFigures {
  readonly passMs: number;
  readonly remainingBytes: number;
}

/** Passes are compared one by one while they still shrink, then by the medians of the plateau. */
const COMPARED_PASSES = 8;
/** A pass shorter than this is not known to 10 %: a sync's time is known to half a window. */
const COMPARED_US = 1_000_000;

export function selfCheck(learned: Learned): SelfCheck {
  const result = replay(learned);
  const simulated = passesOf(result);
  const passes: ComparedPass[] = [];
  for (const logged of learned.passes.slice(0, COMPARED_PASSES)) {
    const twin = simulated.find((pass) => pass.n === logged.n);
    if (twin === undefined || logged.shared > 1 || logged.durationUs < COMPARED_US) continue;
    passes.push({
      n: logged.n,
      loggedMs: logged.durationUs / 1000,
      simulatedMs: twin.durationUs / 1000,
      loggedRemainingBytes: logged.remainingPages * PAGE_BYTES,
      simulatedRemainingBytes: twin.remainingPages * PAGE_BYTES,
    });
  }
  const settled = plateauOf(simulated);
  const plateau =
    learned.plateau === null || settled === null ? null : { logged: figuresOf(learned.plateau), simulated: figuresOf(settled) };
  const deviations = passes.flatMap((pass) => [
    pass.simulatedMs / pass.loggedMs - 1,
    pass.simulatedRemainingBytes / pass.loggedRemainingBytes - 1,
  ]);
  if (plateau !== null) {
    deviations.push(plateau.simulated.passMs / plateau.logged.passMs - 1);
    deviations.push(plateau.simulated.remainingBytes / plateau.logged.remainingBytes - 1);
  }
  const sizes = deviations.map((deviation) => abs(deviation));
  return {
    passes,
    plateau,
    completed: { logged: learned.migration.completed, simulated: result.converged },
    totalTimeMs: { logged: learned.migration.totalTimeMs, simulated: result.totalTimeMs },
    medianDeviation: median(sizes),
    largestDeviation: sizes.reduce((most, size) => max(most, size), 0),
  };
}

function figuresOf(plateau: Plateau): PlateauFigures {
  return { passMs: plateau.passUs / 1000, remainingBytes: plateau.remainingPages * PAGE_BYTES };
}

// --------------------------------------------------------------------------------------------------- the simulation

/** The logged migration, under the throttle that the log shows, for as long as its passes went on. */
export function replay(learned: Learned, run = 1): MigrationResult {
  const { strategy, options } = autoConvergeOf(learned.migration.throttleSteps);
  const definition = findStrategy(strategy);
  const parsed = definition.options.parse(options);
  const base = { ...setupOf(learned), run };
  const setup = definition.prepare?.(parsed as never, base) ?? base;
  return runMigration(setup, { strategy, policy: 'wait' }, (controls) => definition.start(parsed as never, controls));
}

/** The first percentage is the initial one, the first step the increment; QEMU's default where only one is seen. */
function autoConvergeOf(steps: readonly ThrottleStep[]): { strategy: string; options: Record<string, number> } {
  const [first, second] = steps;
  if (first === undefined) return { strategy: 'none', options: {} };
  const increment = second === undefined ? 10 : max(1, second.percent - first.percent);
  return { strategy: 'auto-converge', options: { 'cpu-throttle-initial': first.percent, 'cpu-throttle-increment': increment } };
}

/** A simulation may take so much longer than the log before it is given up. */
const LONGER = 1.5;

function setupOf({ file, guest, migration, loadEndedUs }: Learned): MigrationSetup {
  return {
    name: file,
    guest: guestSpecOf(guest),
    host: bareMetal,
    link: {
      bandwidthBytesPerSecond: migration.switchoverBytesPerSecond ?? 10 * migration.bytesPerSecond,
      latencyUs: 0,
      phases: [],
    },
    migration: {
      qemu: '10.0',
      maxBandwidth: migration.maxBandwidth,
      downtimeLimitMs: migration.downtimeLimitMs,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 50,
      returnPath: false,
      pauseBeforeSwitchover: false,
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect: true,
      clearBitmapShift: 18,
      giveUpAfterUs: loadEndedUs ?? round(LONGER * migration.totalTimeMs * 1000),
    },
    memory: 'fluid',
    seed: 1,
    run: 1,
    timelineMs: 0,
    keepSyncs: true,
  };
}

/**
 * Each vCPU has an equal part of every set, in its own part of memory: a guest's hot pages lie all over it. Zero pages lie
 * behind, in one stretch, and all ROMs and video memory are zero: what a scenario file can say.
 */
export function guestSpecOf(guest: LearnedGuest): GuestSpec {
  const partPages = floor(guest.roomPages / guest.vcpus);
  const vcpus = Array.from({ length: guest.vcpus }, (_, id): VcpuSpec => {
    let firstPage = id * partPages;
    const classes = guest.classes.map((set): AccessClass => {
      const pages = max(1, floor(set.pages / guest.vcpus));
      firstPage += pages;
      const writesPerSecond = set.writesPerSecond / guest.vcpus;
      return { firstPage: firstPage - pages, pages, pattern: 'uniform', writesPerSecond, readsPerSecond: 0 };
    });
    return { group: `part-${id + 1}`, classes, busy: guest.cpu, phases: [], phasePeriodUs: 0 };
  });
  return {
    ramPages: guest.ramPages,
    hiddenPages: guest.hiddenPages,
    zeroExtents: [
      { firstPage: guest.roomPages, pages: guest.ramPages - guest.roomPages },
      { firstPage: guest.ramPages, pages: guest.hiddenPages },
    ].filter(({ pages }) => pages > 0),
    dirtyRingSize: guest.dirtyRingSize,
    hostPagePages: 1,
    vcpus,
  };
}

/** The passes of a simulated migration, in the terms of a log's. */
export function passesOf(result: MigrationResult): Pass[] {
  const passes: Pass[] = [];
  for (const [start, end] of pairs(result.syncs)) {
    if (end.cause !== 'natural' && end.cause !== 'timer') continue;
    const durationUs = (end.timeMs - start.timeMs) * 1000;
    passes.push({
      n: end.n,
      startUs: start.timeMs * 1000,
      durationUs,
      runUs: durationUs * runShare(start),
      newPages: end.newDirtyPages,
      leftOverPages: end.remainingBeforeBytes / PAGE_BYTES,
      remainingPages: end.remainingBytes / PAGE_BYTES,
      sentPages: 0,
      cause: end.cause,
      shared: 1,
    });
  }
  return passes;
}

/** Throttles change at syncs only. */
function runShare(sync: SyncRecord): number {
  return 1 - sync.throttlePercent / 100;
}
