/** `4GiB..1TiB:9:log`: values between two ends, written so that people read them and the sweep uses just what they read. */
import { got, nth } from '../../lists.js';
import type { UsageError } from '../../errors.js';
import { smallest } from '../../stats/extremes.js';

/** Units of one family, from small to large, as factors of the first. */
type Ladder = readonly (readonly [unit: string, factor: number])[];

const BINARY = ladder(['B', 'KiB', 'MiB', 'GiB', 'TiB'], 1024);
const DECIMAL = ladder(['B', 'kB', 'MB', 'GB', 'TB'], 1000);
const BITS = ladder(['bit', 'kbit', 'Mbit', 'Gbit', 'Tbit'], 1000);
const LADDERS: readonly Ladder[] = [
  BINARY,
  DECIMAL,
  perSecond(BINARY),
  perSecond(DECIMAL),
  perSecond(BITS),
  [
    ['ns', 1],
    ['us', 1e3],
    ['ms', 1e6],
    ['s', 1e9],
    ['min', 60e9],
    ['h', 3600e9],
  ],
];

/** What a value may lose by being written as a whole number of its unit: three digits stay. */
const WHOLE_ENOUGH = 5e-3;
const DIGITS = 4;
const MOST_VALUES = 100_000;

/** Whether the key that varies takes a value written so. */
export type Accepts = (value: string) => boolean;

/** Values of a range that are tried to find out how its key wants them. */
const MOST_TRIED = 40;

/**
 * The values of a range, each once; null when the text is none. Both ends are among them, as written. Those between are
 * rounded further where `accepts` wants that: to whole units of the finer end, or to powers of two.
 */
export function spread(
  text: string,
  wrong: (what: string) => UsageError,
  accepts?: Accepts,
): string[] | null {
  if (!/^[^{["'].*\.\..*:/s.test(text)) return null;
  const parts = /^([\d.]+?)([^\d.][^.]*)?\.\.([\d.]+)([^\d.:][^:]*)?:(\d+)(?::(lin|log))?$/.exec(
    text.replaceAll(' ', ''),
  );
  const form = 'expected from..to:count:lin or :log, such as 4GiB..1TiB:9:log';
  if (parts === null) throw wrong(`cannot read ${JSON.stringify(text)}; ${form}`);
  const [, fromText = '', fromUnit = '', toText = '', toUnit = '', countText = '', scale = 'lin'] = parts;
  const count = Number(countText);
  if (count < 2 || count > MOST_VALUES) throw wrong(`expected 2 to ${MOST_VALUES} values, got ${countText}`);
  const scaleOf = unitsFor(fromUnit, toUnit);
  if (scaleOf === null) {
    throw wrong(`${fromUnit || 'no unit'} and ${toUnit || 'no unit'} do not go together; ${form}`);
  }
  const from = Number(fromText) * scaleOf.factor(fromUnit);
  const to = Number(toText) * scaleOf.factor(toUnit);
  if (!(from < to)) throw wrong(`expected a range that rises; ${form}`);
  if (scale === 'log' && from === 0) throw wrong('a range that begins at 0 cannot be log; expected lin');
  const whole = !`${fromText}${toText}`.includes('.');
  const between = Array.from({ length: count - 2 }, (_, index) => {
    const share = (index + 1) / (count - 1);
    return scale === 'log' ? from * (to / from) ** share : from + (to - from) * share;
  });
  const forms: ((value: number) => string)[] = [
    (value) => scaleOf.write(value, whole),
    scaleOf.whole,
    scaleOf.powerOfTwo,
  ];
  const write = acceptedForm(forms, between, accepts);
  // Close steps can round to the same value.
  return [...new Set([fromText + fromUnit, ...between.map(write), toText + toUnit])];
}

/** The one in which the key takes most of those that are tried, the first of several: some may be out of its bounds. */
function acceptedForm(
  forms: readonly ((value: number) => string)[],
  values: readonly number[],
  accepts: Accepts | undefined,
): (value: number) => string {
  const first = nth(forms, 0);
  if (accepts === undefined) return first;
  const every = Math.ceil(values.length / MOST_TRIED);
  const tried = values.filter((_, index) => index % every === 0);
  let best = first;
  let most = 0;
  for (const form of forms) {
    const taken = tried.filter((value) => accepts(form(value))).length;
    if (taken > most) [best, most] = [form, taken];
    if (taken === tried.length) break;
  }
  return best;
}

interface Units {
  factor(unit: string): number;
  write(value: number, whole: boolean): string;
  /** As a whole number of the finer unit of both ends. */
  whole(value: number): string;
  powerOfTwo(value: number): string;
}

function unitsFor(from: string, to: string): Units | null {
  if (from === to && (from === '' || from === '%')) {
    const write = (value: number, whole: boolean): string =>
      String(whole && from === '' ? Math.round(value) : Number(value.toPrecision(DIGITS))) + from;
    return {
      factor: () => 1,
      write,
      whole: (value) => Math.max(1, Math.round(value)) + from,
      powerOfTwo: (value) => nearestPowerOfTwo(value) + from,
    };
  }
  const fitting = LADDERS.find((units) => [from, to].every((unit) => units.some(([name]) => name === unit)));
  if (fitting === undefined) return null;
  const factors = new Map(fitting);
  const factor = (unit: string): number => got(factors, unit);
  const finer = factor(from) < factor(to) ? from : to;
  return {
    factor,
    write: (value) => wholeAmount(value, withoutFractions(fitting, from, to)),
    whole: (value) => Math.max(1, Math.round(value / factor(finer))) + finer,
    powerOfTwo: (value) => wholeAmount(nearestPowerOfTwo(value), fitting, 0),
  };
}

function nearestPowerOfTwo(value: number): number {
  return 2 ** Math.max(0, Math.round(Math.log2(value)));
}

/** QEMU takes times in whole ms and quotas in whole MiB/s: finer units only where an end of the range is written in one. */
const WHOLE_UNITS = ['ms', 'MiB/s'];

function withoutFractions(units: Ladder, ...ends: readonly string[]): Ladder {
  const indexOf = (unit: string): number => units.findIndex(([name]) => name === unit);
  const whole = units.findIndex(([name]) => WHOLE_UNITS.includes(name));
  return whole < 0 ? units : units.slice(smallest([whole, ...ends.map(indexOf)]));
}

/** In the largest unit of which it is a whole number, or nearly so. */
function wholeAmount(value: number, units: Ladder, lost = WHOLE_ENOUGH): string {
  for (const [unit, factor] of units.toReversed()) {
    const amount = Math.round(value / factor);
    if (amount > 0 && Math.abs(amount * factor - value) <= lost * value) return `${amount}${unit}`;
  }
  const [unit, factor] = nth(units, 0);
  return `${Math.max(1, Math.round(value / factor))}${unit}`;
}

function ladder(units: readonly string[], step: number): Ladder {
  return units.map((unit, index) => [unit, step ** index]);
}

function perSecond(units: Ladder): Ladder {
  return units.map(([unit, factor]) => [`${unit}/s`, factor]);
}
