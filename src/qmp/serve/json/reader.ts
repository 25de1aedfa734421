/** JSON values out of a stream, or what is wrong with them in QEMU's words. */
import { nth } from '../../../lists.js';
import { JsonLexer, NEWLINE, type TokenKind } from './lexer.js';
import { parseTokens, tokenText, type JsonValue, type Token } from './parser.js';

/** A value, or QEMU's message. */
export type JsonFound = { readonly value: JsonValue } | { readonly error: string };

/** A command has some hundred bytes. QEMU's own limits are 64 MiB, 2 million tokens and a depth of 1024. */
export const LONGEST_VALUE_BYTES = 2 ** 20;
const MOST_TOKENS = 2 ** 16;
const DEEPEST = 1024;

/** Memory is bounded: what passes a limit is one error, and the rest of its line is skipped. */
export class JsonReader {
  readonly #lexer: JsonLexer;
  #tokens: Token[] = [];
  #bytes = 0;
  #braces = 0;
  #brackets = 0;
  #found: JsonFound[] = [];

  constructor() {
    this.#lexer = new JsonLexer(LONGEST_VALUE_BYTES, (kind, bytes) => this.#take(kind, bytes));
  }

  /** What the bytes complete, in order. */
  push(chunk: Uint8Array): JsonFound[] {
    for (let i = 0; i < chunk.length; i += 1) {
      if (this.#lexer.isSkipping) {
        i = chunk.indexOf(NEWLINE, i);
        if (i < 0) break;
      }
      this.#lexer.feed(nth(chunk, i));
    }
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #take(kind: TokenKind, bytes: readonly number[]): void {
    if (kind === 'stray') return this.#emit({ error: `JSON parse error, stray '${tokenText(bytes)}'` });
    if (kind === 'punctuation') this.#count(nth(bytes, 0));
    const limit = this.#limitPassed(kind, bytes.length);
    if (limit !== null) {
      this.#emit({ error: `JSON ${limit} limit exceeded` });
      return this.#lexer.skipLine();
    }
    this.#tokens.push({ kind, bytes });
    this.#bytes += bytes.length;
    const isOpen = this.#braces > 0 || this.#brackets > 0;
    if (isOpen && this.#braces >= 0 && this.#brackets >= 0) return;
    this.#emit(parseTokens(this.#tokens));
  }

  #limitPassed(kind: TokenKind, length: number): string | null {
    if (kind === 'too-long' || this.#bytes + length > LONGEST_VALUE_BYTES) return 'token size';
    if (this.#tokens.length >= MOST_TOKENS) return 'token count';
    return this.#braces + this.#brackets > DEEPEST ? 'nesting depth' : null;
  }

  #count(byte: number): void {
    const letter = String.fromCharCode(byte);
    if (letter === '{') this.#braces += 1;
    if (letter === '}') this.#braces -= 1;
    if (letter === '[') this.#brackets += 1;
    if (letter === ']') this.#brackets -= 1;
  }

  #emit(found: JsonFound): void {
    this.#found.push(found);
    this.#tokens = [];
    this.#bytes = 0;
    this.#braces = 0;
    this.#brackets = 0;
  }
}
