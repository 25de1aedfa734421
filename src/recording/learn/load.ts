/** How a load writes, and the share of its time that it needs: what a log with several kinds of passes shows. */
import { nth } from '../../lists.js';
import type { MigrationLog } from '../../formats/migration-log.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { formatBytes, fixedPercent } from '../../units.js';
import { fitAs } from './curve.js';
import { learn } from './learn.js';
import { DEFAULT_CPU, type Learned, type LearnOptions, type LoadPattern } from './learned.js';
import { refined } from './refine.js';

const { min } = Math;

/** A load needs between a quarter and all of its time. */
const SHARES = [0.25, 0.4, 0.55, 0.7, 1];
/** What is unusual must explain the syncs this much better, and what is usual badly. */
const BETTER = 0.8;
const BAD = 0.03;
/** A corner must halve the misfit, about: a loop is searched pass by pass, sets only reading by reading. */
const CORNER = 0.65;
/** Passes of fewer lengths than this show no corner. */
const ENOUGH_READINGS = 3;
/** A loop has two figures, its size and its rate: fewer passes that a log keeps apart fit one whatever the load. */
const ENOUGH_PASSES = 4;

/** A guest, and how far its syncs are from the log's. */
interface Candidate {
  readonly learned: Learned;
  readonly misfit: number;
}

/**
 * The guest under the pattern and share that explain the log's syncs, the usual ones where no others do so clearly better:
 * each page as likely to be written as another, by a load that needs 83 % of its time.
 */
export function decideLoad(first: Learned, log: MigrationLog, options: LearnOptions): Learned {
  if (first.from !== 'log') return first;
  const uniform = decideShare('uniform', first, log, options);
  const apart = first.passes.filter(({ shared, newPages }) => shared === 1 && newPages > 0);
  const shows = first.guest.readings.length >= ENOUGH_READINGS && apart.length >= ENOUGH_PASSES;
  if (uniform.misfit < BAD || !shows) return uniform.learned;
  const loop = decideShare('sequential', first, log, options);
  if (loop.misfit > CORNER * uniform.misfit) return uniform.learned;
  const set = nth(loop.learned.guest.classes, 0);
  return withAssumption(
    loop.learned,
    `the load writes ${formatBytes(set.pages * PAGE_BYTES)} in order of address, again and again: so the syncs are met ` +
      `to ${percent(loop.misfit)}, by pages written at random to ${percent(uniform.misfit)}`,
  );
}

/**
 * Under a throttle of f a load that needs b of its time does min(1, (1 - f)/b) of its work, so syncs under different
 * throttles lie on one curve under the right b only. Where no b is clearly better, the usual one is kept: a log whose
 * throttles and passes fall together hardly shows it.
 */
function decideShare(
  pattern: LoadPattern,
  first: Learned,
  log: MigrationLog,
  options: LearnOptions,
): Candidate {
  const usual = candidate(pattern, first);
  if (options.cpu !== undefined || first.migration.throttleSteps.length === 0) return usual;
  let best = usual;
  for (const share of SHARES) {
    const learned = learn(log, { ...options, cpu: share });
    if (learned.from !== 'log') continue;
    const other = candidate(pattern, learned);
    if (other.misfit < min(BETTER * usual.misfit, best.misfit)) best = other;
  }
  if (best === usual) return usual;
  const said =
    `the load needs ${percent(best.learned.guest.cpu)} of its vCPUs' time: so the syncs under its throttles are met to ` +
    `${percent(best.misfit)}, with the usual ${percent(DEFAULT_CPU)} to ${percent(usual.misfit)}`;
  return { learned: withAssumption(best.learned, said), misfit: best.misfit };
}

/** As `learned`, with its readings fitted in the pattern and refined. */
function candidate(pattern: LoadPattern, learned: Learned): Candidate {
  const { readings, layout } = learned.guest;
  const guest = { ...learned.guest, ...fitAs(pattern, readings, layout.roomPages) };
  const { passMisfit } = refined({ ...learned, guest });
  return { learned: { ...learned, guest }, misfit: passMisfit };
}

function withAssumption(learned: Learned, assumption: string): Learned {
  return { ...learned, assumptions: [...learned.assumptions, assumption] };
}

function percent(share: number): string {
  return fixedPercent(share, 0);
}
