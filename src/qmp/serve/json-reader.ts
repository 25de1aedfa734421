/** JSON values out of a stream, or what is wrong with them in QEMU's words. */
import { JsonLexer, type TokenKind } from './json-lexer.js';
import { parseTokens, tokenText, type JsonValue, type Token } from './json-parser.js';

/** A value, or QEMU's message. */
export type JsonFound = { readonly value: JsonValue } | { readonly error: string };

/** A command has some hundred bytes. QEMU's own limits are 64 MiB, 2 million tokens and a depth of 1024. */
export const LONGEST_VALUE_BYTES = 2 ** 20;
const MOST_TOKENS = 2 ** 16;
const DEEPEST = 1024;

/** Memory is bounded: what is longer than a limit is an error, and what follows of it is skipped. */
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
    for (const byte of chunk) this.#lexer.feed(byte);
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #take(kind: TokenKind, bytes: readonly number[]): void {
    if (kind === 'stray') return this.#emit({ error: `JSON parse error, stray '${tokenText(bytes)}'` });
    if (kind === 'punctuation') this.#count(bytes[0]!);
    if (kind === 'too-long' || this.#bytes + bytes.length > LONGEST_VALUE_BYTES)
      return this.#emit({ error: 'JSON token size limit exceeded' });
    if (this.#tokens.length >= MOST_TOKENS) return this.#emit({ error: 'JSON token count limit exceeded' });
    if (this.#braces + this.#brackets > DEEPEST)
      return this.#emit({ error: 'JSON nesting depth limit exceeded' });
    this.#tokens.push({ kind, bytes });
    this.#bytes += bytes.length;
    const isOpen = this.#braces > 0 || this.#brackets > 0;
    if (isOpen && this.#braces >= 0 && this.#brackets >= 0) return;
    this.#emit(parseTokens(this.#tokens));
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
