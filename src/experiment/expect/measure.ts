/** What can be measured on a row of a result: a name, a unit and a getter. src/report/columns/ lists them all. */
import { formatBytes, formatBytesPerSecond, formatDurationMs } from '../../units.js';

/** `flag` is a boolean, `share` a number from 0 to 1, `us` microseconds, `text` a word. */
export type Unit =
  'text' | 'flag' | 'count' | 'ms' | 'us' | 'bytes' | 'bytes/s' | 'pages' | 'pages/s' | 'percent' | 'share';

/** null: the run has no such value, as a run that gave up has no downtime. */
export type Value = string | number | boolean | null;

export interface Measure<Row> {
  /** In snake case with the unit last, such as `total_time_ms`. */
  readonly name: string;
  readonly unit: Unit;
  /** Exactly what it says, in one line without a full stop. */
  readonly meaning: string;
  get(row: Row): Value;
}

const SUFFIXES: Readonly<Record<Unit, string>> = {
  text: '',
  flag: '',
  count: '',
  ms: '_ms',
  us: '_us',
  bytes: '_bytes',
  'bytes/s': '_bytes_per_s',
  pages: '_pages',
  'pages/s': '_pages_per_s',
  percent: '_percent',
  share: '_share',
};

/** The name without its unit: `total_time` of `total_time_ms`. Numbers of pages keep theirs, as they say what is counted. */
export function bareName(measure: { readonly name: string; readonly unit: Unit }): string {
  const suffix = SUFFIXES[measure.unit];
  const counted = measure.unit === 'pages';
  return suffix !== '' && !counted && measure.name.endsWith(suffix)
    ? measure.name.slice(0, -suffix.length)
    : measure.name;
}

/** For people: four digits at most and the unit that fits; a dash where there is no value. */
export function show(unit: Unit, value: Value): string {
  if (value === null) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  return FORMATTERS[unit](value);
}

const FORMATTERS: Readonly<Record<Unit, (value: number) => string>> = {
  text: String,
  flag: String,
  count: grouped,
  ms: duration,
  us: (value) => duration(value / 1e3),
  bytes: formatBytes,
  'bytes/s': (value) => formatBytesPerSecond(value),
  pages: grouped,
  'pages/s': (value) => `${grouped(value)}/s`,
  percent: (value) => `${digits(value)} %`,
  share: (value) => `${digits(value * 100)} %`,
};

/** From the engine's microsecond on: less is the noise of floating point. */
function duration(ms: number): string {
  return formatDurationMs(Math.abs(ms) < 0.0005 ? 0 : ms);
}

/** One digit after the point below 100: `99.5`, `7.1`, `100`, `0`. */
function digits(value: number): string {
  return String(Number(value.toFixed(1)));
}

/** `1 234 567`: thousands apart by a space, which no language reads as a decimal point. */
function grouped(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 1 : 0))).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}
