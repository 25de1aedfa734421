/**
 * What all of KubeVirt's policies share: the monitor of virt-launcher and its timeouts. Source: kubevirt
 * pkg/virt-launcher/virtwrap/live-migration-source.go (migrationMonitor) and manager.go (getVMIMigrationDataSize).
 */
import type { Controls } from '../../migration/controls.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { MigrationSetup } from '../../migration/setup.js';
import { act, endsAfter, isUnderway, MAX_DOWNTIME_MS, refusalWithoutPostcopy } from './actions.js';
import { guestRamBytes } from './guest-size.js';

const { ceil, floor } = Math;

/** monitorSleepPeriodMS. */
export const MONITOR_PERIOD_MS = 400;
/** QEMUDefaultTargetDowntimeMS. */
export const QEMU_DEFAULT_DOWNTIME_MS = 300;

/** Options that stand in every MigrationPolicy. */
export const completionTimeoutOption = {
  kind: 'duration-ms',
  min: 1000,
  orNone: true,
  default: '150s',
  summary: 'completionTimeoutPerGiB: per 10^9 bytes of guest RAM, rounded up; none: no timeout',
} as const;
export const allowPostCopyOption = {
  kind: 'flag',
  default: false,
  summary: 'allowPostCopy: end by post-copy what does not end by itself',
} as const;
export const allowDisruptionOption = {
  kind: 'flag',
  default: false,
  summary: 'allowWorkloadDisruption: stop the guest rather than abort; comes with allow-post-copy',
} as const;
export const maxDowntimeOption = {
  kind: 'duration-ms',
  min: 1,
  max: MAX_DOWNTIME_MS,
  bareNumber: true,
  default: '900ms',
  summary: 'maxDowntimeMs: downtime-limit is never set above it',
} as const;
export const progressTimeoutOption = {
  kind: 'duration-ms',
  min: 1000,
  orNone: true,
  default: '150s',
  summary: 'progressTimeout: abort when the remainder has not shrunk for this long; none: never',
} as const;

/** Whole seconds after which a migration is late, 0 for never: "per GiB" is per started 10^9 bytes. */
export function acceptableCompletionS(perGib: number | 'none', ramBytes: number): number {
  return perGib === 'none' ? 0 : floor((perGib / 1000) * ceil(ramBytes / 1e9));
}

export function completionTimeS(perGib: number | 'none', migration: Controls): number {
  return acceptableCompletionS(perGib, guestRamBytes(migration.stats().totalBytes));
}

/** Whole seconds since the migration began, as the monitor counts. */
export function elapsedS(migration: Controls): number {
  return floor(migration.nowUs() / 1e6);
}

export function refusesPostcopy(
  options: { readonly 'allow-post-copy': boolean },
  setup: MigrationSetup,
): string | null {
  return options['allow-post-copy'] ? refusalWithoutPostcopy(setup) : null;
}

/** How KubeVirt's policies end a migration by the clock: at the completion timeout. */
export function endsAtTimeout(
  options: Omit<TimeoutOptions, 'progress-timeout'>,
  { guest }: MigrationSetup,
): string | null {
  const ms = acceptableCompletionS(options['completion-timeout-per-gib'], guest.ramPages * PAGE_BYTES) * 1000;
  if (ms === 0) return null;
  if (options['allow-post-copy']) return endsAfter('postcopy', ms);
  return endsAfter(options['allow-workload-disruption'] ? 'pause' : 'abort', ms);
}

export interface TimeoutOptions {
  /** ms. */
  readonly 'completion-timeout-per-gib': number | 'none';
  readonly 'progress-timeout': number | 'none';
  readonly 'allow-post-copy': boolean;
  readonly 'allow-workload-disruption': boolean;
}

/**
 * handleLegacyConvergence, to be called at every poll: at the completion timeout post-copy, pause or abort; abort without
 * progress. Any poll that sees less left than the one before is progress, so a curve that goes up and down never lacks it.
 */
export function startTimeouts(options: TimeoutOptions, migration: Controls): () => void {
  const allowPostCopy = options['allow-post-copy'];
  const disruptive = options['allow-workload-disruption'] || allowPostCopy;
  const perGib = options['completion-timeout-per-gib'];
  const progress = options['progress-timeout'];
  const progressTimeoutS = progress === 'none' ? Infinity : progress / 1000;
  let acceptableS = completionTimeS(perGib, migration);
  let watermark = 0;
  let lastProgressUs = 0;
  let paused = false;
  let aborted = false;
  const abort = (rule: string, why: string): void => {
    aborted = true;
    act(migration, 'abort', rule, why);
  };
  return () => {
    if (aborted || !isUnderway(migration)) return;
    const { remainingBytes } = migration.stats();
    if (watermark === 0 || remainingBytes < watermark) lastProgressUs = migration.nowUs();
    watermark = remainingBytes;
    const late = acceptableS > 0 && elapsedS(migration) > acceptableS;
    const stuckS = floor((migration.nowUs() - lastProgressUs) / 1e6);
    const why = `not completed after ${acceptableS} seconds`;
    if (late && disruptive && !paused) {
      act(migration, allowPostCopy ? 'postcopy' : 'pause', 'shouldAssistMigrationToComplete', why);
      paused = true;
      acceptableS *= 2;
    } else if (stuckS > progressTimeoutS) {
      abort('isMigrationProgressing', `stuck for ${stuckS} seconds`);
    } else if (late) {
      abort('shouldTriggerTimeout', why);
    }
  };
}
