/** What values a key takes, and how they are written: the loader is asked, so that no second list has to be kept. */
import { nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { parseBytes, parseBytesPerSecond, parseDurationUs, parseShare, MIB } from '../../units.js';

const { floor, log2, max, min, round } = Math;

/** Numbers of a key, counted in the unit in which QEMU takes it. */
export interface Scale {
  /** Where a search begins when the scenario does not say the value. */
  readonly start: number;
  /** Values that count as different: whole numbers, powers of two, or steps of 1 %. */
  readonly grain: 'whole' | 'power-of-two' | 'fine';
  /** Between these ends only, steps are even; without them each step multiplies. */
  readonly ends: readonly [low: number, high: number] | null;
  write(value: number): string;
  read(text: string): number;
}

interface Candidate extends Scale {
  /** Values that are tried on the loader. */
  readonly samples: readonly number[];
}

const whole = (start: number, unit: string, read: (text: string) => number): Candidate => ({
  start,
  grain: 'whole',
  ends: null,
  samples: [start, 4, 64, 1024],
  write: (value) => `${value}${unit}`,
  read,
});

const MILLISECONDS = whole(300, 'ms', (text) => parseDurationUs(text) / 1e3);
const MICROSECONDS = whole(100, 'us', parseDurationUs);
const MIB_PER_SECOND = whole(128, 'MiB/s', (text) => parseBytesPerSecond(text) / MIB);
const MBIT_PER_SECOND = whole(10_000, 'Mbit/s', (text) => (parseBytesPerSecond(text) * 8) / 1e6);
const MIB_OF_MEMORY = whole(1024, 'MiB', (text) => parseBytes(text) / MIB);
const KIB_OF_MEMORY = whole(64, 'KiB', (text) => parseBytes(text) / 1024);
const PERCENT: Candidate = {
  ...whole(50, '%', (text) => (/%\s*$/.test(text) ? parseShare(text) * 100 : Number(text))),
  ends: [0, 100],
  samples: [50, 20, 80, 2],
};
const COUNT: Candidate = whole(4, '', Number);
const RATIO: Candidate = { ...whole(2, '', Number), grain: 'fine', samples: [2, 2.5] };

/** Below this, durations and sizes are searched in the smaller unit. */
const FEW = 16;

/**
 * The scale of a key. `accepts` says whether the scenario can be loaded with the text as its value; `now` is the value in the
 * file, null where it is left to its default.
 * @throws UsageError when the key takes no numbers
 */
export function scaleOf(
  key: string,
  now: string | null,
  accepts: (text: string) => UsageError | null,
): Scale {
  const isLink = /^link\.|bit\/s\s*$/.test(now === null ? key : `${key} ${now}`);
  const order = [
    isSmall(now, MILLISECONDS) || /^(host|link)\./.test(key) ? MICROSECONDS : MILLISECONDS,
    isLink ? MBIT_PER_SECOND : MIB_PER_SECOND,
    isSmall(now, MIB_OF_MEMORY) ? KIB_OF_MEMORY : MIB_OF_MEMORY,
    PERCENT,
    COUNT,
  ];
  const takes = (scale: Candidate, value: number): boolean => accepts(scale.write(value)) === null;
  const found = order.find((scale) => scale.samples.some((value) => takes(scale, value)));
  if (found === undefined) throw noNumbers(key, now, accepts);
  const twos =
    found !== PERCENT && [64, 256, 1024, 4096].some((n) => takes(found, n) && !takes(found, n + 1));
  if (twos && !takes(found, 96) && !takes(found, 3072)) return { ...found, grain: 'power-of-two' };
  return found === COUNT && takes(RATIO, 2.5) ? RATIO : found;
}

function isSmall(now: string | null, scale: Scale): boolean {
  if (now === null) return false;
  try {
    const value = scale.read(now);
    return value > 0 && value < FEW;
  } catch {
    return false;
  }
}

/** The loader's own complaint where it knows no such key, or one about what the key takes. */
function noNumbers(
  key: string,
  now: string | null,
  accepts: (text: string) => UsageError | null,
): UsageError {
  const complaint = accepts(COUNT.write(COUNT.start))?.message ?? '';
  const said = nth(complaint.split('\n'), 0).replace(/^--set [^:]*: /, '');
  if (/unknown|no entry|has no|entries called/.test(said)) return new UsageError(`${key}: ${said}`);
  const value = now === null ? '' : ` (it is ${now})`;
  return new UsageError(`${key} takes no numbers${value}: ${said}`);
}

/** The nearest value that the scale knows. */
export function rounded({ grain, ends }: Scale, value: number): number {
  const inside = ends === null ? value : max(ends[0], min(ends[1], value));
  if (grain === 'fine') return Number(inside.toPrecision(4));
  if (grain === 'power-of-two') return 2 ** max(0, round(log2(inside)));
  return max(ends === null ? 1 : 0, round(inside));
}

/** Values between two, at most `count`, each different from the others; evenly, or by equal factors. */
export function between(scale: Scale, low: number, high: number, count: number): number[] {
  const values = Array.from({ length: count }, (_, index) => {
    const share = (index + 1) / (count + 1);
    const even = scale.ends !== null || low <= 0;
    return rounded(scale, even ? low + (high - low) * share : low * (high / low) ** share);
  });
  const isClose = (a: number, b: number): boolean => b - a <= step(scale, a) / 2;
  return [...new Set(values)].filter((value) => !isClose(low, value) && !isClose(value, high));
}

/** What a value must differ by to be another: a whole unit, or half a percent. */
function step({ grain }: Scale, value: number): number {
  if (grain === 'power-of-two') return value;
  const fine = value * 0.005;
  return grain === 'whole' ? max(1, floor(fine)) : fine;
}

/** Values around `start`, and with `ends` all over, from small to large. */
export function firstValues(scale: Scale, start: number): number[] {
  const { ends } = scale;
  if (ends !== null)
    return Array.from({ length: 11 }, (_, index) => ends[0] + ((ends[1] - ends[0]) * index) / 10);
  const doublings = Array.from({ length: 2 * DOUBLINGS + 1 }, (_, index) => start * 2 ** (index - DOUBLINGS));
  return [...new Set(doublings.map((value) => rounded(scale, value)))];
}

const DOUBLINGS = 5;
