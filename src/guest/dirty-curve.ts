/**
 * A dirty curve D(τ) is the number of distinct pages dirtied in a time τ. It is concave: the longer one waits, the more
 * writes hit pages that are dirty already. N pages that are written uniformly at w writes/s give
 * D(τ) = N (1 - e^(-wτ/N)), so a measured curve is taken apart into such sets, hot ones to cold ones.
 */
import { UsageError } from '../errors.js';
import { nnls } from '../stats/nnls.js';

const { exp, expm1, log, max, min, round, sqrt } = Math;

/** A point of a dirty curve. */
export interface DirtyPoint {
  /** Length of the interval, µs. */
  readonly durationUs: number;
  /** Distinct pages dirtied in it. */
  readonly pages: number;
}

/** A set of pages written uniformly. */
export interface UniformSet {
  readonly pages: number;
  readonly writesPerSecond: number;
}

export interface DirtyCurveFit {
  /** Hottest (most writes a page) first. */
  readonly classes: readonly UniformSet[];
  /** Root mean square of the relative errors at the points: 0.05 means that the fit is typically 5 % off. */
  readonly residual: number;
}

/** Candidate rates per decade: neighbours differ by 1.21, less than measured points can resolve. */
const RATES_PER_DECADE = 12;
/** The coldest candidate is touched once in this many longest intervals: colder ones look like a straight line. */
const COLDEST = 3;
/** The hottest candidate is touched this often in the shortest interval: hotter ones are all dirty there. */
const HOTTEST = 10;

/**
 * Fits a sum of uniformly written sets to a dirty curve, by non-negative least squares of the relative errors over
 * log-spaced rates. A single point is taken as a hot set of that size.
 *
 * @throws UsageError without points, or with one that is not positive
 */
export function fitDirtyCurve(points: readonly DirtyPoint[]): DirtyCurveFit {
  if (points.length === 0) {
    throw new UsageError('a dirty curve without points; expected at least one [duration, size]');
  }
  for (const { durationUs, pages } of points) {
    if (!(durationUs > 0) || !(pages > 0)) {
      throw new UsageError(
        `a dirty curve with the point [${durationUs} us, ${pages} pages]; expected both above 0`,
      );
    }
  }
  const key = points.map(({ durationUs, pages }) => `${durationUs} ${pages}`).join(' ');
  const fit = fits.get(key) ?? fitted(points);
  if (!fits.has(key) && fits.size >= MOST_FITS) fits.clear();
  fits.set(key, fit);
  return fit;
}

/** Every value that a search tries loads its scenario again, with the same curve on each of its vCPUs. */
const fits = new Map<string, DirtyCurveFit>();
const MOST_FITS = 100;

function fitted(points: readonly DirtyPoint[]): DirtyCurveFit {
  const rates = candidateRates(points);
  const columns = rates.map((rate) => points.map((p) => touched(rate, p.durationUs) / p.pages));
  const sizes = nnls(
    columns,
    points.map(() => 1),
  );
  const classes = mergeNeighbours(rates, sizes)
    .map(({ pages, rate }) => ({ pages: max(1, round(pages)), rate }))
    .map(({ pages, rate }) => ({ pages, writesPerSecond: pages * rate * 1e6 }))
    .reverse();
  return { classes, residual: residualOf(points, classes) };
}

/** Distinct pages that `classes` dirty in an interval of this length. */
export function dirtyPagesIn(classes: readonly UniformSet[], durationUs: number): number {
  let sum = 0;
  for (const { pages, writesPerSecond } of classes) {
    sum += pages * touched(writesPerSecond / pages / 1e6, durationUs);
  }
  return sum;
}

/** Share of pages written at least once, when each is written `rate` times a µs on average. */
function touched(rate: number, durationUs: number): number {
  return -expm1(-rate * durationUs);
}

/** Writes a page and µs, rising. */
function candidateRates(points: readonly DirtyPoint[]): number[] {
  const shortest = points.reduce((least, p) => min(least, p.durationUs), points[0]!.durationUs);
  const longest = points.reduce((most, p) => max(most, p.durationUs), shortest);
  const coldest = 1 / (COLDEST * longest);
  const decades = log(HOTTEST / shortest / coldest) / log(10);
  const steps = round(decades * RATES_PER_DECADE);
  return Array.from({ length: steps + 1 }, (_, i) => coldest * exp((i / RATES_PER_DECADE) * log(10)));
}

/** A set whose rate lies between two candidates comes out as both: put such pairs together, keeping pages and writes. */
function mergeNeighbours(
  rates: readonly number[],
  sizes: readonly number[],
): { pages: number; rate: number }[] {
  const merged: { pages: number; rate: number }[] = [];
  let open = false;
  for (let i = 0; i < rates.length; i++) {
    const pages = sizes[i]!;
    const last = merged.at(-1);
    if (pages < 0.5) {
      open = false;
    } else if (open && last !== undefined) {
      last.rate = (last.pages * last.rate + pages * rates[i]!) / (last.pages + pages);
      last.pages += pages;
    } else {
      merged.push({ pages, rate: rates[i]! });
      open = true;
    }
  }
  return merged;
}

function residualOf(points: readonly DirtyPoint[], classes: readonly UniformSet[]): number {
  let sum = 0;
  for (const p of points) sum += (dirtyPagesIn(classes, p.durationUs) / p.pages - 1) ** 2;
  return sqrt(sum / points.length);
}
