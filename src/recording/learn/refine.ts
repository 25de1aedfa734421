/** Looks for the guest whose syncs, under a log's own conditions, find what the log's syncs found. */
import { nth } from '../../lists.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { runMigration } from '../../migration/engine.js';
import { mean } from '../../stats/summary.js';
import { dirtyPagesIn } from '../../guest/dirty-curve.js';
import { fitReadings, loadPagesIn } from './curve.js';
import type { Learned, LearnedGuest } from './learned.js';
import { NORMAL_PAGE_BYTES } from '../../migration/rules/stream.js';
import { workShare } from './passes.js';
import { WINDOW_US } from './syncs.js';
import { setupOf } from '../validate/replay.js';
import { smallest } from '../../stats/extremes.js';

const { log, max, min, round, sqrt } = Math;

/** Rounds of `refine`; the curve has settled by then. */
const ROUNDS = 16;
/** One round corrects this much of a deviation (as a power), and changes a point by this factor at most. */
const DAMPING = 0.7;
const STEP = 2;

/** Pages armed at syncs must explain the log this much better than what is usual, and what is usual badly. */
const BETTER = 0.8;
const BAD = 0.03;

/**
 * Looks for the guest under both ways in which KVM's bitmap log can arm pages: when they are sent, as current kernels do,
 * or at the syncs. A first pass of many GiB distinguishes them: pages that are armed late in it cannot have brought back as
 * much as a log of the other kind shows, whatever the guest. Where the log does not show it, the usual way is taken.
 */
export function refine(learned: Learned): Learned {
  const usual = refined(learned);
  if (learned.guest.dirtyRingSize > 0 || usual.misfit < BAD) return usual.learned;
  const { migration } = learned;
  const other = refined({ ...learned, migration: { ...migration, manualDirtyLogProtect: false } });
  if (other.misfit > BETTER * usual.misfit) return usual.learned;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  return {
    ...other.learned,
    assumptions: [
      ...learned.assumptions,
      `pages were armed at syncs, not when they were sent (manual-dirty-log-protect: false): so the syncs are met to ` +
        `${percent(other.misfit)}, else to ${percent(usual.misfit)}`,
    ],
  };
}

/** A guest, and how far its syncs are from the log's. */
export interface Refined {
  readonly learned: Learned;
  readonly misfit: number;
  /** Of single passes: readings hide what sets their passes apart. */
  readonly passMisfit: number;
}

/**
 * Scales the learned dirty curve until simulated syncs find what the logged ones found. The guest is migrated with syncs and
 * throttles at the logged times, so that pass for pass the same is compared: each point of the curve is scaled by how far
 * its passes are off, several times. `misfit`: what is left,
 * weighted root mean square of the readings' deviations (as logarithms).
 */
export function refined(learned: Learned): Refined {
  if (learned.guest.pattern === 'sequential') return refinedLoop(learned);
  const { readings, layout } = learned.guest;
  let best = learned;
  let bestMisfit = Infinity;
  let passMisfit = Infinity;
  let current = learned;
  for (let step = 0; step <= ROUNDS; step += 1) {
    const found = foundAtLoggedSyncs(current);
    const ratios = ratiosOf(learned, found);
    const misfit = sqrt(
      mean(readings.flatMap(({ weight }, at) => Array<number>(weight).fill(log(nth(ratios, at)) ** 2))),
    );
    if (misfit < bestMisfit) {
      best = current;
      bestMisfit = misfit;
      passMisfit = passMisfitOf(current, found);
    }
    const points = readings.map(({ durationUs, weight }, at) => {
      const factor = max(1 / STEP, min(STEP, nth(ratios, at) ** DAMPING));
      // From what the sets give there, not from what was asked of them: a curve no guest can have must not run away.
      return {
        durationUs,
        weight,
        pages: max(1, round(dirtyPagesIn(current.guest.classes, durationUs) * factor)),
      };
    });
    current = { ...learned, guest: { ...learned.guest, ...fitReadings(points, layout.roomPages) } };
  }
  return { learned: best, misfit: bestMisfit, passMisfit };
}

/** A load is not the same in every pass, by about this share; and this is how far the time of a sync may be off, us. */
const BREATHES = 0.05;
const TIMED_US = 5_000;
const GUESSED_US = WINDOW_US / 2;

/**
 * Root mean square of the logarithms by which single passes are off, each weighted by one over its variance; of passes that
 * the log distinguishes, as far as the simulation came. A simulated pass ends with a rate window, so it is up to one window
 * longer or shorter than the logged one: what it found is taken to the logged length along the load's own curve.
 */
function passMisfitOf({ passes, guest }: Learned, found: readonly FoundPass[]): number {
  let squares = 0;
  let weights = 0;
  passes.forEach(({ newPages, durationUs, runUs, shared, timed }, at) => {
    const simulated = found[at];
    if (shared > 1 || simulated === undefined || newPages === 0) return;
    const weight = 1 / (BREATHES ** 2 + ((timed ? TIMED_US : GUESSED_US) / durationUs) ** 2);
    const toLength = loadPagesIn(guest, runUs) / max(1, loadPagesIn(guest, simulated.runUs));
    squares += weight * log(newPages / max(1, simulated.newPages * toLength)) ** 2;
    weights += weight;
  });
  return weights === 0 ? 0 : sqrt(squares / weights);
}

/** The search for a loop begins with steps of a tenth and ends with them below a half per cent. */
const FIRST_STEP = 1.1;
const LAST_STEP = 1.005;

/** A loop has two figures, its size and its rate: each is moved up and down as long as that brings single passes nearer. */
function refinedLoop(learned: Learned): Refined {
  const { roomPages } = learned.guest.layout;
  const misfitOf = (guest: LearnedGuest): number =>
    passMisfitOf({ ...learned, guest }, foundAtLoggedSyncs({ ...learned, guest }));
  let best = learned.guest;
  let least = misfitOf(best);
  for (let step = FIRST_STEP; step > LAST_STEP;) {
    let moved = false;
    for (const [size, rate] of [
      [step, 1],
      [1 / step, 1],
      [1, step],
      [1, 1 / step],
    ] as const) {
      const classes = best.classes.map((set) => ({
        pages: min(roomPages, max(1, round(set.pages * size))),
        writesPerSecond: set.writesPerSecond * rate,
      }));
      const misfit = misfitOf({ ...best, classes });
      if (misfit >= least) continue;
      best = { ...best, classes };
      least = misfit;
      moved = true;
    }
    if (!moved) step = sqrt(step);
  }
  return { learned: { ...learned, guest: best }, misfit: least, passMisfit: least };
}

/**
 * For each reading, the pages that its logged syncs found per page that the simulated ones found. Readings that the
 * simulation did not come to, because it ran out of pages, are as far off as the last that it came to.
 */
function ratiosOf({ passes, guest }: Learned, found: readonly FoundPass[]): number[] {
  const ratios = guest.readings.map((reading) => {
    let logged = 0;
    let simulated = 0;
    for (const at of reading.passes) {
      if (at >= found.length) break;
      logged += nth(passes, at).newPages;
      simulated += nth(found, at).newPages;
    }
    return simulated > 0 ? logged / simulated : null;
  });
  const last = guest.readings.reduce((latest, reading, at) => {
    const comesLater = smallest(reading.passes) > smallest(nth(guest.readings, latest).passes);
    return ratios[at] !== null && (ratios[latest] === null || comesLater) ? at : latest;
  }, 0);
  return ratios.map((ratio) => ratio ?? max(ratios[last] ?? STEP, 1.1));
}

/** What a simulated sync found, and how long the load's work in that pass would have taken without a throttle. */
interface FoundPass {
  readonly newPages: number;
  readonly runUs: number;
}

/**
 * New pages at each of the logged syncs, as far as the simulation gets: it ends where it runs out of pages to send. After
 * each sync bandwidth and downtime limit are set so that the next one comes after the logged time and finds as many pages
 * unsent as the logged one did: then one pass's deviation does not carry over into the next.
 */
function foundAtLoggedSyncs(learned: Learned): FoundPass[] {
  const { passes, migration, guest } = learned;
  const found: FoundPass[] = [];
  let throttlePercent = 0;
  let countedUs = 0;
  let runUs = 0;
  // A log that begins later has no first pass: the simulated one comes before what is compared.
  let ahead = nth(passes, 0).n > 2 ? 1 : 0;
  const zeroInLayout = guest.layout.zero.reduce((sum, { pages }) => sum + pages, 0);
  runMigration(setupOf(learned), { strategy: 'logged syncs', policy: 'wait' }, (controls) => {
    const count = (): void => {
      runUs += (controls.nowUs() - countedUs) * workShare(throttlePercent, guest.cpu);
      countedUs = controls.nowUs();
    };
    for (const { atUs, percent } of migration.throttleSteps) {
      controls.after(atUs / 1000, () => {
        count();
        throttlePercent = percent;
        controls.throttle('all', percent);
      });
    }
    controls.onSync(({ cause, newDirtyPages, remainingBytes }) => {
      count();
      const pass = { newPages: newDirtyPages, runUs };
      runUs = 0;
      if (cause !== 'natural') return;
      if (ahead > 0) ahead -= 1;
      else found.push(pass);
      const next = passes[found.length];
      if (next === undefined) return controls.cancel('all logged passes seen');
      // Zero pages still waiting count as pages and cost next to nothing.
      const zeroPages = zeroInLayout + guest.hiddenPages - controls.stats().duplicatePages;
      const pages = max(1, remainingBytes / PAGE_BYTES - zeroPages - next.leftOverPages);
      const maxBandwidth = max(1e6, round(((pages * NORMAL_PAGE_BYTES) / next.durationUs) * 1e6));
      // The sync comes at the first window that begins with less than the threshold: half a window earlier is no other.
      const halfWindowPages = (pages * WINDOW_US) / next.durationUs / 2;
      const thresholdBytes = (next.leftOverPages + halfWindowPages) * PAGE_BYTES;
      controls.set({ maxBandwidth, downtimeLimitMs: (thresholdBytes / maxBandwidth) * 1000 });
    });
  });
  return found;
}
