/**
 * Values inside logs: JSON objects and arrays, one after another or behind a log's prefix, over one line or many, and what
 * Python prints for them. `-nan`, which old QEMU wrote where a rate had no base, is read as unknown (null).
 */

/** A value and where it stands in its text, as offsets. */
export interface FoundValue {
  readonly value: object;
  readonly start: number;
  readonly end: number;
}

/** Nested deeper than this is no reply of any program that is read here. */
const DEEPEST = 64;

/** The outermost objects and arrays of a text, in order. What only looks like one is passed over. */
export function valuesIn(text: string): FoundValue[] {
  const found: FoundValue[] = [];
  const opening = /[{[]/g;
  for (;;) {
    const start = opening.exec(text)?.index;
    if (start === undefined) return found;
    const scanner = new Scanner(text, start);
    const value = scanner.value(0);
    if (typeof value !== 'object' || value === null) continue;
    found.push({ value, start, end: scanner.at });
    opening.lastIndex = scanner.at;
  }
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /[uUbB]?(?:"((?:[^"\\\n]|\\[^\n])*)"|'((?:[^'\\\n]|\\[^\n])*)')/y;
const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[lL]?(?![\w.])/y;
const WORD = /[-+]?[A-Za-z]+/y;
const WORDS = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['none', null],
  ['nan', null],
  ['inf', null],
  ['infinity', null],
]);

/** Marks a text that is no value. */
const NO_VALUE = undefined;

class Scanner {
  at: number;
  readonly #text: string;
  /** What stands before the value in its first line, with any digits: logs repeat it before the lines that follow. */
  readonly #prefix: RegExp | null;

  constructor(text: string, start: number) {
    this.#text = text;
    this.at = start;
    const before = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
    this.#prefix = prefixPattern(before);
  }

  value(depth: number): unknown {
    this.#skipSpace();
    const first = this.#text[this.at];
    if (first === '{') return depth < DEEPEST ? this.#object(depth + 1) : NO_VALUE;
    if (first === '[') return depth < DEEPEST ? this.#array(depth + 1) : NO_VALUE;
    const text = this.#string();
    if (text !== NO_VALUE) return text;
    const number = this.#match(NUMBER)?.[0];
    if (number !== undefined) return Number(number.replace(/[lL]$/, ''));
    const word = this.#match(WORD)?.[0].replace(/^[-+]/, '').toLowerCase();
    return word === undefined ? NO_VALUE : WORDS.get(word);
  }

  #object(depth: number): object | undefined {
    const entries: [string, unknown][] = [];
    this.at += 1;
    for (;;) {
      this.#skipSpace();
      if (this.#take('}')) return Object.fromEntries(entries);
      const key = this.#string();
      if (key === NO_VALUE) return NO_VALUE;
      this.#skipSpace();
      if (!this.#take(':')) return NO_VALUE;
      const value = this.value(depth);
      if (value === NO_VALUE) return NO_VALUE;
      entries.push([key, value]);
      this.#skipSpace();
      if (!this.#take(',') && this.#text[this.at] !== '}') return NO_VALUE;
    }
  }

  #array(depth: number): unknown[] | undefined {
    const items: unknown[] = [];
    this.at += 1;
    for (;;) {
      this.#skipSpace();
      if (this.#take(']')) return items;
      const value = this.value(depth);
      if (value === NO_VALUE) return NO_VALUE;
      items.push(value);
      this.#skipSpace();
      if (!this.#take(',') && this.#text[this.at] !== ']') return NO_VALUE;
    }
  }

  #string(): string | undefined {
    const match = this.#match(STRING);
    if (match === null) return NO_VALUE;
    const [, double, single] = match;
    if (double === undefined) return (single ?? '').replace(/\\(.)/g, '$1');
    if (!double.includes('\\')) return double;
    try {
      return String(JSON.parse(`"${double}"`));
    } catch {
      return double;
    }
  }

  #skipSpace(): void {
    for (;;) {
      const space = this.#match(SPACE)?.[0] ?? '';
      if (this.#prefix === null || !space.includes('\n') || this.#match(this.#prefix) === null) return;
    }
  }

  #take(mark: string): boolean {
    if (this.#text[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.at += match[0].length;
    return match;
  }
}

/** Longer than this is no prefix of a log's line. */
const LONGEST_PREFIX = 200;

function prefixPattern(before: string): RegExp | null {
  const prefix = before.trim();
  if (prefix === '' || prefix.length > LONGEST_PREFIX) return null;
  const escaped = prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\d+/g, '\\d+');
  return new RegExp(escaped, 'y');
}
