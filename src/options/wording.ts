/** What is wrong with a value, in words: `expected …, got …`, with the nearest right word where there is one. */
import { nearest } from '../suggest.js';

/** A name that stands in tables: terminals obey control characters, and spreadsheets take these beginnings for formulas. */
export const TABLE_NAME = /^[^=+\-@\p{Cc}]\P{Cc}*$/u;
export const TABLE_NAME_WORDS = 'one line of text that does not begin with =, +, - or @';

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

/** Next to a suggestion, a longer list would only hide it. */
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

/** `a`, `a or b`, `one of a, b, c`. */
export function oneOf(words: readonly string[]): string {
  return words.length < 3 ? words.join(' or ') : `one of ${words.join(', ')}`;
}

/** `expected a, b or c, got …; did you mean …?` */
export function expectedWord(words: readonly string[], input: unknown): string {
  const meant = typeof input === 'string' ? nearest(input, words) : undefined;
  return expected(oneOf(words), input) + (meant === undefined ? '' : `; did you mean ${meant}?`);
}

/** `expected true or false, got …`; YAML 1.1 had more words for them. */
export function expectedFlag(input: unknown): string {
  const message = expected('true or false', input);
  if (typeof input !== 'string') return message;
  if (/^(yes|on|y|true)$/i.test(input)) return `${message}; did you mean true?`;
  return /^(no|off|n|false)$/i.test(input) ? `${message}; did you mean false?` : message;
}
