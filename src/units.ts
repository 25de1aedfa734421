/** Sizes, rates, durations and shares as users write them, and back. */
import { got, nth } from './lists.js';
import { UsageError } from './errors.js';

/** A page of x86, the unit in which QEMU tracks and sends RAM. */
export const PAGE_BYTES = 4096;
/** Bytes. */
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const PAGES_PER_MIB = MIB / PAGE_BYTES;

interface Quantity {
  /** With its article, as in `cannot read "x" as a size`. */
  readonly what: string;
  /** Unit to the factor that gives the result's unit. */
  readonly units: ReadonlyMap<string, number>;
  /** The accepted forms in one phrase. */
  readonly forms: string;
  /** What a positive amount must reach, as results are whole: 0 often means "none" or "unlimited", a tiny amount never. */
  readonly smallest: string;
  /** The accepted unit that a wrong one probably stands for. */
  meant(unit: string): string | undefined;
}

const BINARY: ReadonlyMap<string, number> = new Map([
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
]);
const DECIMAL: ReadonlyMap<string, number> = new Map([
  ['kB', 1e3],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
]);
const BYTES: ReadonlyMap<string, number> = new Map([['B', 1], ...BINARY, ...DECIMAL]);
const BITS: ReadonlyMap<string, number> = new Map([
  ['bit', 1 / 8],
  ['kbit', 1e3 / 8],
  ['Mbit', 1e6 / 8],
  ['Gbit', 1e9 / 8],
  ['Tbit', 1e12 / 8],
]);
const RATES: ReadonlyMap<string, number> = new Map(
  [...BYTES, ...BITS].map(([unit, factor]) => [`${unit}/s`, factor]),
);
const MICROSECONDS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-3],
  ['us', 1],
  ['ms', 1e3],
  ['s', 1e6],
  ['min', 60e6],
  ['h', 3600e6],
]);
const NANOSECONDS: ReadonlyMap<string, number> = new Map(
  [...MICROSECONDS].map(([unit, factor]) => [unit, unit === 'ns' ? 1 : factor * 1e3]),
);

/** Reads `Gb`, `gbit`, `GIB`, `Gbps`, `G` … as people mean them: a lone small `b` is a bit in a rate, a byte in a size. */
function meantBytes(unit: string, rate: boolean): string | undefined {
  const parts = /^([kmgt]?)(i?)(bits?|bytes?|b)?(?:ps|\/s|\/sec|\/second)?$/i.exec(unit);
  if (parts === null) return undefined;
  const prefix = nth(parts, 1).toUpperCase();
  const base = parts[3];
  const binary = parts[2] !== '' || base === undefined;
  const bits =
    base !== undefined && (base.toLowerCase().startsWith('bit') || (rate && base === 'b' && !binary));
  if (bits) return rate ? `${prefix === 'K' ? 'k' : prefix}bit/s` : undefined;
  return `${prefix}${binary && prefix !== '' ? 'i' : ''}B${rate ? '/s' : ''}`;
}

function meantTime(unit: string): string | undefined {
  const word = unit.toLowerCase();
  if (MICROSECONDS.has(word)) return word;
  if (/^(ns|nano)/.test(word)) return 'ns';
  if (/^(us|\u00b5s|\u03bcs|micro)/.test(word)) return 'us';
  if (/^(ms|milli)/.test(word)) return 'ms';
  if (word.startsWith('sec')) return 's';
  if (word.startsWith('h')) return 'h';
  return word.startsWith('m') ? 'min' : undefined;
}

const SIZE: Quantity = {
  what: 'a size',
  units: BYTES,
  forms: 'a number with B, KiB, MiB, GiB, TiB, kB, MB, GB or TB, such as 16GiB',
  smallest: '1B',
  meant: (unit) => meantBytes(unit, false),
};
const RATE: Quantity = {
  what: 'a rate',
  units: RATES,
  forms:
    'a number with bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s, B/s, KiB/s, MiB/s, GiB/s, TiB/s, kB/s, MB/s, GB/s or TB/s, ' +
    'such as 10Gbit/s or 400MiB/s',
  smallest: '1B/s',
  meant: (unit) => meantBytes(unit, true),
};
/** Of a network: a lone prefix stands for bits, as links are sold by them. */
const LINK_RATE: Quantity = {
  ...RATE,
  meant: (unit) => {
    const lone = /^([kmgt])i?(?:ps|\/s)?$/i.exec(unit)?.[1];
    return meantBytes(lone === undefined ? unit : `${lone}bit`, true);
  },
};
const DURATION: Quantity = {
  what: 'a duration',
  units: MICROSECONDS,
  forms: 'a number with ns, us, ms, s, min or h, such as 300ms',
  smallest: '1us',
  meant: meantTime,
};
const SHORT_DURATION: Quantity = { ...DURATION, units: NANOSECONDS, smallest: '1ns' };

/** Splits `10Gbit/s` (or `10 Gbit/s`) into the number's text and the unit; the unit may be empty. */
function splitAmount(text: string, what: string, forms: string): { amount: string; unit: string } {
  const parts = /^\s*(-?)(\d+(?:\.\d+)?)\s*([^\d\s.,][^\s]*)?\s*$/.exec(text);
  if (parts === null)
    throw new UsageError(`cannot read ${JSON.stringify(text)} as ${what}; expected ${forms}`);
  if (parts[1] === '-')
    throw new UsageError(`${what} cannot be negative: ${JSON.stringify(text)}; expected ${forms}`);
  return { amount: nth(parts, 2), unit: parts[3] ?? '' };
}

/** A whole number in the result's unit; rounds, and refuses what is not 0 but rounds to it or is beyond 2^53. */
function parseQuantity(text: string, quantity: Quantity): number {
  const { amount, unit } = splitAmount(text, quantity.what, quantity.forms);
  const factor = quantity.units.get(unit);
  if (factor === undefined) {
    if (unit === '') throw new UsageError(`${JSON.stringify(text)} lacks a unit; expected ${quantity.forms}`);
    const meant = quantity.meant(unit);
    const known = meant !== undefined && quantity.units.has(meant);
    const hint = known ? `did you mean ${amount}${meant}? Expected` : 'expected';
    throw new UsageError(`unknown unit "${unit}" in ${JSON.stringify(text)}; ${hint} ${quantity.forms}`);
  }
  const exact = Number(amount) * factor;
  const value = Math.round(exact);
  if (value === 0 && exact > 0) {
    throw new UsageError(
      `${JSON.stringify(text)} is too small; the minimum is ${quantity.smallest} (or 0${unit})`,
    );
  }
  if (!Number.isSafeInteger(value)) throw new UsageError(`${JSON.stringify(text)} is too large`);
  return value;
}

/** `64GiB`, `100MB`, `4KiB`, `512B` to bytes, a whole number. Throws `UsageError`. */
export function parseBytes(text: string): number {
  return parseQuantity(text, SIZE);
}

/** `10Gbit/s`, `400MiB/s` to bytes a second, a whole number. Throws `UsageError`. */
export function parseBytesPerSecond(text: string): number {
  return parseQuantity(text, RATE);
}

/** As `parseBytesPerSecond`, for what a link carries: `10G` is refused with `10Gbit/s`. Throws `UsageError`. */
export function parseLinkBytesPerSecond(text: string): number {
  return parseQuantity(text, LINK_RATE);
}

/** `300ms`, `10min`, `100us` to microseconds, a whole number. Throws `UsageError`. */
export function parseDurationUs(text: string): number {
  return parseQuantity(text, DURATION);
}

/** `250ns`, `2us` to nanoseconds, a whole number: for costs of a page. Throws `UsageError`. */
export function parseDurationNs(text: string): number {
  return parseQuantity(text, SHORT_DURATION);
}

/** `30%` to 0.3. Throws `UsageError`. */
export function parseShare(text: string): number {
  const forms = 'a percentage such as 30%';
  const { amount, unit } = splitAmount(text, 'a share', forms);
  if (unit === '%') return Number(`${amount}e-2`); // A division would make 0.9990000000000001 of 99.9%.
  if (unit !== '')
    throw new UsageError(`unknown unit "${unit}" in ${JSON.stringify(text)}; expected ${forms}`);
  const percent =
    amount.includes('.') && Number(amount) <= 1 ? Number((Number(amount) * 100).toPrecision(12)) : amount;
  throw new UsageError(`${JSON.stringify(text)} lacks a unit; did you mean ${percent}%? Expected ${forms}`);
}

/** At most `digits` significant digits, no zeros at the end. */
function short(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

/** In the largest of `units` (factors rising) in which the rounded amount is at least 1. */
function withFittingUnit(value: number, units: Iterable<readonly [string, number]>): string {
  let text = '';
  for (const [unit, factor] of units) {
    const amount = short(value / factor, 4);
    if (text !== '' && Math.abs(amount) < 1) break;
    text = `${amount} ${unit}`;
  }
  return text;
}

const BINARY_LADDER = [['B', 1], ...BINARY] as const;
const BIT_LADDER = [...BITS];

/** Four significant digits with the unit that fits: `64 GiB`, `1.221 GiB`, `512 B`. */
export function formatBytes(bytes: number): string {
  return withFittingUnit(bytes, BINARY_LADDER);
}

/** From bytes a second: `298.5 MiB/s` for memory (`binary`), `10 Gbit/s` for links (`bit`). */
export function formatBytesPerSecond(rate: number, unit: 'binary' | 'bit' = 'binary'): string {
  return `${withFittingUnit(rate, unit === 'bit' ? BIT_LADDER : BINARY_LADDER)}/s`;
}

/** `12.5 %`, `12 %`: a share of 1 with at most one decimal. */
export function formatPercent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** `12.50 %`: with as many decimals as asked for, for columns. */
export function fixedPercent(share: number, decimals: number): string {
  return `${(share * 100).toFixed(decimals)} %`;
}

/** Three significant digits, from a minute on in two units: `120 us`, `18 ms`, `12.4 s`, `3 min 20 s`, `1 h 5 min`. */
export function formatDurationMs(ms: number): string {
  const size = Math.abs(ms);
  if (short(size, 3) < 1) return size === 0 ? '0 ms' : `${short(ms * 1e3, 3)} us`;
  if (short(size, 3) < 1e3) return `${short(ms, 3)} ms`;
  const seconds = short(size / 1e3, 3) < 60 ? short(size / 1e3, 3) : Math.round(size / 1e3);
  const sign = ms < 0 ? '-' : '';
  if (seconds < 60) return `${sign}${seconds} s`;
  if (!Number.isFinite(seconds)) return `${ms} s`;
  if (seconds < 3600) return `${sign}${inTwoUnits(seconds, 60, 'min', 's')}`;
  return `${sign}${inTwoUnits(Math.round(seconds / 60), 60, 'h', 'min')}`;
}

function inTwoUnits(amount: number, perLarge: number, large: string, small: string): string {
  const rest = amount % perLarge;
  const text = `${Math.floor(amount / perLarge)} ${large}`;
  return rest === 0 ? text : `${text} ${rest} ${small}`;
}

const KINDS: readonly ReadonlyMap<string, number>[] = [BYTES, RATES, MICROSECONDS];

/** What a unit is of (units of one kind convert into each other) and its size; null for one that is not known. */
export function unitFactor(unit: string): { readonly kind: number; readonly factor: number } | null {
  const kind = KINDS.findIndex((units) => units.has(unit));
  return kind === -1 ? null : { kind, factor: got(nth(KINDS, kind), unit) };
}
