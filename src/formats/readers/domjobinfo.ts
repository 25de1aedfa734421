/**
 * `virsh domjobinfo` (libvirt tools/virsh-domain.c:cmdDomjobinfo), with labels and scaled sizes, or with `--rawstats` as the
 * keys of libvirt's typed parameters. The clock is the job's: its first part prepares the migration.
 */
import { nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { Collector, numberOf, sizeOf, type Fields } from './lines.js';
import type { Reader } from './reader.js';

const JOB = /(?:^|[\s\]:|>])Job type:\s*(\w+)/;

export const domjobinfoReader: Reader = {
  name: 'virsh domjobinfo',
  source: 'virsh',
  writtenBy: 'virsh domjobinfo, with or without --rawstats, --completed or --anystats, of any libvirt',
  example: 'virsh domjobinfo vm | migsim learn -',
  shows: 'pages, syncs, remaining, rates, throttles of auto-converge',
  lacks:
    'parameters; sizes have three decimals (--rawstats: whole bytes); labels of other languages than English (set LC_ALL=C)',
  jobClock: true,
  rounded: true,
  recognises: (text) =>
    (JOB.test(text) || /^[\t ]*(?:Memory (?:remaining|processed)|Data remaining):/m.test(text)) &&
    /(Time elapsed|Data (total|processed|remaining)|Memory (total|processed)|time_elapsed|memory_total|Job type):/.test(
      text,
    ),
  read(text, file) {
    const log = new Collector(file);
    let job: Job | null = null;
    const other = new Set<string>();
    const close = (): void => closeJob(job, log, other);
    text.split('\n').forEach((line, at) => {
      const begins = JOB.exec(line);
      if (begins !== null || (job === null && LABEL.test(line))) {
        close();
        job = { line: at + 1, type: begins?.[1] ?? 'Unbounded', operation: '', fields: {} };
      }
      if (job !== null && begins === null) readLine(line, job);
      const limit = /\bmigrate-setmaxdowntime\s+\S+\s+(\d+)/.exec(line);
      if (limit !== null) log.setDowntimeLimit(Number(limit[1]));
      const speed = /\s(?:--bandwidth\s+|migrate-setspeed\s+\S+\s+)(\d+)/.exec(line);
      if (speed !== null) log.setMaxBandwidth(Number(speed[1]) * 2 ** 20);
    });
    close();
    const last = log.samples.at(-1);
    if (last?.status === 'active' && /operation aborted|canceled by client/.test(text))
      log.amend(last.place.line ?? 1, { status: 'cancelled' });
    const found = log.found();
    if (found.samples.length === 0) {
      const what =
        other.size > 0
          ? `the job is no migration (${[...other].join(', ')})`
          : 'no job with figures of memory in it: it was taken before or after the migration';
      throw new UsageError(
        `${what}; expected virsh domjobinfo while a migration runs, or --completed after it`,
        {
          file,
        },
      );
    }
    return { kind: 'samples', found };
  },
};

interface Job {
  readonly line: number;
  readonly type: string;
  operation: string;
  readonly fields: { -readonly [key in keyof Fields]: Fields[key] };
  processed?: number | null;
  total?: number | null;
  remaining?: number | null;
  postcopyRequests?: number;
}

const STATUSES: Readonly<Record<string, string>> = {
  None: 'none',
  0: 'none',
  Bounded: 'active',
  1: 'active',
  Unbounded: 'active',
  2: 'active',
  Completed: 'completed',
  3: 'completed',
  Failed: 'failed',
  4: 'failed',
  Cancelled: 'cancelled',
  5: 'cancelled',
};

function closeJob(job: Job | null, log: Collector, other: Set<string>): void {
  if (job === null) return;
  const { fields } = job;
  if (/Save|Dump|Snapshot|Backup|Start/i.test(job.operation)) {
    other.add(job.operation);
    return;
  }
  const totalBytes = fields.totalBytes ?? job.total ?? null;
  let status = STATUSES[job.type] ?? 'active';
  if (status === 'active' && (job.postcopyRequests ?? 0) > 0) status = 'postcopy-active';
  if (totalBytes === null || totalBytes === 0) {
    log.skip();
    const last = log.samples.at(-1);
    if (last !== undefined && ['failed', 'cancelled'].includes(status))
      log.add(job.line, { ...last, status });
    return;
  }
  log.add(job.line, {
    ...fields,
    status,
    totalBytes,
    remainingBytes: fields.remainingBytes ?? job.remaining ?? null,
    transferredBytes: fields.transferredBytes ?? job.processed ?? null,
  });
}

const LABEL =
  /(?:^|[\s\]|>])(Operation|Time elapsed w\/o network|Time elapsed|Data processed|Data remaining|Data total|Memory processed|Memory remaining|Memory total|Memory bandwidth|Dirty rate|Page size|Iteration|Postcopy requests|Constant pages|Normal pages|Normal data|Total downtime|Expected downtime|Downtime w\/o network|Setup time|Compressed pages|Auto converge throttle|operation|time_elapsed|data_total|data_processed|data_remaining|memory_total|memory_processed|memory_remaining|memory_bps|memory_constant|memory_normal|memory_dirty_rate|memory_iteration|memory_postcopy_requests|memory_page_size|compression_pages|auto_converge_throttle|downtime|setup_time)\s*:\s*([^\n]*)/;

function readLine(line: string, job: Job): void {
  const match = LABEL.exec(line);
  if (match === null) return;
  const label = nth(match, 1);
  const rest = nth(match, 2).trim();
  if (label === 'Operation') job.operation = rest;
  // VIR_DOMAIN_JOB_OPERATION: 1 start, 2 save, 3 restore, 4 and 5 migration, 6 snapshot, 8 dump, 9 backup.
  if (label === 'operation' && !['0', '4', '5', ''].includes(rest)) job.operation = 'Save or dump';
  const [, number, unit] = /^([\d.,]+)\s*([A-Za-z]*)/.exec(rest) ?? [];
  const value = numberOf(number);
  if (value !== null)
    assign(label, value, sizeOf(number, unit === '' || unit === undefined ? 'B' : unit), job);
}

function assign(label: string, value: number, size: number | null, job: Job): void {
  const { fields } = job;
  if (label === 'Time elapsed' || label === 'time_elapsed') fields.tUs = value * 1000;
  else if (/^data.total$/i.test(label)) job.total = size;
  else if (/^data.processed$/i.test(label)) job.processed = size;
  else if (/^data.remaining$/i.test(label)) job.remaining = size;
  else if (/^memory.total$/i.test(label)) fields.totalBytes = size;
  else if (/^memory.processed$/i.test(label)) fields.transferredBytes = size;
  else if (/^memory.remaining$/i.test(label)) fields.remainingBytes = size;
  else if (/^memory.(bandwidth|bps)$/i.test(label)) fields.mbps = ((size ?? 0) * 8) / 1e6;
  else if (label === 'Dirty rate' || label === 'memory_dirty_rate') fields.dirtyPagesRate = value;
  else if (label === 'Iteration' || label === 'memory_iteration') fields.dirtySyncCount = value;
  else if (/^(memory_)?postcopy.requests$/i.test(label)) job.postcopyRequests = value;
  else if (label === 'Constant pages' || label === 'memory_constant') fields.zeroPages = value;
  else if (label === 'Normal pages' || label === 'memory_normal') fields.normalPages = value;
  else if (label === 'Total downtime') fields.downtimeMs = value;
  else if (label === 'Expected downtime') fields.expectedDowntimeMs = value;
  else if (label === 'downtime') {
    // The raw key is the expected one while the job runs (virsh-domain.c), the true one afterwards.
    if (STATUSES[job.type] === 'completed') fields.downtimeMs = value;
    else fields.expectedDowntimeMs = value;
  } else if (/^setup.time$/i.test(label)) fields.setupTimeMs = value;
  else if (label === 'Compressed pages' || label === 'compression_pages') fields.xbzrlePages = value;
  else if (/^auto.converge.throttle$/i.test(label)) fields.throttlePercent = value;
  else if (/^(memory_)?page.size$/i.test(label) && (size ?? PAGE_BYTES) !== PAGE_BYTES) {
    throw new UsageError(
      `page size is ${size ?? 0}; only guests with pages of ${PAGE_BYTES} bytes are known`,
    );
  }
}
