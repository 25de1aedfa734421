/** The lines of a runs.csv, and the values in them, read from bytes: a sweep of a million rows goes on after seconds. */
import { closeSync, openSync, readSync } from 'node:fs';
import { type SweepMeasure, fieldsOf } from './table.js';

const CHUNK_BYTES = 2 ** 20;
const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_T = 0x74;
const LETTER_F = 0x66;

/** A number of so many digits is an integer divided by a power of ten, both exact: the quotient is what `Number` reads. */
const MOST_DIGITS = 15;
const POWERS = Array.from({ length: MOST_DIGITS + 1 }, (_, digits) => 10 ** digits);

/** A line where it lies; the object is used again for the next one. */
export interface ByteLine {
  bytes: Buffer;
  /** Without its line break. */
  from: number;
  to: number;
  isQuoted: boolean;
  /** Where the next line begins, in bytes from the start of the file. */
  end: number;
}

export interface Line {
  /** Without its line break. */
  readonly text: string;
  /** Where the next one begins, in bytes. */
  readonly end: number;
}

export function textOf({ bytes, from, to }: ByteLine): string {
  return bytes.toString('utf8', from, to);
}

/** The complete lines of a CSV file, the header among them; a line break within quotes is part of its line. */
export function* linesIn(path: string): Generator<Line> {
  for (const line of byteLinesIn(path)) yield { text: textOf(line), end: line.end };
}

/** The same from the line on that begins at byte `start`, without a text for each. */
export function* byteLinesIn(path: string, start = 0): Generator<ByteLine> {
  const file = openSync(path, 'r');
  try {
    // A line that is not whole yet goes to the front; where it is longer than half of the buffer, that grows.
    let buffer = Buffer.allocUnsafe(2 * CHUNK_BYTES);
    const line: ByteLine = { bytes: Buffer.alloc(0), from: 0, to: 0, isQuoted: false, end: 0 };
    // Of the next byte to be read, and of the first in `line.bytes`.
    let read = start;
    let position = start;
    for (;;) {
      const left = line.bytes.length - line.from;
      const room = left + CHUNK_BYTES <= buffer.length ? buffer : Buffer.allocUnsafe(2 * buffer.length);
      line.bytes.copy(room, 0, line.from);
      buffer = room;
      const count = readSync(file, buffer, left, CHUNK_BYTES, read);
      if (count === 0) return;
      read += count;
      const bytes = buffer.subarray(0, left + count);
      line.bytes = bytes;
      line.from = 0;
      let quote = bytes.indexOf(QUOTE);
      let at = bytes.indexOf(LINE_FEED);
      while (at >= 0) {
        line.isQuoted = quote >= 0 && quote < at;
        if (!line.isQuoted || quotesIn(bytes, line.from, at) % 2 === 0) {
          line.to = at;
          line.end = position + at + 1;
          yield line;
          line.from = at + 1;
          if (line.isQuoted) quote = bytes.indexOf(QUOTE, at);
        }
        at = bytes.indexOf(LINE_FEED, at + 1);
      }
      position += line.from;
    }
  } finally {
    closeSync(file);
  }
}

function quotesIn(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (bytes[at] === QUOTE) count += 1;
  return count;
}

/** Reads the values of a line: one for each measure, in an array that is filled again for the next line. */
export function valueReader(
  header: readonly string[],
  measures: readonly SweepMeasure[],
): (line: ByteLine) => Float64Array {
  const values = new Float64Array(measures.length);
  const measureAt = header.map((name) => measures.findIndex(({ column }) => column === name));
  const last = measureAt.findLastIndex((measure) => measure >= 0);
  return (line) => {
    values.fill(NaN);
    if (line.isQuoted) {
      const fields = fieldsOf(textOf(line));
      measures.forEach(({ column }, measure) => {
        const field = Buffer.from(fields[header.indexOf(column)] ?? '');
        values[measure] = valueIn(field, 0, field.length);
      });
      return values;
    }
    const { bytes, to } = line;
    let begin = line.from;
    for (let field = 0; field <= last && begin <= to; field++) {
      let end = begin;
      while (end < to && bytes[end] !== COMMA) end += 1;
      const measure = measureAt[field] ?? -1;
      if (measure >= 0) values[measure] = valueIn(bytes, begin, end);
      begin = end + 1;
    }
    return values;
  };
}

/** NaN: an empty field. */
function valueIn(bytes: Buffer, from: number, to: number): number {
  if (from === to) return NaN;
  const first = bytes[from];
  if (first === LETTER_T) return 1;
  if (first === LETTER_F) return 0;
  let whole = 0;
  let point = to;
  const start = first === MINUS ? from + 1 : from;
  for (let at = start; at < to; at++) {
    const code = bytes[at] ?? 0;
    if (code === POINT) point = at;
    else if (code < ZERO || code > NINE || to - start > MOST_DIGITS)
      return Number(bytes.toString('latin1', from, to));
    else whole = 10 * whole + code - ZERO;
  }
  const value = point === to ? whole : whole / (POWERS[to - point - 1] ?? NaN);
  return first === MINUS ? -value : value;
}
