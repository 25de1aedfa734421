/**
 * Readings of a dirty curve: how much a guest dirtied in how long. Four forms are read:
 *
 * - CSV with the columns `period` and `pages` or `bytes`;
 * - a JSON array of `[period, pages]` or `{ "period": …, "pages": … }` (or `"bytes"`);
 * - `query-dirty-rate` replies of several calc-times (qapi/migration.json, DirtyRateInfo), in any of the ways in which QMP
 *   replies are kept;
 * - `virsh domstats --dirtyrate`.
 *
 * A period carries its unit (`125ms`); sizes are bytes or carry one (`33MiB`).
 */
import { CsvError, parse } from 'csv-parse/sync';
import { isList, isMap, isOneOf, type NonEmpty } from '../lists.js';
import { UsageError, type Place } from '../errors.js';
import type { DirtyPoint } from '../guest/dirty-curve.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { parseBytes, parseDurationUs } from '../units.js';
import { parseJson, type JsonObject } from './json.js';
import { DOMSTATS, JSON_READING } from './looks-like-readings.js';
import { valuesIn } from './values.js';

const { max, round } = Math;

export interface DirtyReadings {
  readonly file: string;
  /** In the order of their length, lengths all different. */
  readonly points: readonly DirtyPoint[];
  /** Sentences, no full stop: what the way of measuring leaves open. */
  readonly notes: readonly string[];
}

/** @throws UsageError with the line or the number of the reading */
export function readDirtyReadings(text: string, file: string): DirtyReadings {
  const start = text.trimStart();
  if (start === '') throw new UsageError('the file is empty; expected readings of (period, pages)', { file });
  const notes = new Set<string>();
  const points = DOMSTATS.test(text)
    ? fromDomstats(text, file, notes)
    : /^[[{]/.test(start) || JSON_READING.test(text)
      ? fromJson(text, file, notes)
      : fromCsv(text, file);
  return inOrder({ file, points, notes: [...notes] });
}

/** Readings of several files are points of one curve. */
export function mergeReadings(readings: NonEmpty<DirtyReadings>): DirtyReadings {
  const [first] = readings;
  if (readings.length === 1) return first;
  return inOrder({
    file: first.file,
    points: readings.flatMap(({ points }) => points),
    notes: [...new Set(readings.flatMap(({ notes }) => notes))],
  });
}

function inOrder({ file, points, notes }: DirtyReadings): DirtyReadings {
  const sorted = [...points].sort((a, b) => a.durationUs - b.durationUs);
  sorted.forEach((point, at) => {
    const before = sorted[at - 1];
    if (before === undefined) return;
    const period = `${point.durationUs / 1000} ms`;
    if (before.durationUs === point.durationUs)
      throw new UsageError(`two readings of the period ${period}; expected one of each`, { file });
    if (before.pages > point.pages) {
      throw new UsageError(
        `${point.pages} pages in ${period}, but ${before.pages} in ${before.durationUs / 1000} ms: a longer period cannot dirty fewer; is one in another unit?`,
        { file },
      );
    }
  });
  return { file, points: sorted, notes };
}

// ------------------------------------------------------------------------------------------------------------- CSV

interface Row {
  readonly record: readonly string[];
  readonly line: number;
}

const UNITS = ['pages', 'bytes'] as const;

function fromCsv(text: string, file: string): DirtyPoint[] {
  const rows: Row[] = [];
  try {
    parse(text, {
      bom: true,
      comment: '#',
      delimiter: [',', ';'],
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      on_record: (record, { lines }) => {
        rows.push({ record, line: lines });
        return null;
      },
    });
  } catch (error) {
    const line: unknown = error instanceof CsvError ? error['lines'] : undefined;
    throw new UsageError('this is not CSV: is a quote left open?', {
      file,
      ...(typeof line === 'number' ? { line } : {}),
    });
  }
  const [head, ...readings] = rows;
  const header = head?.record.map((name) => name.toLowerCase()) ?? [];
  const period = header.indexOf('period');
  const amount = header.findIndex((name) => isOneOf(UNITS, name));
  const unit = header[amount];
  if (period < 0 || !isOneOf(UNITS, unit)) {
    throw new UsageError('expected a CSV with the columns period and pages (or bytes)', {
      file,
      line: head?.line ?? 1,
    });
  }
  if (readings.length === 0) throw new UsageError('no reading below the header', { file });
  return readings.map(({ record, line }) => pointOf(record[period], record[amount], unit, { file, line }));
}

// -------------------------------------------------------------------------------------------------------- domstats

/** `virsh domstats --dirtyrate` (libvirt, qemuDomainGetStatsDirtyRate): one block a reading, `calc_status` 2 is measured. */
function fromDomstats(text: string, file: string, notes: Set<string>): DirtyPoint[] {
  const points: DirtyPoint[] = [];
  let block = new Map<string, string>();
  let begins = 1;
  const close = (): void => {
    if (!block.has('calc_period')) return;
    const reply = {
      status: (block.get('calc_status') ?? '2') === '2' ? 'measured' : 'measuring',
      'dirty-rate': Number(block.get('megabytes_per_second')),
      'calc-time': Number(block.get('calc_period')),
      mode: block.get('calc_mode'),
    };
    const point = fromDirtyRate(reply, { file, line: begins }, points.length + 1, notes);
    if (point !== null) points.push(point);
    block = new Map();
  };
  text.split('\n').forEach((line, at) => {
    const [, key, value = ''] = /\bdirtyrate\.(?!vcpu)([a-z_]+)=(\S+)/.exec(line) ?? [];
    if (/^\s*Domain:/.test(line) || (key !== undefined && block.has(key))) {
      close();
      begins = at + 1;
    }
    if (key !== undefined) block.set(key, value);
  });
  close();
  if (points.length === 0)
    throw new UsageError('no measured dirty rate in it (calc_status=2, 1 MiB/s or more)', { file });
  return points;
}

// ------------------------------------------------------------------------------------------------------------ JSON

function fromJson(text: string, file: string, notes: Set<string>): DirtyPoint[] {
  let line = 1;
  let from = 0;
  const found = valuesIn(text);
  if (found.length === 0) parseJson(text, file);
  const items = found.flatMap(({ value, start }): { value: unknown; place: Place }[] => {
    for (; from < start; from += 1) if (text.charCodeAt(from) === 10) line += 1;
    const place = { file, line };
    // One array of readings, or one reading behind another.
    const list = isList(value) && value.every((item) => typeof item === 'object') ? value : [value];
    return list.map((item) => ({ value: item, place }));
  });
  const points = items.flatMap(({ value, place }, at) => {
    const point = readItem(value, place, at + 1, notes);
    return point === null ? [] : [point];
  });
  if (points.length === 0)
    throw new UsageError('no reading in it; expected [period, pages] or query-dirty-rate replies', { file });
  return points;
}

function readItem(value: unknown, place: Place, number: number, notes: Set<string>): DirtyPoint | null {
  if (Array.isArray(value) && value.length === 2) return pointOf(value[0], value[1], 'pages', place, number);
  if (!isMap(value)) throw new UsageError(`reading ${number}: expected [period, pages] or an object`, place);
  const reply = isMap(value['return']) ? value['return'] : value;
  if ('dirty-rate' in reply || 'calc-time' in reply) return fromDirtyRate(reply, place, number, notes);
  if ('period' in reply) {
    const unit = 'bytes' in reply ? 'bytes' : 'pages';
    return pointOf(reply['period'], reply[unit], unit, place, number);
  }
  // Commands, events and empty returns of a QMP log stand between the replies.
  if (['event', 'execute', 'QMP', 'return'].some((key) => key in value)) return null;
  throw new UsageError(
    `reading ${number}: expected "period" with "pages" or "bytes", or a query-dirty-rate reply`,
    place,
  );
}

/** dirtyrate.c:query_dirty_rate_info: whole MiB/s over calc-time. */
function fromDirtyRate(
  reply: JsonObject,
  place: Place,
  number: number,
  notes: Set<string>,
): DirtyPoint | null {
  if (reply['status'] !== undefined && reply['status'] !== 'measured') return null;
  const rate = reply['dirty-rate'];
  const time = reply['calc-time'];
  if (typeof rate !== 'number' || typeof time !== 'number' || !(time > 0) || rate < 0) {
    throw new UsageError(`reading ${number}: expected numbers "dirty-rate" (MiB/s) and "calc-time"`, place);
  }
  const seconds = reply['calc-time-unit'] === 'millisecond' ? time / 1000 : time;
  if (rate === 0) {
    notes.add(`dirty-rate 0 over ${seconds} s means below 1 MiB/s and is left out`);
    return null;
  }
  if (reply['mode'] === 'page-sampling') notes.add('page sampling only sees pages whose content changed');
  if (reply['mode'] === 'dirty-ring')
    notes.add('in dirty-ring mode a page counts again after each time the rings are reaped');
  return { durationUs: round(seconds * 1e6), pages: max(1, round((rate * seconds * 2 ** 20) / PAGE_BYTES)) };
}

// ---------------------------------------------------------------------------------------------------------- values

function pointOf(
  period: unknown,
  amount: unknown,
  unit: 'pages' | 'bytes',
  place: Place,
  number?: number,
): DirtyPoint {
  const which = number === undefined ? '' : `reading ${number}: `;
  const inside = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (error instanceof UsageError && error.place === undefined)
        throw new UsageError(`${which}${error.message}`, place);
      throw error;
    }
  };
  const durationUs = inside(() => parseDurationUs(written(period)));
  const text = written(amount).trim();
  const plain = /^\d+(\.\d+)?$/.test(text);
  const bytes = plain ? Number(text) * (unit === 'pages' ? PAGE_BYTES : 1) : inside(() => parseBytes(text));
  const pages = round(bytes / PAGE_BYTES);
  if (durationUs <= 0) throw new UsageError(`${which}a period of 0 dirties nothing`, place);
  if (pages < 1) throw new UsageError(`${which}less than a page of ${PAGE_BYTES} bytes is no reading`, place);
  return { durationUs, pages };
}

/** As a user wrote it; what is no value at all becomes empty text, which the units then refuse. */
function written(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
