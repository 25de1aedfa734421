/**
 * JSON as QEMU reads it: values one after the other in a stream of bytes that may break anywhere, with or without line ends.
 * Strings may stand in single quotes. After a stray byte the reader skips to the next bracket, brace, comma, colon or control
 * character. Source: docs/interop/qmp-spec.rst and the limits of qobject/json-streamer.c.
 */

export type TokenKind = 'punctuation' | 'string' | 'integer' | 'float' | 'keyword' | 'stray' | 'too-long';

/** `bytes` has the quotes of a string and the bytes that led to a stray one. */
export type TokenSink = (kind: TokenKind, bytes: readonly number[]) => void;

type State =
  | 'start'
  | 'recovery'
  | 'rest-of-line'
  | 'double'
  | 'double-escape'
  | 'single'
  | 'single-escape'
  | 'sign'
  | 'zero'
  | 'digits'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'exponent-sign'
  | 'exponent-digits'
  | 'keyword';

/** Ends a line that is skipped. */
export const NEWLINE = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const PUNCTUATION = new Set([...'{}[],:'].map((letter) => letter.charCodeAt(0)));
const BLANKS = new Set([SPACE, TAB, NEWLINE, 0x0d]);

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isLetter = (byte: number): boolean => byte >= 0x61 && byte <= 0x7a;
const isE = (byte: number): boolean => byte === 0x65 || byte === 0x45;
const isInString = (byte: number): boolean => byte >= SPACE && byte <= 0xfd;

/** What each state in which a number or keyword may end is then. */
const ENDS: Readonly<Partial<Record<State, TokenKind>>> = {
  zero: 'integer',
  digits: 'integer',
  fraction: 'float',
  'exponent-digits': 'float',
  keyword: 'keyword',
};

/** Where a byte leads within a number or keyword; undefined: it does not belong to it. */
function within(state: State, byte: number): State | undefined {
  switch (state) {
    case 'sign':
      return byte === 0x30 ? 'zero' : isDigit(byte) ? 'digits' : undefined;
    case 'zero':
      return byte === 0x2e ? 'point' : undefined;
    case 'digits':
      if (isDigit(byte)) return 'digits';
      return byte === 0x2e ? 'point' : isE(byte) ? 'exponent' : undefined;
    case 'point':
      return isDigit(byte) ? 'fraction' : undefined;
    case 'fraction':
      if (isDigit(byte)) return 'fraction';
      return isE(byte) ? 'exponent' : undefined;
    case 'exponent':
      if (byte === 0x2b || byte === 0x2d) return 'exponent-sign';
      return isDigit(byte) ? 'exponent-digits' : undefined;
    case 'exponent-sign':
    case 'exponent-digits':
      return isDigit(byte) ? 'exponent-digits' : undefined;
    case 'keyword':
      return isLetter(byte) ? 'keyword' : undefined;
    default:
      return undefined;
  }
}

/** Cuts bytes into tokens. Memory is bounded by the longest token. */
export class JsonLexer {
  readonly #sink: TokenSink;
  readonly #longestBytes: number;
  #state: State = 'start';
  #bytes: number[] = [];

  constructor(longestBytes: number, sink: TokenSink) {
    this.#longestBytes = longestBytes;
    this.#sink = sink;
  }

  /** What comes up to the end of the line is no longer read. */
  skipLine(): void {
    this.#state = 'rest-of-line';
  }

  get isSkipping(): boolean {
    return this.#state === 'rest-of-line';
  }

  feed(byte: number): void {
    switch (this.#state) {
      case 'recovery':
        if (!PUNCTUATION.has(byte) && (byte >= SPACE || byte === TAB) && byte < 0xfe) return;
        this.#state = 'start';
        return this.#begin(byte);
      case 'rest-of-line':
        if (byte === NEWLINE) this.#state = 'start';
        return;
      case 'start':
        return this.#begin(byte);
      case 'double':
      case 'single':
        return this.#string(byte, this.#state === 'double' ? DOUBLE_QUOTE : SINGLE_QUOTE);
      case 'double-escape':
      case 'single-escape':
        if (!isInString(byte)) return this.#stray(byte);
        return this.#keep(byte, this.#state === 'double-escape' ? 'double' : 'single');
      default:
        return this.#number(byte);
    }
  }

  #begin(byte: number): void {
    if (BLANKS.has(byte)) return;
    if (PUNCTUATION.has(byte)) return this.#sink('punctuation', [byte]);
    if (byte === DOUBLE_QUOTE) return this.#keep(byte, 'double');
    if (byte === SINGLE_QUOTE) return this.#keep(byte, 'single');
    if (byte === 0x2d) return this.#keep(byte, 'sign');
    if (byte === 0x30) return this.#keep(byte, 'zero');
    if (isDigit(byte)) return this.#keep(byte, 'digits');
    if (isLetter(byte)) return this.#keep(byte, 'keyword');
    this.#stray(byte);
  }

  #string(byte: number, quote: number): void {
    if (byte === quote) {
      this.#bytes.push(byte);
      return this.#end('string');
    }
    if (!isInString(byte)) return this.#stray(byte);
    const state = quote === DOUBLE_QUOTE ? 'double' : 'single';
    this.#keep(byte, byte === BACKSLASH ? `${state}-escape` : state);
  }

  #number(byte: number): void {
    const next = within(this.#state, byte);
    if (next !== undefined) return this.#keep(byte, next);
    const kind = ENDS[this.#state];
    // A digit after a leading zero is stray; every other byte ends the token and begins the next.
    if (kind === undefined || (this.#state === 'zero' && isDigit(byte))) return this.#stray(byte);
    this.#end(kind);
    this.feed(byte);
  }

  #keep(byte: number, state: State): void {
    this.#bytes.push(byte);
    this.#state = state;
    if (this.#bytes.length <= this.#longestBytes) return;
    this.#end('too-long');
  }

  #end(kind: TokenKind): void {
    const bytes = this.#bytes;
    this.#bytes = [];
    this.#state = 'start';
    this.#sink(kind, bytes);
  }

  #stray(byte: number): void {
    this.#bytes.push(byte);
    this.#end('stray');
    this.#state = 'recovery';
  }
}
