/**
 * `query-migrate` replies (qapi/migration.json, MigrationInfo and MigrationStats) in whatever holds them: a JSON array, one
 * a line, printed over many lines, behind `reply=` in a libvirtd debug log, as Python's dicts, inside wrappers
 * (`query_migrate`, `return`) or between other QMP traffic, which is passed over.
 */
import { isMap, isList } from '../../lists.js';
import { UsageError, type Place } from '../../errors.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { parseJson, type JsonObject } from '../json.js';
import type { LogSample } from '../migration-log.js';
import { emptySample } from '../migration-log.js';
import { valuesIn } from '../values.js';
import { Collector } from './lines.js';
import type { Reader } from './reader.js';

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

/** A reply has both, in either order, in JSON or in Python's quotes. */
const STATUS =
  /["']status\\?["']\s*:\s*["'\\]*(?:none|setup|active|completed|cancell|fail|pre-|device|wait|postcopy)/;
const RAM = /["']ram\\?["']\s*:\s*\{/;

export const qmpReader: Reader = {
  name: 'QMP query-migrate replies',
  source: 'qmp',
  writtenBy: 'QEMU, libvirtd debug logs, Python QMP logs, virsh qemu-monitor-command',
  example:
    'virsh qemu-monitor-command vm \'{"execute":"query-migrate"}\' >> migrate.log; migsim learn migrate.log',
  shows: 'everything: pages, syncs, remaining, rates, throttles',
  lacks: 'parameters, unless the log has the commands that set them',
  recognises: (text) => RAM.test(text) || (STATUS.test(text) && /^\s*[[{]/.test(text)),
  read(text, file) {
    const log = new Collector(file);
    let line = 1;
    let from = 0;
    const values = valuesIn(text);
    for (const { value, start } of values) {
      for (; from < start; from += 1) if (text.charCodeAt(from) === 10) line += 1;
      collect(value, { file, line }, log, text.slice(Math.max(0, start - 160), start));
    }
    const found = log.found();
    if (found.samples.length === 0) refuse(text, file, values.length);
    return { kind: 'samples', found };
  },
};

/** Where no reply was whole: a text that is meant as JSON and breaks off says where. */
function refuse(text: string, file: string, values: number): never {
  const start = text.trimStart();
  if (/^[[{]/.test(start) && values === 0) parseJson(text, file);
  throw new UsageError(
    'no query-migrate reply with RAM statistics in it (expected objects with "status" and "ram"; was the log taken while a migration ran?)',
    { file },
  );
}

function collect(value: unknown, place: Place, log: Collector, before: string): void {
  if (Array.isArray(value)) {
    // The line of an array is not that of its items.
    value.forEach((item) => collect(item, { file: place.file }, log, before));
    return;
  }
  if (!isMap(value)) return;
  if (isMap(value['ram']) && value['status'] !== undefined) {
    const sample = sampleOf(value, place, log.samples.length);
    log.samples.push({ ...sample, guest: guestOf(before) });
    if (isOld(value['ram'])) {
      log.setQemu('7.2');
      log.note('QEMU was older than 7.0, as its replies show: the rules of 7.2 are the nearest');
    }
    return;
  }
  if (collectSettings(value, log, before)) return;
  if (typeof value['status'] === 'string' && STATUSES.includes(value['status']))
    return ended(value, place, log);
  if (Object.keys(value).length === 0) return;
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object') collect(inner, place, log, before);
    else if (typeof inner === 'string' && inner.includes('"ram"')) {
      for (const one of valuesIn(inner)) collect(one.value, place, log, before);
    }
  }
}

/** qapi/migration.json: `precopy-bytes` came with 7.0, `skipped` went with 9.1. */
function isOld(ram: JsonObject): boolean {
  return 'skipped' in ram && !('precopy-bytes' in ram);
}

/** libvirtd logs several guests' monitors in one file. */
function guestOf(before: string): string {
  return /\bmon=(0x[0-9a-f]+)[^\n]*$/.exec(before)?.[1] ?? '';
}

/** A reply without figures of RAM: it may still say how the migration ended. */
function ended(reply: JsonObject, place: Place, log: Collector): void {
  log.skip();
  const status = String(reply['status']);
  const last = log.samples.at(-1);
  if (last === undefined || !['failed', 'cancelled'].includes(status) || last.status === status) return;
  if (['completed', 'failed', 'cancelled'].includes(last.status)) return;
  log.samples.push({ ...last, status, place, index: log.samples.length });
}

/** Arguments of migrate-set-parameters, replies of query-migrate-parameters and their elders. */
function collectSettings(value: JsonObject, log: Collector, before: string): boolean {
  const command = value['execute'];
  const args = isMap(value['arguments']) ? value['arguments'] : value;
  const number = (key: string): number | null => (typeof args[key] === 'number' ? args[key] : null);
  if (command === 'migrate_set_downtime') log.setDowntimeLimit((number('value') ?? -1) * 1000);
  if (command === 'migrate_set_speed') log.setMaxBandwidth(number('value'));
  if (isList(args['capabilities'])) {
    for (const one of args['capabilities']) {
      if (isMap(one) && one['state'] === true && typeof one['capability'] === 'string')
        log.setCapability(one['capability']);
    }
    return true;
  }
  const named = command === 'migrate-set-parameters' || /migrate-set-parameters[^\n]*$/.test(before);
  const isReply = 'max-bandwidth' in args && 'downtime-limit' in args;
  if (!named && !isReply) return typeof command === 'string';
  if (number('max-bandwidth') !== null) log.setMaxBandwidth(number('max-bandwidth'));
  if (number('downtime-limit') !== null) log.setDowntimeLimit(number('downtime-limit'));
  return true;
}

function sampleOf(reply: JsonObject, place: Place, index: number): LogSample {
  const status = reply['status'];
  const refuseSample = (message: string): never => {
    throw new UsageError(`sample ${index + 1}: ${message}`, place);
  };
  if (typeof status !== 'string' || !STATUSES.includes(status)) {
    return refuseSample(`${JSON.stringify(status)} is no migration status of QEMU`);
  }
  const ram = isMap(reply['ram']) ? reply['ram'] : {};
  const maybe = (from: JsonObject, key: string): number | null => {
    const value = from[key];
    if (value === undefined || value === null) return null;
    if (typeof value !== 'number' || !Number.isFinite(value))
      return refuseSample(`"${key}" is ${JSON.stringify(value)}; expected a number`);
    return value < 0 ? refuseSample(`"${key}" is negative (${value})`) : value;
  };
  const read = (from: JsonObject, key: string): number =>
    maybe(from, key) ?? refuseSample(`"${key}" is missing; expected a number`);
  const pageSize = maybe(ram, 'page-size') ?? PAGE_BYTES;
  if (pageSize !== PAGE_BYTES)
    refuseSample(`page-size is ${pageSize}; only guests with pages of ${PAGE_BYTES} bytes are known`);
  const xbzrle = reply['xbzrle-cache'];
  const normalPages = read(ram, 'normal');
  const normalBytes = maybe(ram, 'normal-bytes');
  if (normalBytes !== null && normalBytes !== normalPages * PAGE_BYTES)
    refuseSample(`normal-bytes (${normalBytes}) is not normal (${normalPages}) times ${PAGE_BYTES}`);
  return {
    ...emptySample(place, index),
    tUs: maybe(reply, 'total-time') === null ? null : read(reply, 'total-time') * 1000,
    status,
    setupTimeMs: maybe(reply, 'setup-time'),
    downtimeMs: maybe(reply, 'downtime'),
    expectedDowntimeMs: maybe(reply, 'expected-downtime'),
    totalBytes: read(ram, 'total'),
    remainingBytes: read(ram, 'remaining'),
    transferredBytes: read(ram, 'transferred'),
    normalPages,
    zeroPages: read(ram, 'duplicate'),
    xbzrlePages: isMap(xbzrle) ? (maybe(xbzrle, 'pages') ?? 0) : 0,
    dirtySyncCount: read(ram, 'dirty-sync-count'),
    mbps: maybe(ram, 'mbps') ?? 0,
    dirtyPagesRate: maybe(ram, 'dirty-pages-rate') ?? 0,
    multifdBytes: maybe(ram, 'multifd-bytes') ?? 0,
    downtimeBytes: maybe(ram, 'downtime-bytes') ?? 0,
    postcopyBytes: maybe(ram, 'postcopy-bytes') ?? 0,
    throttlePercent: maybe(reply, 'cpu-throttle-percentage') ?? 0,
    dirtyLimitSleepUs: maybe(reply, 'dirty-limit-throttle-time-per-round'),
  };
}
