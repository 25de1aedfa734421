/**
 * The monitor's `info migrate` (migration/migration-hmp-cmds.c:hmp_info_migrate) in its three layouts: one figure a line up
 * to 10.0, `Time (ms): total=…` in 10.1, and sizes with units in 11.0, where three digits are left of each.
 */
import { nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { LogSample } from '../migration-log.js';
import { Collector, numberOf, sizeOf, withoutUnderflow, type Fields } from './lines.js';
import type { Reader } from './reader.js';

/** The line that begins the figures of one reply: in the first layout, and in the later ones. */
const STATUS = /(?:^|[\s\]:|>])(Migration status|Status):\s*([a-z][a-z-]*)\s*$/;

export const hmpReader: Reader = {
  name: 'HMP info migrate',
  source: 'hmp',
  writtenBy: "QEMU's monitor (1.x to 11.0), virsh qemu-monitor-command --hmp",
  example: 'virsh qemu-monitor-command --hmp vm info migrate | migsim learn -',
  shows: 'pages, syncs, remaining, rates, throttles',
  lacks: 'parameters; in 11.0 sizes have three digits',
  rounded: true,
  recognises: (text) =>
    /(^|[\s\]:|>])Migration status:\s*[a-z-]+\s*$/m.test(text) ||
    (/(^|[\s\]:|>])Status:\s*[a-z-]+\s*$/m.test(text) && /(RAM info:|Time \(ms\):)/.test(text)),
  read(text, file) {
    const log = new Collector(file);
    let record: Record | null = null;
    text.split('\n').forEach((line, at) => {
      const status = STATUS.exec(line);
      if (status !== null) {
        close(record, log);
        record = { line: at + 1, old: status[1] === 'Migration status', fields: { status: nth(status, 2) } };
      } else if (record === null || !readFigures(line, record)) readSettings(line, log);
    });
    close(record, log);
    const found = log.found();
    if (found.samples.length === 0) {
      throw new UsageError(
        'this "info migrate" has no figures of RAM: it was taken before the migration, or on the destination',
        { file },
      );
    }
    return { kind: 'samples', found };
  },
};

interface Record {
  readonly line: number;
  readonly old: boolean;
  readonly fields: { -readonly [key in keyof Fields]: Fields[key] };
}

function close(record: Record | null, log: Collector): void {
  if (record === null) return;
  const { totalBytes, transferredBytes, normalPages } = record.fields;
  const last: LogSample | undefined = log.samples.at(-1);
  if (totalBytes == null || (transferredBytes == null && normalPages == null)) {
    log.skip();
    const { status = '' } = record.fields;
    if (last !== undefined && ['failed', 'cancelled'].includes(status) && last.status === 'active')
      log.add(record.line, { ...last, status });
    return;
  }
  log.add(record.line, record.fields);
}

function readFigures(line: string, record: Record): boolean {
  return record.old ? readOld(line, record.fields) : readNew(line, record.fields);
}

const OLD =
  /(?:^|[\s\]:|>])(total time|expected downtime|downtime|setup|transferred ram|throughput|remaining ram|total ram|duplicate|normal bytes|normal|dirty sync count|page size|multifd bytes|dirty pages rate|downtime ram|postcopy ram|xbzrle pages|cpu throttle percentage|dirty-limit throttle time)\s*:\s*([\d.]+)\s*([a-z]*)/;

function readOld(line: string, fields: Record['fields']): boolean {
  const match = OLD.exec(line);
  if (match === null) return false;
  const [, label, number, unit] = match;
  const value = numberOf(number);
  if (value === null) return false;
  const size = (): number | null => withoutUnderflow(sizeOf(number, unit));
  if (label === 'total time') fields.tUs = value * 1000;
  else if (label === 'expected downtime') fields.expectedDowntimeMs = value;
  else if (label === 'downtime') fields.downtimeMs = value;
  else if (label === 'setup') fields.setupTimeMs = value;
  else if (label === 'transferred ram') fields.transferredBytes = size();
  else if (label === 'throughput') fields.mbps = value;
  else if (label === 'remaining ram') fields.remainingBytes = size();
  else if (label === 'total ram') fields.totalBytes = size();
  else if (label === 'duplicate') fields.zeroPages = value;
  else if (label === 'normal') fields.normalPages = value;
  else if (label === 'dirty sync count') fields.dirtySyncCount = value;
  else if (label === 'multifd bytes') fields.multifdBytes = size() ?? 0;
  else if (label === 'dirty pages rate') fields.dirtyPagesRate = value;
  else if (label === 'downtime ram') fields.downtimeBytes = size() ?? 0;
  else if (label === 'postcopy ram') fields.postcopyBytes = size() ?? 0;
  else if (label === 'xbzrle pages') fields.xbzrlePages = value;
  else if (label === 'cpu throttle percentage') fields.throttlePercent = value;
  else if (label === 'dirty-limit throttle time') fields.dirtyLimitSleepUs = value;
  else if (label === 'page size') checkPageSize(value);
  return true;
}

function checkPageSize(kib: number): void {
  if (kib * 1024 !== PAGE_BYTES)
    throw new UsageError(`page size is ${kib} KiB; only guests with pages of ${PAGE_BYTES} bytes are known`);
}

const PAIR = /([a-z_]+)=([\d.]+)(?: ?(B|KiB|MiB|GiB|TiB|PiB)\b)?/g;

/** `unit` of a number without one: sizes of 10.1 are KB. */
function readNew(line: string, fields: Record['fields']): boolean {
  const rate = /(?:Bandwidth|Throughput) \((?:mbps|Mbps)\):\s*([\d.]+)/.exec(line);
  if (rate !== null) fields.mbps = numberOf(rate[1]) ?? 0;
  const throttle = /CPU Throttle \(%\):\s*(\d+)/.exec(line);
  if (throttle !== null) fields.throttlePercent = Number(throttle[1]);
  const sleep = /Dirty-limit Throttle \(us\):\s*(\d+)/.exec(line);
  if (sleep !== null) fields.dirtyLimitSleepUs = Number(sleep[1]);
  let found = rate !== null || throttle !== null || sleep !== null;
  for (const [, key = '', number, unit] of line.matchAll(PAIR)) {
    found = assign(key, numberOf(number), sizeOf(number, unit ?? 'KiB'), line, fields) || found;
  }
  return found;
}

function assign(
  key: string,
  value: number | null,
  size: number | null,
  line: string,
  fields: Record['fields'],
): boolean {
  if (value === null || size === null) return false;
  const ofXbzrle = line.includes('XBZRLE:');
  if (key === 'total' && line.includes('Time (ms)')) fields.tUs = value * 1000;
  else if (key === 'setup') fields.setupTimeMs = value;
  else if (key === 'exp_down') fields.expectedDowntimeMs = value;
  else if (key === 'down') fields.downtimeMs = value;
  else if (key === 'psize' || key === 'pagesize') checkPageSize(size / 1024);
  else if (key === 'total') fields.totalBytes = size;
  else if (key === 'transferred' && !ofXbzrle) fields.transferredBytes = size;
  else if (key === 'remain') fields.remainingBytes = withoutUnderflow(size);
  else if (key === 'multifd') fields.multifdBytes = size;
  else if (key === 'postcopy') fields.postcopyBytes = size;
  else if (key === 'normal') fields.normalPages = value;
  else if (key === 'zero') fields.zeroPages = value;
  else if (key === 'pages' && ofXbzrle) fields.xbzrlePages = value;
  else if (key === 'dirty_syncs') fields.dirtySyncCount = value;
  else if (key === 'dirty_pages_rate' || key === 'dirty') fields.dirtyPagesRate = value;
  else if (key === 'downtime_bytes') fields.downtimeBytes = value;
  else return false;
  return true;
}

/** Those that change a migration's course, by their names in QEMU; the globals of the first layout look alike. */
const CAPABILITIES = [
  'auto-converge',
  'compress',
  'dirty-limit',
  'multifd',
  'x-multifd',
  'pause-before-switchover',
  'postcopy-preempt',
  'postcopy-ram',
  'return-path',
  'xbzrle',
  'zero-blocks',
];

/** `info migrate_parameters` and the capabilities, where they stand in the same log. */
function readSettings(line: string, log: Collector): void {
  const limit = /(?:^|\s)downtime-limit:\s*(\d+)\s*(?:ms|milliseconds)/.exec(line);
  if (limit !== null) log.setDowntimeLimit(Number(limit[1]));
  const rate = /(?:^|\s)max-bandwidth:\s*(\d+)\s*bytes/.exec(line);
  if (rate !== null) log.setMaxBandwidth(Number(rate[1]));
  for (const [, name = ''] of line.matchAll(/([a-z-]+): on\b/g))
    if (CAPABILITIES.includes(name)) log.setCapability(name);
}
