/** The steps of a slider: round values, close enough together that each is felt. */
import type { OptionEntry, QuantityEntry } from '../options/table.js';
import { entryDefault, readEntry, wholeBounds } from '../options/read.js';
import { smallest } from '../stats/extremes.js';
import { isScalar, type Scalar } from './scenario-text.js';

/** From one text to another, as users write them, with words or 0 at an end. */
export interface Span {
  readonly from: string;
  readonly to: string;
  /** Before the first: `0`. */
  readonly first?: string | 0;
  /** After the last: `unlimited`. */
  readonly last?: string;
}

const BINARY = [1, 1.25, 1.5, 1.75];
const DECIMAL = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];

/** Units of a kind, the smallest first, and how many of the one make the next. */
const UNITS: Readonly<Partial<Record<OptionEntry['kind'], readonly (readonly [string, number])[]>>> = {
  size: [
    ['KiB', 1024],
    ['MiB', 1024],
    ['GiB', 1024],
    ['TiB', Infinity],
  ],
  rate: [
    ['KiB/s', 1000],
    ['MiB/s', Infinity],
  ],
  'link-rate': [
    ['Mbit/s', 1000],
    ['Gbit/s', Infinity],
  ],
  duration: [
    ['us', 1000],
    ['ms', 1000],
    ['s', 60],
    ['min', Infinity],
  ],
};

/** Spans of options whose table sets no bounds that a slider can have. */
const SPANS = {
  size: { from: '4MiB', to: '256GiB' },
  rate: { from: '1MiB/s', to: '8000MiB/s' },
  'link-rate': { from: '100Mbit/s', to: '100Gbit/s' },
  duration: { from: '1ms', to: '10min' },
} satisfies Readonly<Record<string, Span>>;

/** What a value amounts to, in the unit that its kind is read in; null where it is not one. */
export function amountOf(entry: OptionEntry, value: Scalar | undefined): number | null {
  let isWrong = false;
  const read = readEntry(entry, value, () => {
    isWrong = true;
  });
  return isWrong || typeof read !== 'number' ? null : read;
}

/** The steps of an entry; none where a slider would make no sense. */
export function stepsOf(entry: OptionEntry, span?: Span): Scalar[] {
  switch (entry.kind) {
    case 'size':
    case 'rate':
    case 'link-rate':
    case 'duration':
      return quantitySteps(entry, span ?? SPANS[entry.kind]);
    case 'share':
      return within(
        entry,
        Array.from({ length: 21 }, (_, index) => `${5 * index}%`),
      );
    case 'percent': {
      const { min, max } = wholeBounds(entry);
      return range(min, max, 1);
    }
    case 'mib-per-second':
      return within(entry, ladder('rate', '1MiB/s', '1000MiB/s'));
    case 'duration-ms':
      return within(entry, ladder('duration', '1ms', '60s'));
    case 'count':
    case 'number': {
      const { kind, min = 0, max = Infinity } = entry;
      const width = max - min;
      if (width > 1000) return [];
      return kind === 'count'
        ? range(min, max, Math.max(1, Math.round(width / 100)))
        : range(min, max, width / 50);
    }
    default:
      return [];
  }
}

/** The index of the step nearest to a value, by its ratio where all are above 0. */
export function nearestStep(entry: OptionEntry, steps: readonly Scalar[], value: Scalar | undefined): number {
  const fallback = entryDefault(entry);
  const written = value ?? (isScalar(fallback) ? fallback : undefined);
  const same = steps.findIndex((step) => step === written);
  const wanted = amountOf(entry, written);
  if (same >= 0 || wanted === null) return Math.max(0, same);
  const far = (step: Scalar): number => {
    const amount = amountOf(entry, step) ?? Infinity;
    // 0 stands for `unlimited` too, and is near to nothing but itself.
    return amount > 0 && wanted > 0 ? Math.abs(Math.log(amount / wanted)) : amount === wanted ? 0 : 1e9;
  };
  const distances = steps.map(far);
  return distances.indexOf(smallest(distances));
}

function quantitySteps(entry: QuantityEntry, { from, to, first, last }: Span): Scalar[] {
  const steps: Scalar[] = within(entry, ladder(entry.kind, from, to));
  if (first !== undefined) steps.unshift(first);
  if (last !== undefined) steps.push(last);
  return steps;
}

/** Only those that the entry accepts. */
function within(entry: OptionEntry, steps: readonly Scalar[]): Scalar[] {
  return steps.filter((step) => amountOf(entry, step) !== null);
}

/** Round values from one text to the other, both included. */
function ladder(kind: QuantityEntry['kind'], from: string, to: string): string[] {
  const entry: OptionEntry = { kind, summary: '' };
  const [low, high] = [amountOf(entry, from) ?? 0, amountOf(entry, to) ?? Infinity];
  const isBinary = kind === 'size';
  const base = isBinary ? 2 : 10;
  const texts: string[] = [];
  for (const [unit, most] of UNITS[kind] ?? []) {
    for (let scale = 1; scale < Math.min(most, 1e5); scale *= base) {
      for (const mantissa of isBinary ? BINARY : DECIMAL) {
        const number = Number((scale * mantissa).toPrecision(6));
        if (number >= most) continue;
        const text = `${number}${unit}`;
        const amount = amountOf(entry, text);
        if (amount !== null && amount >= low && amount <= high) texts.push(text);
      }
    }
  }
  return texts;
}

function range(min: number, max: number, step: number): number[] {
  const count = Math.floor((max - min) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, index) => Number((min + index * step).toPrecision(6)));
}
