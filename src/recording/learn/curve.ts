/** The dirty curve in passes: which of them say the same, how much each counts, and the sets behind them. */
import { nth } from '../../lists.js';
import { dirtyPagesIn, fitDirtyCurve, type DirtyPoint, type UniformSet } from '../../guest/dirty-curve.js';
import { largest } from '../../stats/extremes.js';
import { mean, median, quantile } from '../../stats/summary.js';
import type { CurveReading, LoadPattern, Plateau, WeightedPoint } from './learned.js';
import type { Pass } from './passes.js';
import { WINDOW_US } from './syncs.js';

const { exp, log, max, min, round, sqrt } = Math;

// --------------------------------------------------------------------------------------------------------- readings

/** Blocks whose passes differ in length by less than this factor make one reading. */
const ALIKE = 1.12;

/** Several short passes in a row are timed together, up to a sync whose time is known, or to this. */
const BLOCK_US = 4_000_000;
/** A block shorter than this says too little about its length. */
const SHORTEST_BLOCK_US = 250_000;
/** Passes of one block are of one kind: none is longer than another by more than this factor. */
const MIXED = 2;

interface Block {
  readonly passes: readonly Pass[];
  /** Means over its passes. */
  readonly durationUs: number;
  readonly pages: number;
}

/** Passes in a row, each row timed well. */
function blocksOf(passes: readonly Pass[]): Block[] {
  const blocks: Block[] = [];
  let row: Pass[] = [];
  let rowUs = 0;
  const close = (): void => {
    const durationUs = rowUs / row.length;
    const pages = row.reduce((sum, pass) => sum + pass.newPages, 0) / row.length;
    if (rowUs >= SHORTEST_BLOCK_US && pages > 0) blocks.push({ passes: row, durationUs, pages });
    row = [];
    rowUs = 0;
  };
  for (const pass of passes) {
    const first = row[0];
    const shorter =
      first !== undefined && (pass.runUs * MIXED < first.runUs || pass.runUs > first.runUs * MIXED);
    if (shorter && rowUs >= SHORTEST_BLOCK_US) close();
    row.push(pass);
    rowUs += pass.runUs;
    if (rowUs >= BLOCK_US || (pass.timed && rowUs >= SHORTEST_BLOCK_US)) close();
  }
  if (row.length > 0) close();
  return blocks;
}

/**
 * Readings count by the square root of the time that their passes cover: a load breathes, and a longer time averages more
 * of that, though not in proportion, as it breathes slowly. A reading of the whole log has this weight.
 */
const WEIGHT = 20;
/** Passes of a plateau that are fewer than this share of it make no reading of their own. */
const RARE = 0.05;

/**
 * Readings in the order of their length. Passes of about one length make one reading: the median of their blocks, with the
 * spread that these have. On a plateau passes are whole windows: those of each length make one reading, of their mean. How
 * much a window more brings decides where passes settle, and rows of passes would not show it: whatever the guest, a row
 * brings back on average what it sends.
 */
export function readingsOf(passes: readonly Pass[]): CurveReading[] {
  const settled = plateauStart(passes);
  const rising = groupsOf(blocksOf(passes.slice(0, settled))).map((alike) => {
    return readingOf(passes, alike, median);
  });
  const plateau = passes.slice(settled);
  const blocks = plateau.map((pass): Block => ({
    passes: [pass],
    durationUs: pass.windowsRunUs,
    pages: pass.newPages,
  }));
  const level = withoutRare(groupsOf(blocks), RARE * blocks.length).map((alike) =>
    readingOf(passes, alike, mean),
  );
  return [...rising, ...level].sort((a, b) => a.durationUs - b.durationUs);
}

/** Blocks of about one length. */
function groupsOf(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  for (const block of [...blocks].sort((a, b) => a.durationUs - b.durationUs)) {
    const shortest = groups.at(-1)?.[0];
    if (shortest !== undefined && block.durationUs < shortest.durationUs * ALIKE) groups.at(-1)?.push(block);
    else groups.push([block]);
  }
  return groups;
}

/** Groups of fewer blocks than `few` go to the neighbour before them, the first to the one behind. */
function withoutRare(groups: readonly Block[][], few: number): Block[][] {
  return groups.reduce<Block[][]>((kept, group) => {
    const last = kept.at(-1);
    if (last === undefined || (group.length >= few && last.length >= few)) return [...kept, group];
    return [...kept.slice(0, -1), [...last, ...group]];
  }, []);
}

function readingOf(
  all: readonly Pass[],
  blocks: readonly Block[],
  centre: (values: readonly number[]) => number,
): CurveReading {
  const pages = blocks.map((block) => block.pages);
  const coveredUs = sumOf(blocks.flatMap((block) => block.passes));
  return {
    durationUs: round(centre(blocks.map((block) => block.durationUs))),
    pages: round(centre(pages)),
    weight: max(1, round(WEIGHT * sqrt(coveredUs / sumOf(all)))),
    passes: blocks.flatMap((block) => block.passes.map((pass) => all.indexOf(pass))),
    low: round(quantile(pages, 0.05)),
    high: round(quantile(pages, 0.95)),
  };
}

function sumOf(passes: readonly Pass[]): number {
  return passes.reduce((sum, pass) => sum + pass.durationUs, 0);
}

/** Fewer passes than this are no plateau. */
const PLATEAU_PASSES = 8;
/** A pass belongs to the plateau when it is no longer than this many times the median of the last half. */
const SETTLED = 1.3;

/**
 * Where passes stop shrinking under one throttle: the index of the plateau's first; their number when there is none. Under
 * a throttle that climbs nothing settles.
 */
export function plateauStart(passes: readonly Pass[]): number {
  const last = passes.at(-1)?.throttlePercent;
  const from = passes.findLastIndex((pass) => pass.throttlePercent !== last) + 1;
  const alike = passes.slice(from);
  const half = alike.length >> 1;
  if (alike.length - half < PLATEAU_PASSES) return passes.length;
  const typical = median(alike.slice(half).map((pass) => pass.runUs));
  // A window more or less is no trend.
  const longest = max(SETTLED * typical, typical + 1.5 * WINDOW_US);
  return from + alike.findIndex((pass) => pass.runUs <= longest);
}

/** A pass that brings back less than this share of what earlier passes of its length did belongs to another load. */
const OTHER_LOAD = 0.5;

/**
 * A migration that only ends when the load ends has last passes of a guest that idles. They are found from the end: too
 * few pages for their length, measured by the passes before.
 */
export function withoutEndOfLoad(passes: readonly Pass[]): readonly Pass[] {
  let end = passes.length;
  while (end > 2) {
    const pass = nth(passes, end - 1);
    const alike = passes
      .slice(0, end - 1)
      .filter((other) => other.runUs <= pass.runUs * MIXED && other.runUs * MIXED >= pass.runUs);
    const nearestPasses = alike.length > 0 ? alike : passes.slice(end - 2, end - 1);
    const rates = nearestPasses.map((other) => other.newPages / other.runUs);
    if (pass.newPages / pass.runUs >= OTHER_LOAD * median(rates)) break;
    end -= 1;
  }
  return passes.slice(0, end);
}

export function plateauOf(passes: readonly Pass[]): Plateau | null {
  const late = passes.slice(plateauStart(passes));
  if (late.length === 0) return null;
  return {
    passUs: mean(late.map((pass) => pass.durationUs)),
    newPages: mean(late.map((pass) => pass.newPages)),
    remainingPages: mean(late.map((pass) => pass.remainingPages)),
    passes: late.length,
  };
}

// -------------------------------------------------------------------------------------------------------------- fit

export interface CurveFit {
  readonly curve: readonly DirtyPoint[];
  readonly pattern: LoadPattern;
  readonly classes: readonly UniformSet[];
  readonly residual: number;
}

/** A point this many times the longest reading away bounds the fit: by then a set of this share of the room is full. */
const FAR = 4;
const FULL = 0.95;

/**
 * The sets behind a curve, in a guest with a number of pages to write. Where the fit would need more, a far point is added
 * that says so: a straight line as far as the log sees must bend beyond.
 */
export function fitReadings(points: readonly WeightedPoint[], roomPages: number): CurveFit {
  const longest = points.reduce((most, point) => (point.durationUs > most.durationUs ? point : most));
  let repeated: DirtyPoint[] = points.flatMap((point) =>
    Array.from({ length: point.weight }, () => within(point, roomPages)),
  );
  let fit = fitDirtyCurve(repeated);
  for (let bound = FULL; pagesOf(fit.classes) > roomPages && bound > 0.4; bound -= 0.05) {
    const far = { durationUs: FAR * longest.durationUs, pages: max(longest.pages, round(bound * roomPages)) };
    repeated = [...repeated.filter((point) => point.durationUs < far.durationUs), far, far, far];
    fit = fitDirtyCurve(repeated);
  }
  return {
    curve: points.map(({ durationUs, pages }) => ({ durationUs, pages })),
    pattern: 'uniform',
    classes: cut(fit.classes, roomPages),
    residual: fit.residual,
  };
}

/**
 * One loop over memory in order of address: D(τ) = min(W, w·τ) meets no page twice before all W are dirty, a corner that no
 * sum of uniform sets has. Of the readings in order of length the first k lie on the slope and the others on the level; each
 * part takes its weighted geometric mean, and the k with the least squares of the errors' logarithms is taken: exact for
 * readings of such a loop.
 */
export function fitLoop(points: readonly WeightedPoint[], roomPages: number): CurveFit {
  const ordered = [...points].sort((a, b) => a.durationUs - b.durationUs);
  let best: UniformSet = { pages: 1, writesPerSecond: 1 };
  let least = Infinity;
  for (let slope = 1; slope <= ordered.length; slope += 1) {
    const rate = geometricMean(ordered.slice(0, slope), ({ pages, durationUs }) => pages / durationUs);
    const level =
      slope === ordered.length
        ? largest(ordered.map(({ pages }) => pages))
        : geometricMean(ordered.slice(slope), ({ pages }) => pages);
    const set = { pages: min(roomPages, max(1, round(level))), writesPerSecond: rate * 1e6 };
    const squares = ordered.reduce((sum, { durationUs, pages, weight }) => {
      const error = log(loopPagesIn([set], durationUs) / pages);
      return sum + weight * error * error;
    }, 0);
    if (squares < least) {
      least = squares;
      best = set;
    }
  }
  const weights = ordered.reduce((sum, { weight }) => sum + weight, 0);
  return {
    curve: points.map(({ durationUs, pages }) => ({ durationUs, pages })),
    pattern: 'sequential',
    classes: [best],
    residual: sqrt(least / weights),
  };
}

/** The sets behind a curve, of a load that writes in this pattern. */
export function fitAs(pattern: LoadPattern, points: readonly WeightedPoint[], roomPages: number): CurveFit {
  return pattern === 'sequential' ? fitLoop(points, roomPages) : fitReadings(points, roomPages);
}

/** Distinct pages that a load dirties in a time. */
export function loadPagesIn(
  { pattern, classes }: Pick<CurveFit, 'pattern' | 'classes'>,
  durationUs: number,
): number {
  return pattern === 'sequential' ? loopPagesIn(classes, durationUs) : dirtyPagesIn(classes, durationUs);
}

function loopPagesIn(loops: readonly UniformSet[], durationUs: number): number {
  return loops.reduce(
    (sum, { pages, writesPerSecond }) => sum + min(pages, (writesPerSecond * durationUs) / 1e6),
    0,
  );
}

function geometricMean(points: readonly WeightedPoint[], value: (point: WeightedPoint) => number): number {
  let sum = 0;
  let weights = 0;
  for (const point of points) {
    sum += point.weight * log(value(point));
    weights += point.weight;
  }
  return exp(sum / weights);
}

/** Sets that still have too many pages lose them at the cold end. */
function cut(classes: readonly UniformSet[], roomPages: number): UniformSet[] {
  let left = roomPages;
  return classes.flatMap(({ pages, writesPerSecond }) => {
    const kept = min(pages, left);
    left -= kept;
    return kept > 0 ? [{ pages: kept, writesPerSecond }] : [];
  });
}

function within({ durationUs, pages }: DirtyPoint, roomPages: number): DirtyPoint {
  return { durationUs, pages: min(roomPages, max(1, pages)) };
}

function pagesOf(classes: readonly UniformSet[]): number {
  return classes.reduce((sum, set) => sum + set.pages, 0);
}
