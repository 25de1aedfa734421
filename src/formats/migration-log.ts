/** What the readers of logs return: one migration as far as its log shows it. */
import type { QemuVersion } from '../migration/rules/versions.js';
import { type NonEmpty } from '../lists.js';
import type { Place } from '../errors.js';

/** The programs whose logs are read. */
export type LogSource =
  | 'record'
  | 'qmp'
  | 'hmp'
  | 'virsh'
  | 'proxmox'
  | 'nova'
  | 'vdsm'
  | 'virt-launcher'
  | 'cloudstack'
  | 'guestperf';

/** One reading of a running migration. Times in ms or us, sizes in bytes; null: the log does not say. */
export interface LogSample {
  /** Since the migration (or the job around it) began, us. */
  readonly tUs: number | null;
  /** As QEMU names it. */
  readonly status: string;
  readonly setupTimeMs: number | null;
  readonly downtimeMs: number | null;
  readonly expectedDowntimeMs: number | null;
  readonly totalBytes: number | null;
  readonly remainingBytes: number | null;
  readonly transferredBytes: number | null;
  readonly normalPages: number | null;
  /** Zero pages sent (`duplicate`). */
  readonly zeroPages: number | null;
  /** Pages sent as XBZRLE deltas; 0 without it. */
  readonly xbzrlePages: number;
  readonly dirtySyncCount: number | null;
  /** 10^6 bit/s of the last window; 0 where it is not known. */
  readonly mbps: number;
  /** Pages per second at the last sync that refreshed it; 0 before and where it is not known. */
  readonly dirtyPagesRate: number;
  readonly multifdBytes: number;
  /** Bytes of RAM records sent while the guest was stopped. */
  readonly downtimeBytes: number;
  readonly postcopyBytes: number;
  /** Auto-converge, 0..99; 0 when the log does not mention it. */
  readonly throttlePercent: number;
  /** Dirty limit: longest sleep at a full ring, us; null when no limit is in service. */
  readonly dirtyLimitSleepUs: number | null;
  /** Where it was read: for messages. */
  readonly place: Place;
  readonly index: number;
  /** Which guest it is of, where a log holds several; empty when the log does not say. */
  readonly guest: string;
}

/** A sample of which nothing is known but its place: readers fill in what their log shows. */
export function emptySample(place: Place, index: number): LogSample {
  return {
    tUs: null,
    status: 'active',
    setupTimeMs: null,
    downtimeMs: null,
    expectedDowntimeMs: null,
    totalBytes: null,
    remainingBytes: null,
    transferredBytes: null,
    normalPages: null,
    zeroPages: null,
    xbzrlePages: 0,
    dirtySyncCount: null,
    mbps: 0,
    dirtyPagesRate: 0,
    multifdBytes: 0,
    downtimeBytes: 0,
    postcopyBytes: 0,
    throttlePercent: 0,
    dirtyLimitSleepUs: null,
    place,
    index,
    guest: '',
  };
}

/** QEMU's parameters, as far as the log shows that they were set. */
export interface LogSettings {
  /** bytes/s; 0: unlimited. */
  readonly maxBandwidth?: number;
  /** ms, at the start of the migration. */
  readonly downtimeLimitMs?: number;
  /** Later limits, in the order in which they were set, ms. */
  readonly laterDowntimeLimitsMs?: readonly number[];
  /** When each of them was set, us; left out where one of the times is not known. */
  readonly limitsRaisedAtUs?: readonly number[];
  readonly capabilities?: readonly string[];
  /** The version whose rules are the nearest to those of the log's QEMU. */
  readonly qemu?: QemuVersion;
  /** Guest RAM, bytes, and vCPUs. */
  readonly memoryBytes?: number;
  readonly vcpus?: number;
}

export interface MigrationLog {
  readonly file: string;
  readonly source: LogSource;
  /** Of one migration, in the order of time, at least one. */
  readonly samples: NonEmpty<LogSample>;
  readonly settings: LogSettings;
  /** The clock began with the job, before QEMU's migration did. */
  readonly jobClock: boolean;
  /** Sizes are rounded: in kB, MB or with few digits. */
  readonly rounded: boolean;
  /** Sentences, no full stop: units that were mended, other migrations in the same file, what was left out. */
  readonly notes: readonly string[];
  /** Replies without figures of RAM (before the migration, in setup, after cancelling). */
  readonly skipped: number;
}

/** A downtime-limit that was set, and how many samples were in the log by then. */
export interface LoggedLimit {
  readonly ms: number;
  /** Of which guest, where the log says it; else empty. */
  readonly guest: string;
  readonly before: number;
}

/** What a reader finds in a file, before its migrations are separated. */
export interface FoundSamples {
  readonly samples: readonly LogSample[];
  /** Without limits of the downtime, which `limits` has. */
  readonly settings: LogSettings;
  readonly limits: readonly LoggedLimit[];
  readonly notes: readonly string[];
  readonly skipped: number;
}

/** `failed` and `cancelled` end a migration as `completed` does. */
export function hasEnded(status: string): boolean {
  return ['completed', 'failed', 'cancelled'].includes(status);
}
