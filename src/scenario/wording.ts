/** What is wrong with a value, in words: `expected …, got …`, with the nearest right word where there is one. */
import type { z } from 'zod';
import { nearest } from '../suggest.js';

/** A value as a user recognises it. */
export function show(input: unknown): string {
  if (typeof input === 'string') return JSON.stringify(input);
  if (Array.isArray(input)) return input.length === 0 ? 'an empty list' : 'a list';
  if (input === undefined || input === null) return 'nothing';
  return typeof input === 'object' ? 'a map' : `${input as number | boolean}`;
}

/** `expected …, got …`; a value that is not there is `missing`. */
export function expected(what: string, input: unknown): string {
  return input === undefined ? `missing; expected ${what}` : `expected ${what}, got ${show(input)}`;
}

/** Beside a suggestion, longer lists only hide it. */
const MOST_LISTED = 8;

/** `unknown key "memroy"; did you mean memory? There are …`, for whatever `kind` of word. */
export function unknown(kind: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  const list = known.length === 0 ? 'none' : known.join(', ');
  const few = known.length <= MOST_LISTED;
  const hint =
    meant === undefined ? `expected ${list}` : `did you mean ${meant}?${few ? ` There are ${list}` : ''}`;
  return `unknown ${kind} ${JSON.stringify(word)}; ${hint}`;
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** The message of an issue for which the schema has none of its own. */
export function wording(issue: z.core.$ZodRawIssue): string {
  const { input } = issue;
  switch (issue.code) {
    case 'invalid_type':
      return expected(KINDS[issue.expected] ?? issue.expected, input) + meantFlag(issue.expected, input);
    case 'too_small':
      return Array.isArray(input)
        ? `expected at least ${issue.minimum} ${issue.minimum === 1 ? 'entry' : 'entries'}, got ${show(input)}`
        : expected(`a number of at least ${issue.minimum}`, input);
    case 'too_big':
      return Array.isArray(input)
        ? `expected at most ${issue.maximum} entries, got ${input.length}`
        : expected(`a number of at most ${issue.maximum}`, input);
    case 'invalid_value': {
      const words = issue.values.map(String);
      const meant = typeof input === 'string' ? nearest(input, words) : undefined;
      return expected(oneOf(words), input) + (meant === undefined ? '' : `; did you mean ${meant}?`);
    }
    case 'unrecognized_keys':
      return unknown('key', issue.keys[0]!, keysOf(issue.inst));
    default:
      return `not accepted: ${show(input)}`;
  }
}

/** `a`, `a or b`, `one of a, b, c`. */
export function oneOf(words: readonly string[]): string {
  return words.length < 3 ? words.join(' or ') : `one of ${words.join(', ')}`;
}

/** YAML 1.1 had more words for true and false. */
function meantFlag(wanted: string, input: unknown): string {
  if (wanted !== 'boolean' || typeof input !== 'string') return '';
  if (/^(yes|on|y|true)$/i.test(input)) return '; did you mean true?';
  return /^(no|off|n|false)$/i.test(input) ? '; did you mean false?' : '';
}

/** The keys of the object schema that raised an issue. */
function keysOf(schema: unknown): string[] {
  const object = schema as Partial<z.ZodObject> | undefined;
  return object?.shape === undefined ? [] : Object.keys(object.shape);
}
