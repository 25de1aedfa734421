/**
 * Reports of QEMU's guestperf (tests/migration-stress/guestperf/report.py, until 2024 under tests/migration/): one JSON
 * object with the scenario, one record of query-migrate a pass, and how fast the guest's stress load went.
 *
 * Reports of all years are read: `dirty_ring_size`, `multifd…`, `dirty_limit…` and `result` came later and may be missing,
 * and values that QEMU did not report were written as 0.
 */
import * as z from 'zod/mini';
import { isMap } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { ENGLISH, transformed } from '../../options/zod.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { parseJson } from '../json.js';
import type { MigrateSample } from '../complete.js';
import { emptySample } from '../migration-log.js';

const amount = z.number().check(z.minimum(0));
const list = transformed(
  z.nullish(z.array(transformed(z.union([z.string(), z.number()]), String))),
  (value) => value ?? [],
);
const flag = transformed(z.nullish(z.boolean()), (value) => value ?? false);
const orZero = transformed(z.nullish(amount), (value) => value ?? 0);
const word = transformed(z.nullish(z.string()), (value) => value ?? '');

const hardwareSchema = z.object({
  cpus: z.int().check(z.minimum(1)),
  /** GiB that the stress load fills; the machine has 512 MiB more. */
  mem: z.number().check(z.positive()),
  src_cpu_bind: list,
  src_mem_bind: list,
  dst_cpu_bind: list,
  dst_mem_bind: list,
  prealloc_pages: flag,
  huge_pages: flag,
  locked_pages: flag,
  dirty_ring_size: orZero,
});

/** Defaults are those of scenario.py, for what older reports lack. */
const scenarioSchema = z.object({
  name: z.string(),
  /** ms. */
  downtime: z._default(amount, 500),
  /** MiB/s. */
  bandwidth: z._default(amount, 125_000),
  max_iters: z._default(amount, 30),
  /** Seconds. */
  max_time: z._default(amount, 300),
  pause: flag,
  pause_iters: z._default(amount, 5),
  post_copy: flag,
  post_copy_iters: z._default(amount, 5),
  auto_converge: flag,
  /** Percent. */
  auto_converge_step: z._default(amount, 10),
  compression_mt: flag,
  compression_mt_threads: z._default(amount, 1),
  compression_xbzrle: flag,
  /** Percent of guest memory. */
  compression_xbzrle_cache: z._default(amount, 10),
  multifd: flag,
  multifd_channels: z._default(amount, 2),
  multifd_compression: word,
  dirty_limit: flag,
  /** ms. */
  x_vcpu_dirty_limit_period: z._default(amount, 500),
  /** MiB/s. */
  vcpu_dirty_limit: z._default(amount, 1),
});

const progressSchema = z.object({
  status: z.string(),
  ram: z.object({
    transferred_bytes: orZero,
    remaining_bytes: orZero,
    total_bytes: orZero,
    duplicate_pages: orZero,
    skipped_pages: orZero,
    normal_pages: orZero,
    normal_bytes: orZero,
    dirty_rate_pps: orZero,
    /** 10^6 bit/s, whatever its name says. */
    transfer_rate_mbs: transformed(z.nullish(z.number()), (value) => Math.max(0, value ?? 0)),
    iterations: orZero,
  }),
  /** Seconds since the host's epoch. */
  now: amount,
  /** ms, as all that follow. */
  duration: orZero,
  downtime: orZero,
  downtime_expected: orZero,
  setup_time: orZero,
  throttle_pcent: orZero,
  /** µs. */
  dirty_limit_throttle_time_per_round: orZero,
  dirty_limit_ring_full_time: orZero,
});

const timingsSchema = transformed(
  z.nullish(z.array(z.object({ tid: z.number(), timestamp: z.number(), value: amount }))),
  (value) => value ?? [],
);

const reportSchema = z.object({
  hardware: hardwareSchema,
  scenario: scenarioSchema,
  progress_history: z.array(progressSchema),
  /** `value`: ms to update 1 GiB; not in the order of time. */
  guest_timings: timingsSchema,
  /** `value`: CPU time so far, ms. */
  qemu_timings: timingsSchema,
  vcpu_timings: timingsSchema,
  binary: word,
  dst_host: word,
  kernel: word,
  initrd: word,
  transport: word,
  sleep: orZero,
  result: transformed(z.nullish(z.object({ success: z.nullish(z.boolean()) })), (value) => ({
    success: value?.success ?? null,
  })),
});

/** With guestperf's own names: units are next to the fields of the schema above. */
export type GuestperfFile = z.input<typeof reportSchema>;

/** The year from which on guestperf wrote so. */
export type GuestperfForm = 2016 | 2021 | 2023 | 2025;

/** What one run was asked for. */
export type GuestperfScenario = z.output<typeof scenarioSchema>;

/** guestperf's defaults, and what is given instead. */
export function guestperfScenario(given: z.input<typeof scenarioSchema>): GuestperfScenario {
  return scenarioSchema.parse(given);
}

/** A report of guestperf under its own names, with defaults for what older reports lack. */
export interface GuestperfReport extends z.output<typeof reportSchema> {
  readonly file: string;
  /** Which of guestperf's forms it has, by the keys that came in that year. */
  readonly form: GuestperfForm;
  /** ms that QEMU was given: until 2021 guestperf took `downtime`/1024 for seconds. */
  readonly downtimeLimitMs: number;
  /** `progress_history` as samples of query-migrate, without those that carry no RAM statistics. */
  readonly samples: readonly MigrateSample[];
}

export type GuestperfTiming = GuestperfReport['guest_timings'][number];

export function isGuestperf(value: unknown): boolean {
  return isMap(value) && Array.isArray(value['progress_history']);
}

/** Whether a text is meant as a report, be it whole or not: no log of query-migrate has these keys. */
export function looksLikeGuestperf(text: string): boolean {
  return /^\s*\{/.test(text) && /"progress_history"\s*:/.test(text);
}

/** @throws UsageError with the file and the field that is wrong. */
export function readGuestperf(text: string, file: string): GuestperfReport {
  if (text.trim() === '') throw new UsageError('the file is empty; expected a report of guestperf', { file });
  const value = parseJson(text, file);
  if (!isGuestperf(value)) {
    throw new UsageError('not a report of guestperf: expected an object with "progress_history"', { file });
  }
  const parsed = reportSchema.safeParse(value, { error: inWords });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UsageError(
      `${(issue?.path ?? []).join('.')}: ${issue?.message ?? 'not as guestperf writes it'}`,
      { file },
    );
  }
  const report = parsed.data;
  const form = formOf(value);
  const { downtime } = report.scenario;
  const downtimeLimitMs = form === 2016 ? Math.floor((downtime / 1024) * 1000) : downtime;
  return { ...report, file, form, downtimeLimitMs, samples: samplesOf(report.progress_history, file) };
}

function formOf(value: unknown): GuestperfForm {
  const report = isMap(value) ? value : {};
  const scenario = isMap(report['scenario']) ? report['scenario'] : {};
  if ('result' in report || 'multifd_compression' in scenario) return 2025;
  if ('dirty_limit' in scenario) return 2023;
  return 'multifd' in scenario ? 2021 : 2016;
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** `expected a number, got "four"`; a field that is not there is `missing`. */
function inWords(issue: z.core.$ZodRawIssue): ReturnType<z.core.$ZodErrorMap> {
  const { input } = issue;
  const what =
    issue.code === 'invalid_type'
      ? (KINDS[issue.expected] ?? issue.expected)
      : issue.code === 'too_small'
        ? `a number ${issue.inclusive === false ? 'above' : 'of at least'} ${issue.minimum}`
        : undefined;
  if (what === undefined) return ENGLISH.error(issue);
  const got = typeof input === 'object' && input !== null ? 'something else' : JSON.stringify(input);
  return input === undefined ? `missing; expected ${what}` : `expected ${what}, got ${got}`;
}

function samplesOf(history: readonly z.output<typeof progressSchema>[], file: string): MigrateSample[] {
  const place = { file };
  return history.flatMap((progress, index): MigrateSample[] => {
    const { ram } = progress;
    if (ram.total_bytes === 0) return [];
    if (ram.remaining_bytes > ram.total_bytes) {
      throw new UsageError(`progress_history.${index}.ram.remaining_bytes: more than total_bytes`, place);
    }
    const before = history[index - 1];
    if (before !== undefined && before.duration > progress.duration) {
      throw new UsageError(`progress_history.${index}.duration: goes back; is this one migration?`, place);
    }
    return [
      {
        ...emptySample(place, index),
        tUs: progress.duration * 1000,
        status: progress.status,
        setupTimeMs: progress.setup_time,
        downtimeMs: progress.status === 'completed' ? progress.downtime : null,
        expectedDowntimeMs: progress.downtime_expected,
        totalBytes: ram.total_bytes,
        remainingBytes: ram.remaining_bytes,
        transferredBytes: ram.transferred_bytes,
        normalPages: ram.normal_pages === 0 ? ram.normal_bytes / PAGE_BYTES : ram.normal_pages,
        zeroPages: ram.duplicate_pages,
        dirtySyncCount: ram.iterations,
        mbps: ram.transfer_rate_mbs,
        dirtyPagesRate: ram.dirty_rate_pps,
        throttlePercent: Math.min(progress.throttle_pcent, 99),
        dirtyLimitSleepUs:
          progress.dirty_limit_throttle_time_per_round > 0
            ? progress.dirty_limit_throttle_time_per_round
            : null,
      },
    ];
  });
}
