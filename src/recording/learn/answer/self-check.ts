/** How near a learned guest comes to its log: both side by side. */
import { nth } from '../../../lists.js';
import { PAGE_BYTES } from '../../../guest/spec.js';
import { median } from '../../../stats/summary.js';
import { plateauOf } from '../curve.js';
import type { Learned, LearnedMigration, Plateau } from '../learned.js';
import { runMigration } from '../../../migration/engine.js';
import { passesOf, replay, setupOf } from '../../validate/replay.js';
import { largest } from '../../../stats/extremes.js';

const { abs, round } = Math;

/** The log compared with the simulation. Deviations are (simulated - logged) / logged. */
export interface SelfCheck {
  readonly passes: readonly ComparedPass[];
  readonly plateau: { readonly logged: PlateauFigures; readonly simulated: PlateauFigures } | null;
  readonly completed: { readonly logged: boolean; readonly simulated: boolean };
  readonly totalTimeMs: { readonly logged: number; readonly simulated: number };
  /** Median and largest absolute deviation over the compared pass lengths, remaining and the plateau; null when none is. */
  readonly medianDeviation: number | null;
  readonly largestDeviation: number | null;
}

/** One pass as logged and as simulated. */
export interface ComparedPass {
  readonly n: number;
  readonly loggedMs: number;
  readonly simulatedMs: number;
  /** Right after the sync that ended it. */
  readonly loggedRemainingBytes: number;
  readonly simulatedRemainingBytes: number;
}

/** Where the passes settled, in the mean. */
export interface PlateauFigures {
  readonly passMs: number;
  readonly remainingBytes: number;
}

/** Passes are compared one by one while they still shrink, then by the medians of the plateau. */
const COMPARED_PASSES = 8;
/** A pass shorter than this is not known to 10 %: a sync's time is known to half a window. */
const COMPARED_US = 1_000_000;

/** A post-copy phase below this share of the rate before it was limited. */
const SLOWER = 0.9;

/** max-postcopy-bandwidth, bytes/s; 0, QEMU's default, where nothing shows a limit. */
export function postcopyLimit({ postcopy, bytesPerSecond }: LearnedMigration): number {
  const rate = postcopy?.bytesPerSecond ?? null;
  return rate !== null && rate >= 1 && rate < SLOWER * bytesPerSecond ? round(rate) : 0;
}

/** The post-copy phase of the learned guest, migrated again with the log's switch. */
export interface PostcopyPhase {
  readonly lengthMs: number;
  readonly bytes: number;
}

/** null where the log has no such phase, or the simulated migration is over before it. */
export function postcopyPhase(learned: Learned): PostcopyPhase | null {
  const { postcopy } = learned.migration;
  if (postcopy === null) return null;
  const setup = setupOf(learned);
  const migration = {
    ...setup.migration,
    postcopy: true,
    maxPostcopyBandwidth: postcopyLimit(learned.migration),
    giveUpAfterUs: MOST_US,
    schedule: [{ afterUs: postcopy.atUs, do: 'start-postcopy' as const }],
  };
  const result = runMigration({ ...setup, migration }, { strategy: 'none', policy: 'wait' }, () => undefined);
  return result.postcopyBytes > 0 ? { lengthMs: result.postcopyTimeMs, bytes: result.postcopyBytes } : null;
}

/** Longer than any post-copy phase that is logged. */
const MOST_US = 3600e6;

export function selfCheck(learned: Learned): SelfCheck {
  const result = replay(learned);
  // Passes before the log decided what its first ones found; the simulation's are others.
  const beganLate = nth(learned.passes, 0).n > 2;
  const simulated = passesOf(result, learned.guest.cpu);
  const passes: ComparedPass[] = [];
  for (const [at, logged] of learned.passes.slice(0, COMPARED_PASSES).entries()) {
    const twin = simulated.find((pass) => pass.n === logged.n);
    const told = logged.shared === 1 && (learned.passes[at - 1]?.shared ?? 1) === 1;
    if (twin === undefined || !told || beganLate || logged.durationUs < COMPARED_US) continue;
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
    learned.plateau === null || settled === null
      ? null
      : { logged: figuresOf(learned.plateau), simulated: figuresOf(settled) };
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
    medianDeviation: sizes.length > 0 ? median(sizes) : null,
    largestDeviation: sizes.length > 0 ? largest(sizes) : null,
  };
}

function figuresOf(plateau: Plateau): PlateauFigures {
  return { passMs: plateau.passUs / 1000, remainingBytes: plateau.remainingPages * PAGE_BYTES };
}
