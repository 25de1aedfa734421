/**
 * The values that options take. Each reads what a user writes, checks it, and hands out a plain number in the unit of
 * its name. A bad value gives one issue of one line: what was expected and what came.
 *
 * A bare number is accepted where QEMU's own parameter is one; everything else carries its unit.
 */
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { nearest } from '../../suggest.js';
import { parseBytesPerSecond, parseDurationUs } from '../../units.js';

/** Inclusive. */
interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Written as a number or as text, used as a number. */
type NumberOption = z.ZodType<number, number | string>;

const MIB = 2 ** 20;

function show(input: unknown): string {
  if (typeof input === 'string') return JSON.stringify(input);
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object' && input !== null) return 'a map';
  return typeof input === 'number' || typeof input === 'boolean' ? String(input) : 'nothing';
}

/** Error option of a zod type that says the same whatever check failed. */
function expecting(expected: string): { error: (issue: { readonly input: unknown }) => string } {
  return { error: ({ input }) => `expected ${expected}, got ${show(input)}` };
}

/** `read` turns text into the number, or throws a `UsageError`. */
function wholeNumber(
  expected: string,
  { min, max }: Bounds,
  bareNumber: boolean,
  read: (text: string) => number,
): NumberOption {
  const text = z.string(expecting(expected));
  const number = z.number().meta({ minimum: min, ...(max === Infinity ? {} : { maximum: max }) });
  return z.union(bareNumber ? [number, text] : [text], expecting(expected)).transform((input, context) => {
    try {
      const value = typeof input === 'number' ? input : read(input);
      if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
      context.addIssue(`expected ${expected}, got ${show(input)}`);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      context.addIssue(error.message);
    }
    return z.NEVER;
  });
}

/** The number of a text without a unit, or undefined. */
function bare(text: string): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

/** `20` or `20%` to 20: a whole percentage, as QEMU takes it. */
export function percent({ min = 0, max = 100 }: Partial<Bounds> = {}): NumberOption {
  return wholeNumber(
    `a whole percentage from ${min} to ${max}, such as 20 or 20%`,
    { min, max },
    true,
    (text) => {
      return bare(text.replace(/%\s*$/, '')) ?? NaN;
    },
  );
}

/** `100MiB/s`, `1GiB/s`, or 100 (QEMU's unit) to 100: a whole number of MiB/s. */
export function mibPerSecond({ min = 0, max = Infinity }: Partial<Bounds> = {}): NumberOption {
  const expected = `a whole number of MiB/s from ${min}${max === Infinity ? '' : ` to ${max}`}, such as 100MiB/s`;
  return wholeNumber(expected, { min, max }, true, (text) => {
    const value = bare(text) ?? parseBytesPerSecond(text) / MIB;
    if (Number.isSafeInteger(value)) return value;
    const whole = Math.max(min, Math.round(value));
    throw new UsageError(
      `${show(text)} is ${value.toFixed(2)} MiB/s, and QEMU takes whole MiB/s; expected such as ${whole}MiB/s`,
    );
  });
}

/** `500ms`, `2s` to whole ms. `bareNumber`: QEMU's parameter is a number of ms, so `500` will do. */
export function durationMs(bounds: Partial<Bounds> & { readonly bareNumber?: boolean } = {}): NumberOption {
  const { min = 0, max = Infinity, bareNumber = false } = bounds;
  const range = max === Infinity ? `of whole ms from ${min}ms` : `of whole ms from ${min}ms to ${max}ms`;
  return wholeNumber(`a duration ${range}, such as 500ms`, { min, max }, bareNumber, (text) => {
    const number = bareNumber ? bare(text) : undefined;
    return number ?? parseDurationUs(text) / 1000;
  });
}

/** `true` or `false`. */
export function flag(): z.ZodBoolean {
  return z.boolean(expecting('true or false'));
}

/** One of some words. */
export function choice<const Word extends string>(words: readonly Word[]): z.ZodType<Word, Word> {
  return z.enum(words, {
    error: ({ input }) => {
      const meant = typeof input === 'string' ? nearest(input, words) : undefined;
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
      return `expected ${words.join(' or ')}, got ${show(input)}${hint}`;
    },
  });
}

/** The option, or the word `none`. */
export function orNone(option: NumberOption): z.ZodType<number | 'none', number | string> {
  return z
    .union([z.number(), z.string()], expecting('none or a number with its unit'))
    .transform((input, context) => {
      if (input === 'none') return input;
      const result = option.safeParse(input);
      if (result.success) return result.data;
      for (const issue of result.error.issues) context.addIssue(`${issue.message}; none is possible too`);
      return z.NEVER;
    });
}

/** `[0, 3]`: vCPUs by their index, from 0. */
export function vcpuIndexes(): z.ZodType<number[], number[]> {
  const wrong = expecting('the index of a vCPU, from 0');
  const index = z.number(wrong).refine((value) => Number.isSafeInteger(value) && value >= 0, wrong);
  return z.array(index, expecting('a list of vCPU indexes such as [0, 1]'));
}

/** A list with a value for each vCPU, in their order. `such` shows one. */
export function perVcpu<Value extends z.ZodType>(value: Value, such: string): z.ZodArray<Value> {
  return z.array(value, expecting(`a list with a value for each vCPU, such as ${such}`));
}
