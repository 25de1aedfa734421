/**
 * Logs of `query-migrate` replies, as a poller writes them while a migration runs (fields: qapi/migration.json,
 * MigrationInfo and MigrationStats). Three forms are read:
 *
 * - a JSON array of replies, or of wrappers `{ t…, "query_migrate": reply }`;
 * - JSON lines of raw replies or wrappers;
 * - a QMP log: lines `{"return": reply}` between commands, events and other returns, which are passed over.
 *
 * Every sample is checked: what cannot be is an error that names the sample, nothing is repaired.
 */
import { UsageError, type Place } from '../errors.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { median } from '../stats/summary.js';
import { isObject, parseJson, type JsonObject } from './json.js';

/** One reply that carries RAM statistics. Times in ms, sizes in bytes, as QEMU reports them. */
export interface MigrateSample {
  /** `total-time` in µs: the clock of the log. */
  readonly tUs: number;
  readonly status: string;
  readonly setupTimeMs: number | null;
  readonly downtimeMs: number | null;
  readonly expectedDowntimeMs: number | null;
  readonly totalBytes: number;
  readonly remainingBytes: number;
  readonly transferredBytes: number;
  readonly normalPages: number;
  /** Zero pages sent (`duplicate`). */
  readonly zeroPages: number;
  /** Pages sent as XBZRLE deltas; 0 without it. */
  readonly xbzrlePages: number;
  readonly dirtySyncCount: number;
  /** 10^6 bit/s of the last window. */
  readonly mbps: number;
  readonly dirtyPagesRate: number;
  readonly multifdBytes: number;
  /** Bytes of RAM records sent while the guest was stopped. */
  readonly downtimeBytes: number;
  /** Auto-converge, 0..99; 0 when the reply does not mention it. */
  readonly throttlePercent: number;
  /** Dirty limit: longest sleep at a full ring, µs; null when no limit is in service. */
  readonly dirtyLimitSleepUs: number | null;
  /** Where it was read: for messages. */
  readonly place: Place;
  readonly index: number;
}

export interface MigrateLog {
  readonly file: string;
  /** In the order of time, at least one. */
  readonly samples: readonly MigrateSample[];
  /** Replies without RAM statistics (before the migration, in setup, after cancelling). */
  readonly skipped: number;
}

interface Entry {
  readonly value: JsonObject;
  readonly place: Place;
  readonly index: number;
}

/** QMP traffic that is no reply of query-migrate and may stand between the replies. */
const OTHER_QMP = ['event', 'execute', 'exec-oob', 'QMP', 'error'];

const STATUSES = [
  'none',
  'setup',
  'cancelling',
  'cancelled',
  'active',
  'postcopy-device',
  'postcopy-active',
  'postcopy-paused',
  'postcopy-recover-setup',
  'postcopy-recover',
  'completed',
  'failing',
  'failed',
  'colo',
  'pre-switchover',
  'device',
  'wait-unplug',
];

/** @throws UsageError when the text is no such log, or a sample in it cannot be. */
export function readQueryMigrate(text: string, file: string): MigrateLog {
  const samples: MigrateSample[] = [];
  let skipped = 0;
  for (const entry of entriesOf(text, file)) {
    const reply = replyOf(entry);
    if (reply === null) continue;
    const sample = sampleOf(reply, entry);
    if (sample === null) {
      skipped += 1;
      continue;
    }
    const previous = samples.at(-1);
    if (previous !== undefined) checkOrder(previous, sample);
    samples.push(sample);
  }
  if (samples.length === 0) {
    throw new UsageError(
      'no query-migrate reply with RAM statistics in it (expected objects with "status" and "ram"; was the log taken while a migration ran?)',
      { file },
    );
  }
  checkClock(samples, file);
  return { file, samples, skipped };
}

/** How far bytes over time may be from `mbps`, the rate of a window in between: links vary, units differ by 1000. */
const CLOCK_FACTOR = 50;

/** Bytes over `total-time` must be about what `mbps` says, or one of them is in another unit or of another clock. */
function checkClock(samples: readonly MigrateSample[], file: string): void {
  const factors: number[] = [];
  samples.forEach((sample, at) => {
    const before = samples[at - 1];
    if (before === undefined || sample.status !== 'active' || !(sample.mbps > 0)) return;
    const bits = (sample.transferredBytes - before.transferredBytes) * 8;
    if (bits > 0 && sample.tUs > before.tUs) factors.push(bits / (sample.tUs - before.tUs) / sample.mbps);
  });
  if (factors.length < 3) return;
  const factor = median(factors);
  if (factor < CLOCK_FACTOR && factor > 1 / CLOCK_FACTOR) return;
  const times = factor > 1 ? `${factor.toPrecision(2)} times` : `1/${(1 / factor).toPrecision(2)} of`;
  throw new UsageError(
    `transferred over total-time is ${times} what mbps says: is total-time in ms, of this migration's clock?`,
    { file },
  );
}

function entriesOf(text: string, file: string): Entry[] {
  const start = text.trimStart();
  if (start === '')
    throw new UsageError('the file is empty; expected query-migrate replies as JSON', { file });
  if (start.startsWith('[')) {
    const array = parseJson(text, file) as unknown[];
    return array.map((value, index) => entry(value, { file }, index));
  }
  if (!start.startsWith('{')) refuseForeignText(start, file);
  const whole = tryParse(text);
  if (isObject(whole)) return [entry(whole, { file, line: 1 }, 0)];
  const entries: Entry[] = [];
  text.split('\n').forEach((line, at) => {
    if (line.trim() === '') return;
    const place = { file, line: at + 1 };
    entries.push(entry(parseJson(line, file, at + 1), place, entries.length));
  });
  return entries;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function entry(value: unknown, place: Place, index: number): Entry {
  if (!isObject(value)) {
    throw new UsageError(`sample ${index + 1} is not an object; expected a query-migrate reply`, place);
  }
  if (typeof value['format'] === 'string') {
    throw new UsageError(
      `this is a ${value['format']} file, not a query-migrate log: \`migsim validate\` reads recordings`,
      place,
    );
  }
  if (Array.isArray(value['progress_history'])) {
    throw new UsageError(
      'this is a guestperf report, which keeps one record a pass; expected a log of query-migrate replies',
      place,
    );
  }
  return { value, place, index };
}

function refuseForeignText(text: string, file: string): never {
  const place = { file, line: 1 };
  if (/^(Job type|Time elapsed|Domain):/m.test(text)) {
    throw new UsageError(
      'this looks like virsh output; expected query-migrate replies as JSON (virsh qemu-monitor-command DOM query-migrate)',
      place,
    );
  }
  if (/^(globals:|Migration status:|Status:)/m.test(text)) {
    throw new UsageError(
      'this looks like the monitor\'s "info migrate"; expected query-migrate replies as JSON',
      place,
    );
  }
  throw new UsageError(
    'this is not JSON; expected an array of query-migrate replies, or one reply a line',
    place,
  );
}

/** The reply inside a wrapper or a QMP line; null for other QMP traffic. */
function replyOf({ value, place, index }: Entry): JsonObject | null {
  if ('query_migrate' in value) return objectField(value, 'query_migrate', place, index);
  if ('return' in value) {
    const reply = value['return'];
    return isObject(reply) && (isObject(reply['ram']) || typeof reply['status'] === 'string') ? reply : null;
  }
  if (OTHER_QMP.some((key) => key in value)) return null;
  if ('status' in value || 'ram' in value || Object.keys(value).length === 0) return value;
  throw new UsageError(
    `sample ${index + 1} is no query-migrate reply (expected "status" and "ram", or a wrapper with "query_migrate" or "return"; found ${quoteKeys(value)})`,
    place,
  );
}

function quoteKeys(value: JsonObject): string {
  const keys = Object.keys(value).slice(0, 4);
  return keys.map((key) => `"${key}"`).join(', ');
}

function objectField(value: JsonObject, key: string, place: Place, index: number): JsonObject {
  const inner = value[key];
  if (!isObject(inner)) throw new UsageError(`sample ${index + 1}: "${key}" should be an object`, place);
  return inner;
}

function sampleOf(reply: JsonObject, { place, index }: Entry): MigrateSample | null {
  const status = reply['status'];
  if (status !== undefined && (typeof status !== 'string' || !STATUSES.includes(status))) {
    throw new UsageError(
      `sample ${index + 1}: ${JSON.stringify(status)} is no migration status of QEMU`,
      place,
    );
  }
  if (reply['ram'] === undefined || status === undefined) return null;
  const ram = objectField(reply, 'ram', place, index);
  const read = (from: JsonObject, key: string): number => requiredNumber(from, key, place, index);
  const maybe = (from: JsonObject, key: string): number | null =>
    from[key] === undefined ? null : read(from, key);

  if (ram['page-size'] !== undefined && read(ram, 'page-size') !== PAGE_BYTES) {
    throw new UsageError(
      `sample ${index + 1}: page-size is ${read(ram, 'page-size')}; only guests with pages of ${PAGE_BYTES} bytes are known`,
      place,
    );
  }
  const xbzrle = reply['xbzrle-cache'];
  const sample: MigrateSample = {
    tUs: read(reply, 'total-time') * 1000,
    status,
    setupTimeMs: maybe(reply, 'setup-time'),
    downtimeMs: maybe(reply, 'downtime'),
    expectedDowntimeMs: maybe(reply, 'expected-downtime'),
    totalBytes: read(ram, 'total'),
    remainingBytes: read(ram, 'remaining'),
    transferredBytes: read(ram, 'transferred'),
    normalPages: read(ram, 'normal'),
    zeroPages: read(ram, 'duplicate'),
    xbzrlePages: isObject(xbzrle) ? (maybe(xbzrle, 'pages') ?? 0) : 0,
    dirtySyncCount: read(ram, 'dirty-sync-count'),
    mbps: maybe(ram, 'mbps') ?? 0,
    dirtyPagesRate: maybe(ram, 'dirty-pages-rate') ?? 0,
    multifdBytes: maybe(ram, 'multifd-bytes') ?? 0,
    downtimeBytes: maybe(ram, 'downtime-bytes') ?? 0,
    throttlePercent: maybe(reply, 'cpu-throttle-percentage') ?? 0,
    dirtyLimitSleepUs: maybe(reply, 'dirty-limit-throttle-time-per-round'),
    place,
    index,
  };
  checkUnits(sample, maybe(ram, 'normal-bytes'));
  return sample;
}

function requiredNumber(from: JsonObject, key: string, place: Place, index: number): number {
  const value = from[key];
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    const found = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
    throw new UsageError(`sample ${index + 1}: "${key}" ${found}; expected a number`, place);
  }
  if (value < 0) throw new UsageError(`sample ${index + 1}: "${key}" is negative (${value})`, place);
  return value;
}

/** Figures that no QEMU can report: a unit was changed on the way, or two logs were mixed. */
function checkUnits(sample: MigrateSample, normalBytes: number | null): void {
  const refuse = (message: string): never => {
    throw new UsageError(`sample ${sample.index + 1}: ${message}`, sample.place);
  };
  if (sample.totalBytes === 0 || sample.totalBytes % PAGE_BYTES !== 0) {
    refuse(
      `total is ${sample.totalBytes}, expected bytes in whole pages of ${PAGE_BYTES}: which unit is it in?`,
    );
  }
  if (sample.remainingBytes > sample.totalBytes) {
    refuse(`remaining (${sample.remainingBytes}) is more than total (${sample.totalBytes}); both are bytes`);
  }
  if (sample.remainingBytes % PAGE_BYTES !== 0) {
    refuse(
      `remaining is ${sample.remainingBytes}, expected bytes in whole pages of ${PAGE_BYTES}: which unit is it in?`,
    );
  }
  if (normalBytes !== null && normalBytes !== sample.normalPages * PAGE_BYTES) {
    refuse(`normal-bytes (${normalBytes}) is not normal (${sample.normalPages}) times ${PAGE_BYTES}`);
  }
  if (sample.throttlePercent > 99)
    refuse(`cpu-throttle-percentage is ${sample.throttlePercent}; QEMU goes to 99`);
  // The stream's counters are read one after another while pages flow: allow a buffer's worth of lag.
  const lagBytes = 64 * 1024 * 1024;
  if (sample.multifdBytes === 0 && sample.transferredBytes + lagBytes < sample.normalPages * PAGE_BYTES) {
    refuse(
      `transferred (${sample.transferredBytes}) is less than the ${sample.normalPages} pages sent: which unit is it in?`,
    );
  }
}

function checkOrder(previous: MigrateSample, sample: MigrateSample): void {
  const refuse = (message: string): never => {
    throw new UsageError(`sample ${sample.index + 1}: ${message}`, sample.place);
  };
  const once = 'samples must be in the order of time, of one migration';
  if (sample.tUs < previous.tUs) {
    refuse(`total-time goes back from ${previous.tUs / 1000} to ${sample.tUs / 1000} ms; ${once}`);
  }
  if (sample.dirtySyncCount < previous.dirtySyncCount) {
    refuse(`dirty-sync-count goes back from ${previous.dirtySyncCount} to ${sample.dirtySyncCount}; ${once}`);
  }
  if (pagesSent(sample) < pagesSent(previous)) {
    refuse(`pages sent go back from ${pagesSent(previous)} to ${pagesSent(sample)}; ${once}`);
  }
  if (sample.totalBytes !== previous.totalBytes) {
    refuse(`total changes from ${previous.totalBytes} to ${sample.totalBytes}; ${once}`);
  }
}

/** Pages taken from the migration bitmap so far. */
export function pagesSent(sample: MigrateSample): number {
  return sample.normalPages + sample.zeroPages + sample.xbzrlePages;
}
