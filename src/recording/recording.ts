/**
 * `migsim-recording/1`: one real migration with everything that was known before it started, and what came of it.
 * The format is described in recordings/README.md. Reading checks it to the last sample; nothing is repaired.
 */
import { z } from 'zod';
import { UsageError } from '../errors.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { isObject, parseJson } from '../formats/json.js';

export const RECORDING_FORMAT = 'migsim-recording/1';

const count = z.int().min(0);
const positive = z.number().positive();
const amount = z.number().min(0);
const percent = z.number().min(0).max(99);

const vcpuSchema = z.object({
  id: count,
  access: z.enum(['read', 'write']),
  pattern: z.enum(['sequential', 'uniform']),
  workingSetMiB: positive,
  firstPageMiB: amount,
  /** Shortest time from one access to the next, µs; 0: as fast as it goes. */
  paceMicroseconds: amount,
  /** Accesses a second, measured before anything was tracked. */
  pagesPerSecond: positive,
  /** The same with dirty logging on; absent where it was not measured. */
  pagesPerSecondWhileLogged: positive.nullish(),
});

const commandSchema = z.object({
  execute: z.string(),
  arguments: z.record(z.string(), z.unknown()).default({}),
});

const resultSchema = z.object({
  status: z.string(),
  totalTimeMs: amount.nullish(),
  downtimeMs: amount.nullish(),
  gaveUpAfterMs: amount.nullish(),
  setupTimeMs: amount,
  dirtySyncCount: count,
  transferredBytes: count,
  normalPages: count,
  zeroPages: count,
  downtimeBytes: count,
});

const syncSchema = z.object({
  /** Seconds since `migrate`. */
  t: amount,
  n: count,
  transferred: count,
  remaining: count,
  dirtyPagesRate: count,
  /** 10^6 bit/s. */
  mbps: amount,
  throttlePercent: percent,
  dirtyLimitThrottleUsPerRound: amount.nullable(),
  dirtyLimitRingFullUs: amount.nullable(),
  /** Cumulative accesses of each vCPU. */
  vcpuPages: z.array(count),
});

const recordingSchema = z.object({
  format: z.literal(RECORDING_FORMAT),
  id: z.string().min(1),
  strategy: z.string(),
  environment: z.object({
    qemu: z.string(),
    accelerator: z.string(),
    machine: z.string(),
    dirtyRingSize: count,
    hostCpus: count,
    transport: z.string(),
    hostLoadBefore: amount.nullish(),
  }),
  guest: z.object({
    memoryMiB: positive,
    ramTotalBytes: count,
    zeroPagesAtStart: count,
    vcpus: z.array(vcpuSchema).min(1),
  }),
  migration: z.object({
    capabilities: z.array(z.string()),
    parameters: z.record(z.string(), z.union([z.number(), z.boolean()])),
    before: z.array(commandSchema),
    beforeSettleSeconds: amount,
    giveUpAfterMs: positive,
  }),
  result: resultSchema,
  syncs: z.array(syncSchema).min(1),
  samples: z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.number())) }),
});

export type RecordingFile = z.output<typeof recordingSchema>;
export type RecordedVcpu = z.output<typeof vcpuSchema>;

/** A checked recording. `file` is where it was read from. */
export interface Recording extends RecordingFile {
  readonly file: string;
}

/** @throws UsageError with the file and the field that is wrong. */
export function readRecording(text: string, file: string): Recording {
  if (text.trim() === '')
    throw new UsageError(`the file is empty; expected a ${RECORDING_FORMAT} file`, { file });
  const value = parseJson(text, file);
  checkFormat(value, file);
  const parsed = recordingSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue === undefined || issue.path.length === 0 ? '' : `${formatPath(issue.path)}: `;
    throw new UsageError(`${path}${issue?.message ?? 'not a recording'}`, { file });
  }
  const recording = { ...parsed.data, file };
  checkMemory(recording);
  checkResult(recording);
  checkSyncs(recording);
  checkSamples(recording);
  return recording;
}

function checkFormat(value: unknown, file: string): void {
  if (!isObject(value))
    throw new UsageError(`expected one JSON object of the format ${RECORDING_FORMAT}`, { file });
  const format = value['format'];
  if (format === RECORDING_FORMAT) return;
  if (typeof format === 'string' && format.startsWith('migsim-recording/')) {
    throw new UsageError(`the format is ${format}; this version reads ${RECORDING_FORMAT}`, { file });
  }
  const found = typeof format === 'string' ? `found "${format}"` : 'there is no "format"';
  throw new UsageError(`not a recording: expected "format": "${RECORDING_FORMAT}", ${found}`, { file });
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
}

function checkMemory({ guest, environment, file }: Recording): void {
  const ring = environment.dirtyRingSize;
  if (ring !== 0 && (ring & (ring - 1)) !== 0) {
    throw new UsageError(`environment.dirtyRingSize: ${ring} is neither 0 nor a power of two`, { file });
  }
  const ramBytes = guest.memoryMiB * 2 ** 20;
  if (guest.ramTotalBytes % PAGE_BYTES !== 0 || guest.ramTotalBytes < ramBytes) {
    throw new UsageError(
      `guest.ramTotalBytes: ${guest.ramTotalBytes} bytes cannot hold memoryMiB (${guest.memoryMiB}) in whole pages; is it in bytes?`,
      { file },
    );
  }
  if (guest.zeroPagesAtStart * PAGE_BYTES > guest.ramTotalBytes) {
    throw new UsageError(
      `guest.zeroPagesAtStart: ${guest.zeroPagesAtStart} pages are more than the guest has`,
      { file },
    );
  }
  guest.vcpus.forEach((vcpu, at) => {
    if (vcpu.firstPageMiB + vcpu.workingSetMiB > guest.memoryMiB) {
      throw new UsageError(
        `guest.vcpus[${at}]: its working set ends beyond the guest's memory (${guest.memoryMiB} MiB)`,
        { file },
      );
    }
  });
}

function checkResult({ result, file }: Recording): void {
  const refuse = (field: string, message: string): never => {
    throw new UsageError(`result.${field}: ${message}`, { file });
  };
  if (result.status === 'completed') {
    if (result.totalTimeMs == null) refuse('totalTimeMs', 'missing, but the migration completed');
    if (result.downtimeMs == null) refuse('downtimeMs', 'missing, but the migration completed');
    if ((result.downtimeMs ?? 0) > (result.totalTimeMs ?? 0))
      refuse('downtimeMs', 'longer than the whole migration; both are ms');
  } else if (result.gaveUpAfterMs == null) {
    refuse('gaveUpAfterMs', `missing, but the status is ${result.status}`);
  }
  if (result.transferredBytes < result.normalPages * PAGE_BYTES) {
    refuse(
      'transferredBytes',
      `${result.transferredBytes} bytes cannot carry ${result.normalPages} pages; is it in bytes?`,
    );
  }
}

function checkSyncs({ syncs, guest, file }: Recording): void {
  syncs.forEach((sync, at) => {
    const refuse = (field: string, message: string): never => {
      throw new UsageError(`syncs[${at}].${field}: ${message}`, { file });
    };
    if (sync.remaining > guest.ramTotalBytes)
      refuse('remaining', `${sync.remaining} is more than the guest's memory; is it in bytes?`);
    if (sync.vcpuPages.length !== guest.vcpus.length) {
      refuse('vcpuPages', `${sync.vcpuPages.length} numbers for ${guest.vcpus.length} vCPUs`);
    }
    const previous = syncs[at - 1];
    if (previous === undefined) return;
    if (sync.t < previous.t) refuse('t', `goes back from ${previous.t} to ${sync.t} s`);
    if (sync.n <= previous.n) refuse('n', `${sync.n} after ${previous.n}; expected a later sync`);
    if (sync.transferred < previous.transferred)
      refuse('transferred', `goes back from ${previous.transferred} to ${sync.transferred}`);
    sync.vcpuPages.forEach((pages, vcpu) => {
      if (pages < (previous.vcpuPages[vcpu] ?? 0))
        refuse(`vcpuPages[${vcpu}]`, `goes back to ${pages}; it counts up`);
    });
  });
}

function checkSamples({ samples, guest, file }: Recording): void {
  const columns = [...SAMPLE_COLUMNS, ...guest.vcpus.map((_, id) => `vcpu${id}Pages`)];
  if (samples.columns.join() !== columns.join()) {
    throw new UsageError(
      `samples.columns: expected ${columns.join(', ')}; found ${samples.columns.join(', ')}`,
      { file },
    );
  }
  samples.rows.forEach((row, at) => {
    if (row.length !== columns.length) {
      throw new UsageError(`samples.rows[${at}]: ${row.length} numbers for ${columns.length} columns`, {
        file,
      });
    }
    const wrong = row.findIndex((value) => !(value >= 0));
    if (wrong >= 0) throw new UsageError(`samples.rows[${at}]: ${columns[wrong]} is negative`, { file });
    const [t = 0, transferred = 0, remaining = 0] = row;
    if (remaining > guest.ramTotalBytes) {
      throw new UsageError(
        `samples.rows[${at}]: remaining is more than the guest's memory; is it in bytes?`,
        { file },
      );
    }
    const [tBefore = 0, transferredBefore = 0] = samples.rows[at - 1] ?? [];
    if (t < tBefore || transferred < transferredBefore) {
      throw new UsageError(`samples.rows[${at}]: out of order (t and transferred only grow)`, { file });
    }
  });
}

const SAMPLE_COLUMNS = ['t', 'transferred', 'remaining', 'throttlePercent'];
