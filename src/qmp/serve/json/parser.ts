/** From tokens to a JSON value, with the messages of QEMU's parser (qobject/json-parser.c). */
import type { TokenKind } from './lexer.js';

/** A number with a fraction or an exponent, however whole it is, or one beyond 64 bits: no integer to QEMU. */
export class JsonFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Whole numbers beyond 2^53 are `bigint`: QEMU distinguishes 64-bit integers from others. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonFloat
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export interface Token {
  readonly kind: TokenKind;
  readonly bytes: readonly number[];
}

/** A string, or empty for anything else. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

class ParseError extends Error {}

const fail = (message: string): never => {
  throw new ParseError(`JSON parse error, ${message}`);
};

/** As text; what is no UTF-8 shows as U+FFFD. */
export function tokenText(bytes: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

export function parseTokens(
  tokens: readonly Token[],
): { readonly value: JsonValue } | { readonly error: string } {
  try {
    return { value: new Parser(tokens).value() };
  } catch (error) {
    if (error instanceof ParseError) return { error: error.message };
    throw error;
  }
}

const LOWEST_INTEGER = -(2n ** 63n);
const INTEGER_LIMIT = 2n ** 64n;

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  value(): JsonValue {
    const token = this.#next();
    const text = tokenText(token.bytes);
    switch (token.kind) {
      case 'string':
        return stringOf(token.bytes);
      case 'integer':
        return integerOf(text);
      case 'float':
        return new JsonFloat(Number(text));
      case 'keyword':
        return keywordOf(text);
      default:
        if (text === '{') return this.#object();
        if (text === '[') return this.#array();
        return fail('expecting value');
    }
  }

  #object(): JsonValue {
    const members = new Map<string, JsonValue>();
    if (this.#skips('}')) return {};
    for (;;) {
      const key = this.#next();
      if (key.kind !== 'string') fail('key is not a string in object');
      const name = stringOf(key.bytes);
      if (!this.#skips(':')) fail('missing : in object pair');
      const value = this.value();
      if (members.has(name)) fail('duplicate key');
      members.set(name, value);
      if (this.#skips('}')) return Object.fromEntries(members);
      if (!this.#skips(',')) fail('expected separator in dict');
    }
  }

  #array(): JsonValue {
    const items: JsonValue[] = [];
    if (this.#skips(']')) return items;
    for (;;) {
      items.push(this.value());
      if (this.#skips(']')) return items;
      if (!this.#skips(',')) fail('expected separator in list');
    }
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    return token ?? fail('premature EOI');
  }

  #skips(letter: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'punctuation' || tokenText(token.bytes) !== letter) return false;
    this.#at += 1;
    return true;
  }
}

function keywordOf(text: string): JsonValue {
  if (text === 'true') return true;
  if (text === 'false') return false;
  return text === 'null' ? null : fail(`invalid keyword '${text}'`);
}

function integerOf(text: string): JsonValue {
  const whole = BigInt(text);
  if (whole < LOWEST_INTEGER || whole >= INTEGER_LIMIT) return new JsonFloat(Number(text));
  const value = Number(text);
  // -0 is 0 to an integer.
  return Number.isSafeInteger(value) ? value + 0 : whole;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function stringOf(bytes: readonly number[]): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(bytes.slice(1, -1)),
    );
  } catch {
    return fail('invalid UTF-8 sequence in string');
  }
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|([^]))/g, (_, hex: string | undefined, letter = '') => {
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    const plain = ESCAPES[String(letter)];
    return plain ?? fail(letter === 'u' ? 'incomplete escape sequence' : 'invalid escape sequence in string');
  });
}
