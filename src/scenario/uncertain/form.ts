/** The written forms of an uncertain value: `500..700MiB/s`, `{ normal: [600MiB/s, 10%] }`, `{ any-of: [4GiB, 8GiB] }`. */
import { isList, isMap, nth, zip } from '../../lists.js';
import { distributionQuantile, pick, type Distribution } from '../../stats/distribution.js';
import { expected } from '../../options/wording.js';
import { amountOf, amountText, inUnit, type Amount } from './amount.js';

/** A distribution as read. Values are raw, as the file might have had them. */
export interface UncertainForm {
  /** As text, for people. */
  readonly text: string;
  /** The value below which a share `p` (0 .. 1) lies; a whole number of its own unit if that is in `wholeUnits`, else of the first. */
  at(p: number, wholeUnits?: readonly string[]): unknown;
}

const RANGE = /^\s*(\d+(?:\.\d+)?)\s*([^\d\s.,][^.]*?)?\s*\.\.\s*(\d+(?:\.\d+)?)\s*([^\d\s.,][^.]*?)?\s*$/;
const BELLS = ['normal', 'lognormal'] as const;

/** null where the value is no distribution; a text says what is wrong with one. */
export function readForm(value: unknown): UncertainForm | string | null {
  if (typeof value === 'string') {
    const parts = RANGE.exec(value);
    return parts === null ? null : readRange(value, parts);
  }
  if (!isMap(value)) return null;
  if (Object.hasOwn(value, 'any-of')) return readAnyOf(value);
  const bell = BELLS.find((kind) => Object.hasOwn(value, kind));
  return bell === undefined || Object.keys(value).length > 1 ? null : readBell(bell, value[bell]);
}

function numeric(text: string, unit: string, distribution: Distribution): UncertainForm {
  return {
    text,
    at(p, wholeUnits = []) {
      const number = distributionQuantile(distribution, p);
      const wholeUnit = wholeUnits.includes(unit) ? unit : wholeUnits[0];
      if (wholeUnit === undefined) return amountText(number, unit);
      const whole = inUnit({ number, unit }, wholeUnit);
      return whole === null ? amountText(number, unit) : amountText(Math.round(whole), wholeUnit);
    },
  };
}

function readRange(
  text: string,
  [, low = '', lowUnit, high = '', highUnit = '']: RegExpExecArray,
): UncertainForm | string {
  const unit = highUnit;
  const from = inUnit({ number: Number(low), unit: lowUnit ?? unit }, unit);
  const to = Number(high);
  if (from === null)
    return `${lowUnit} and ${unit || 'no unit'} do not go together; expected a range such as 500..700MiB/s`;
  if (!(from < to)) return expected('a range that rises, such as 500..700MiB/s', text);
  const whole = unit === '' && !/\./.test(low + high);
  return numeric(text.replaceAll(' ', ''), unit, { kind: 'even', low: from, high: to, whole });
}

function readBell(kind: (typeof BELLS)[number], value: unknown): UncertainForm | string {
  const form = `[middle, standard deviation] such as ${kind}: [600MiB/s, 10%]`;
  const written = isList(value) && value.length === 2 ? value : [];
  const [middle, spread] = written.map(amountOf);
  if (middle == null || spread == null) return expected(form, value);
  const relative = spread.unit === '%';
  const text = `${kind} ${String(written[0])} ± ${String(written[1])}`;
  if (kind === 'lognormal') {
    if (!relative || middle.number === 0) return expected(`${form}, the second in %`, value);
    return numeric(text, middle.unit, { kind, median: middle.number, sigma: spread.number / 100 });
  }
  const sd = relative ? (middle.number * spread.number) / 100 : inUnit(spread, middle.unit);
  if (sd === null) return expected(`${form}, both in units that go together`, value);
  if (middle.number - 3 * sd < 0)
    return `three standard deviations below the mean is less than 0; expected a smaller one, or lognormal`;
  return numeric(text, middle.unit, { kind, mean: middle.number, sd });
}

/** Null when it is not a list of numbers. */
function numbersIn(value: unknown): number[] | null {
  if (!isList(value)) return null;
  const numbers = value.filter((entry) => typeof entry === 'number');
  return numbers.length === value.length ? numbers : null;
}

function readAnyOf(map: Readonly<Record<string, unknown>>): UncertainForm | string {
  const { 'any-of': values, weights, ...rest } = map;
  const form = '{ any-of: [4GiB, 8GiB] }, with weights: [3, 1] where they are not equal';
  if (!Array.isArray(values) || values.length < 2 || Object.keys(rest).length > 0)
    return expected(form, values);
  const given = numbersIn(weights ?? values.map(() => 1));
  if (
    given?.length !== values.length ||
    given.some((weight) => weight < 0) ||
    !given.some((weight) => weight > 0)
  )
    return `weights: expected ${values.length} numbers, one for each value, such as [3, 1]`;
  const entries = inOrder(zip<unknown, number>(values, given).map(([value, weight]) => ({ value, weight })));
  return {
    text: `any of ${values.map(String).join(', ')}`,
    at: (p: number) =>
      nth(
        entries,
        pick(
          entries.map(({ weight }) => weight),
          p,
        ),
      ).value,
  };
}

interface Weighted {
  readonly value: unknown;
  readonly weight: number;
}

/** Rising where all are amounts of one kind, so that a median means something; else as written. */
function inOrder(entries: readonly Weighted[]): readonly Weighted[] {
  const amounts = entries.map(({ value }) => amountOf(value));
  const [first] = amounts;
  if (first == null) return entries;
  const numbers = amounts
    .map((amount: Amount | null) => (amount === null ? null : inUnit(amount, first.unit)))
    .filter((number) => number !== null);
  if (numbers.length < entries.length) return entries;
  return zip(entries, numbers)
    .sort(([, a], [, b]) => a - b)
    .map(([entry]) => entry);
}
