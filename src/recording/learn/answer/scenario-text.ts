/** Parts of scenario files that are written by migsim. */

/** Widest line of a comment. */
const WIDTH = 110;
/** Comment lines of a text; lines after the first begin with `hang`. */
export function comment(text: string, indent = '', first = '', hang = first): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && `${indent}# ${line} ${word}`.length > WIDTH) {
      lines.push(line);
      line = hang + word;
    } else line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].map((one) => `${indent}# ${one}`.trimEnd());
}

/** In the largest unit that says it exactly. */
export function exactSize(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes > 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}B`;
}

/** In the largest unit that says it exactly. */
export function exactRate(bytesPerSecond: number): string {
  for (const [unit, factor] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (bytesPerSecond % factor === 0) return `${bytesPerSecond / factor}${unit}/s`;
  }
  return `${bytesPerSecond}B/s`;
}

/** For reading. */
