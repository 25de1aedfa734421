/** JSON values, one per line, out of a stream of bytes that may break anywhere. */

/** The longest line that is kept, bytes: the reply to `query-qmp-schema` has about 200 KB. */
export const LONGEST_LINE_BYTES = 16 * 2 ** 20;

const NEWLINE = 0x0a;

/** What `push` found: the text of a whole line, or that a line grew beyond the limit and is skipped. */
export type Line = { readonly text: string } | { readonly tooLong: true };

/** Cuts a stream into lines. Memory is bounded by the longest line: what is longer is dropped up to its end. */
export class LineSplitter {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #skipping = false;

  constructor(limit = LONGEST_LINE_BYTES) {
    this.#limit = limit;
  }

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      const part = end < 0 ? chunk.subarray(from) : chunk.subarray(from, end);
      if (!this.#skipping) this.#keep(part, lines);
      if (end < 0) return lines;
      if (!this.#skipping) lines.push({ text: this.#take() });
      this.#skipping = false;
      from = end + 1;
    }
  }

  #keep(part: Uint8Array, lines: Line[]): void {
    if (this.#bytes + part.length > this.#limit) {
      this.#take();
      this.#skipping = true;
      lines.push({ tooLong: true });
    } else if (part.length > 0) {
      // A copy: the stream may use its buffer again.
      this.#parts.push(part.slice());
      this.#bytes += part.length;
    }
  }

  #take(): string {
    const bytes = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#bytes = 0;
    return new TextDecoder().decode(bytes);
  }
}
