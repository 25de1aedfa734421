import { PAGE_BYTES } from '../guest/spec.js';
import { definePolicy } from '../strategies/define.js';
import { act, endsAfter, isUnderway, refusalWithoutPostcopy } from './kit/actions.js';
import { guestRamBytes } from './kit/guest-size.js';
import { GIB } from '../units.js';

const { floor, max } = Math;

/** nova/virt/libvirt/driver.py:_live_migration_monitor sleeps so long between two looks. */
const POLL_MS = 500;
/** _live_migration_data_gb: no guest counts for less. */
const LEAST_GIB = 2;

export const TIMEOUT_ACTIONS = ['abort', 'force_complete'] as const;

/** From `afterS` seconds on (strictly) the limit is `downtimeMs`. */
export interface DowntimeStep {
  readonly afterS: number;
  readonly downtimeMs: number;
}

/** GiB that Nova's delays are multiplied by. */
export function novaDataGib(ramBytes: number): number {
  return max(ramBytes / GIB, LEAST_GIB);
}

/**
 * nova/virt/libvirt/migration.py:downtime_steps: `steps` + 1 limits from `downtimeMs`/`steps` up to `downtimeMs`, one every
 * `delayS` seconds a GiB, both cut to whole numbers.
 */
export function novaDowntimeSteps(
  downtimeMs: number,
  steps: number,
  delayS: number,
  dataGib: number,
): DowntimeStep[] {
  const delay = floor(delayS * dataGib);
  const base = downtimeMs / steps;
  const offset = (downtimeMs - base) / steps;
  return Array.from({ length: steps + 1 }, (_, i) => ({
    afterS: floor(delay * i),
    downtimeMs: floor(base + offset * i),
  }));
}

/** migration.py:update_downtime: the last step that lies behind; null before the first. */
function stepAt(steps: readonly DowntimeStep[], elapsedS: number): DowntimeStep | null {
  return steps.findLast(({ afterS }) => elapsedS > afterS) ?? null;
}

export const nova = definePolicy({
  name: 'nova',
  summary: "OpenStack's downtime steps, with an end that grows with the guest",
  source:
    'OpenStack nova/virt/libvirt/migration.py downtime_steps, update_downtime; driver.py _live_migration_monitor; ' +
    'nova/conf/libvirt.py live_migration_*',
  rule: `Every 500 ms Nova compares the clock with its plan. The plan: downtime-limit begins at downtime/downtime-steps and rises by
(downtime − downtime/downtime-steps)/downtime-steps each downtime-delay, to reach downtime after downtime-steps rises.

downtime-delay and completion-timeout count per GiB of guest RAM, a guest below 2 GiB as one of 2 GiB. After completion-timeout
the migration is aborted; with timeout-action force_complete it is completed by force at the next look instead, by post-copy
where permit-post-copy is on, else by stopping the guest.`,
  options: {
    downtime: {
      kind: 'duration-ms',
      min: 100,
      bareNumber: true,
      default: '500ms',
      summary: 'live_migration_downtime: the last and largest downtime-limit',
    },
    'downtime-steps': {
      kind: 'count',
      min: 3,
      default: 10,
      summary: 'live_migration_downtime_steps: rises up to downtime',
    },
    'downtime-delay': {
      kind: 'duration-ms',
      min: 3000,
      default: '75s',
      summary: 'live_migration_downtime_delay: time between two rises, per GiB of guest RAM',
    },
    'completion-timeout': {
      kind: 'duration-ms',
      min: 1000,
      orNone: true,
      default: '800s',
      summary: 'live_migration_completion_timeout: per GiB of guest RAM; none: no timeout',
    },
    'timeout-action': {
      kind: 'choice',
      choices: TIMEOUT_ACTIONS,
      default: 'abort',
      summary:
        'live_migration_timeout_action: abort, or force_complete by post-copy or by stopping the guest',
    },
    'permit-post-copy': {
      kind: 'flag',
      default: false,
      summary: 'live_migration_permit_post_copy: complete by post-copy instead of stopping the guest',
    },
  },
  refuses(options, setup) {
    return options['permit-post-copy'] ? refusalWithoutPostcopy(setup) : null;
  },
  ends(options, setup) {
    const perGib = options['completion-timeout'];
    if (perGib === 'none') return null;
    const ms = floor((perGib / 1000) * novaDataGib(setup.guest.ramPages * PAGE_BYTES)) * 1000;
    if (options['timeout-action'] === 'abort') return endsAfter('abort', ms);
    return endsAfter(options['permit-post-copy'] ? 'postcopy' : 'pause', ms);
  },
  start(options, migration) {
    const dataGib = novaDataGib(guestRamBytes(migration.stats().totalBytes));
    const delayS = options['downtime-delay'] / 1000;
    const steps = novaDowntimeSteps(options.downtime, options['downtime-steps'], delayS, dataGib);
    const perGib = options['completion-timeout'];
    const timeoutS = perGib === 'none' ? Infinity : floor((perGib / 1000) * dataGib);
    const late = `Live migration not completed after ${timeoutS} sec`;
    let current: number | null = null;
    /** The timeout only queues the task; the next look runs it. */
    let forceComplete: 'no' | 'queued' | 'done' = 'no';

    const timer = migration.every(POLL_MS, () => {
      if (!isUnderway(migration)) return timer.cancel();
      const elapsedS = migration.nowUs() / 1e6;
      if (forceComplete === 'queued') {
        forceComplete = 'done';
        act(migration, options['permit-post-copy'] ? 'postcopy' : 'pause', 'run_tasks', late);
      }
      if (elapsedS > timeoutS) {
        if (options['timeout-action'] === 'abort') {
          act(migration, 'abort', 'should_trigger_timeout_action', late);
          return timer.cancel();
        }
        if (forceComplete === 'no') forceComplete = 'queued';
      }
      const step = stepAt(steps, elapsedS);
      if (step === null || step.downtimeMs === current) return;
      current = step.downtimeMs;
      const text = `Increasing downtime to ${step.downtimeMs} ms after ${step.afterS} sec elapsed time`;
      migration.explain('update_downtime', text);
      migration.set({ downtimeLimitMs: step.downtimeMs });
    });
  },
});
