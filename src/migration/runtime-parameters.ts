/**
 * What `migrate-set-parameters` can change while a migration runs (options.c:migrate_params_apply), and when it takes effect.
 * Units are in the names; rates are bytes/s.
 */
export interface RuntimeParameters {
  /** At the next window. */
  readonly downtimeLimitMs?: number;
  /** At once, but not in post-copy; 0 = unlimited. */
  readonly maxBandwidth?: number;
  /** At the next window; 0 = what a window carries. Since 8.2. */
  readonly availSwitchoverBandwidth?: number;
  /** At once in post-copy; 0 = unlimited. */
  readonly maxPostcopyBandwidth?: number;
  /** At the next sync that is judged, percent. */
  readonly throttleTriggerThreshold?: number;
  /** Auto-converge, at its next step: percent, percent, percent and whether steps grow smaller. */
  readonly cpuThrottleInitial?: number;
  readonly cpuThrottleIncrement?: number;
  readonly maxCpuThrottle?: number;
  readonly cpuThrottleTailslow?: boolean;
  /** Dirty limit: whole MiB/s, at the next trigger. */
  readonly vcpuDirtyLimitMib?: number;
  /** Dirty limit: ms, at the next period. */
  readonly vcpuDirtyLimitPeriodMs?: number;
}

export type RuntimeParameter = keyof RuntimeParameters;

/** Under QEMU's names. */
export const RUNTIME_NAMES = {
  downtimeLimitMs: 'downtime-limit',
  maxBandwidth: 'max-bandwidth',
  availSwitchoverBandwidth: 'avail-switchover-bandwidth',
  maxPostcopyBandwidth: 'max-postcopy-bandwidth',
  throttleTriggerThreshold: 'throttle-trigger-threshold',
  cpuThrottleInitial: 'cpu-throttle-initial',
  cpuThrottleIncrement: 'cpu-throttle-increment',
  maxCpuThrottle: 'max-cpu-throttle',
  cpuThrottleTailslow: 'cpu-throttle-tailslow',
  vcpuDirtyLimitMib: 'vcpu-dirty-limit',
  vcpuDirtyLimitPeriodMs: 'x-vcpu-dirty-limit-period',
} as const satisfies Readonly<Record<RuntimeParameter, string>>;

/** Parameters that only a strategy reads. */
export const STRATEGY_PARAMETERS: readonly RuntimeParameter[] = [
  'cpuThrottleInitial',
  'cpuThrottleIncrement',
  'maxCpuThrottle',
  'cpuThrottleTailslow',
  'vcpuDirtyLimitMib',
  'vcpuDirtyLimitPeriodMs',
];

/** What can be done to a migration apart from setting parameters: QMP's own words. */
export const SCHEDULED_COMMANDS = [
  'start-postcopy',
  'stop',
  'cont',
  'migrate-continue',
  'migrate-pause',
  'migrate-recover',
  'cancel',
] as const;
export type ScheduledCommand = (typeof SCHEDULED_COMMANDS)[number];

/** Something that the user does at a time since `migrate`, µs, or when `dirty-sync-count` reaches a number. */
export interface ScheduledAction {
  readonly afterUs?: number;
  readonly atSync?: number;
  readonly set?: RuntimeParameters;
  readonly do?: ScheduledCommand;
}
