/** The form of a recording: what each field is and in which unit. */
import * as z from 'zod/mini';

export const RECORDING_FORMAT = 'migsim-recording/1';

const count = z.int().check(z.minimum(0));
const positive = z.number().check(z.positive());
const amount = z.number().check(z.minimum(0));
const percent = z.number().check(z.minimum(0), z.maximum(99));

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
  pagesPerSecondWhileLogged: z.nullish(positive),
  /** The loop sleeps until its next tick and then makes this many accesses at once; absent for a loop that waits busily. */
  tickMicroseconds: z.nullish(positive),
  accessesPerTick: z.nullish(positive),
  /** Bytes of a page that an access writes: word 0 counts the accesses, the rest is pseudo-random. */
  bytesPerAccess: z._default(positive.check(z.maximum(4096)), 4),
  /** Accesses that zero the page instead, percent. */
  clearsPercent: z._default(amount.check(z.maximum(100)), 0),
  /** Ticks that passed while it did not run are made up for, up to this many seconds; 0: all but one are lost. */
  catchUpSeconds: z._default(amount, 0),
});

const commandSchema = z.object({
  execute: z.string(),
  arguments: z._default(z.record(z.string(), z.unknown()), {}),
});

/** A command given while the migration ran. */
const duringSchema = z.extend(commandSchema, {
  /** Seconds since `migrate`: when it was sent, and when it was answered. */
  t: amount,
  returned: z.nullish(amount),
  on: z._default(z.string(), 'source'),
});

const xbzrleSchema = z.object({ pages: count, bytes: count, cacheMiss: count, overflow: count });

const postcopySchema = z.object({
  /** ms since `migrate`. */
  startedMs: amount,
  requests: count,
  bytes: count,
  precopyBytes: z.nullish(count),
  /** As the destination reports them: time for which all vCPUs, and each of them, waited for pages. */
  blocktimeMs: z.nullish(amount),
  vcpuBlocktimeMs: z.nullish(z.array(amount)),
});

const resultSchema = z.object({
  /** `completed`, `not-converged` (given up) or `cancelled` (by a command). */
  status: z.string(),
  totalTimeMs: z.nullish(amount),
  downtimeMs: z.nullish(amount),
  gaveUpAfterMs: z.nullish(amount),
  setupTimeMs: amount,
  dirtySyncCount: count,
  transferredBytes: count,
  normalPages: count,
  zeroPages: count,
  downtimeBytes: count,
  /** From the source's STOP to the destination's RESUME, ms: what the guest felt. */
  stopToResumeMs: z.nullish(amount),
  multifdBytes: z.nullish(count),
  xbzrle: z.nullish(xbzrleSchema),
  postcopy: z.nullish(postcopySchema),
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
  dirtyLimitThrottleUsPerRound: z.nullable(amount),
  dirtyLimitRingFullUs: z.nullable(amount),
  /** Cumulative accesses of each vCPU. */
  vcpuPages: z.array(count),
});

export const recordingSchema = z.object({
  format: z.literal(RECORDING_FORMAT),
  id: z.string().check(z.minLength(1)),
  strategy: z.string(),
  environment: z.object({
    qemu: z.string(),
    accelerator: z.string(),
    machine: z.string(),
    dirtyRingSize: count,
    hostCpus: count,
    transport: z.string(),
    hostLoadBefore: z.nullish(amount),
    destinationQemu: z.nullish(z.string()),
  }),
  guest: z.object({
    memoryMiB: positive,
    ramTotalBytes: count,
    zeroPagesAtStart: count,
    /** What the other words of a page hold: nothing, 1 KiB of noise, noise. */
    pageContent: z._default(z.enum(['one-word', 'quarter-random', 'random']), 'one-word'),
    vcpus: z.array(vcpuSchema).check(z.minLength(1)),
  }),
  migration: z.object({
    capabilities: z.array(z.string()),
    parameters: z.record(z.string(), z.union([z.number(), z.boolean()])),
    /** Parameters whose value is a word. */
    enumParameters: z.nullish(z.record(z.string(), z.string())),
    before: z.array(commandSchema),
    during: z._default(z.array(duringSchema), []),
    beforeSettleSeconds: amount,
    giveUpAfterMs: positive,
  }),
  result: resultSchema,
  syncs: z.array(syncSchema).check(z.minLength(1)),
  samples: z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.number())) }),
});

export type RecordingFile = z.output<typeof recordingSchema>;
export type RecordedVcpu = z.output<typeof vcpuSchema>;

/** A checked recording. `file` is where it was read from. */
export interface Recording extends RecordingFile {
  readonly file: string;
}
