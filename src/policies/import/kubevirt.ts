/**
 * From a KubeVirt MigrationPolicy, or the migrations of a KubeVirt resource, to a policy. Sources: kubevirt
 * staging/src/kubevirt.io/api/migrations/v1alpha1/types.go, core/v1/types.go (MigrationConfiguration,
 * ExperimentalMigrationOptions), pkg/virt-config (defaults), pkg/util/migrations/validation.go.
 */
import * as z from 'zod/mini';
import { FLAG, choice, count } from './forms.js';
import { MAX_DOWNTIME_MS } from '../kit/actions.js';
import { amountOf, given, timeoutOf, type ImportedPolicy } from './imported.js';
import { QEMU_DEFAULT_DOWNTIME_MS } from '../kit/kubevirt-monitor.js';
import { bandwidthQuantity, numberQuantity, wholeMib } from '../kit/quantity.js';

const seconds = (min: number) => z.nullish(count({ min }, 'whole seconds'));
const milliseconds = () => z.nullish(count({ min: 1, max: MAX_DOWNTIME_MS }, 'whole ms'));

const downtimeTuning = z.strictObject({
  initialMs: milliseconds(),
  steps: z.nullish(count({ min: 1 })),
  startAfterIteration: z.nullish(count({ min: 0 })),
  cooldownSeconds: seconds(1),
});

const stallDetector = z.strictObject({
  stallMargin: z.nullish(count({ min: 0, max: 100 }, 'a whole percentage')),
  stallProgressTimeout: seconds(1),
  switchoverTimeout: seconds(1),
  ewmaAlpha: z.nullish(numberQuantity(0.001, 1)),
  precopyPossibleFactor: z.nullish(numberQuantity(1, Infinity)),
  patienceWindowDecayFactor: z.nullish(numberQuantity(0, 1)),
  searchLocalMinima: z.nullish(FLAG),
  completionTimeoutFactor: z.nullish(numberQuantity(1, Infinity)),
});

const experimental = z.strictObject({
  compression: z.nullish(choice(['none', 'zstd'])),
  downtimeTuning: z.nullish(downtimeTuning),
  stallDetector: z.nullish(stallDetector),
  /** The proposal's name for it. */
  stallDetection: z.nullish(stallDetector),
});

const shared = {
  allowAutoConverge: z.nullish(FLAG),
  allowPostCopy: z.nullish(FLAG),
  allowWorkloadDisruption: z.nullish(FLAG),
  bandwidthPerMigration: z.nullish(bandwidthQuantity()),
  completionTimeoutPerGiB: seconds(0),
  maxDowntimeMs: milliseconds(),
  experimental: z.nullish(experimental),
};

function disruptionGoesWithPostCopy(
  spec: { allowPostCopy?: boolean | null | undefined; allowWorkloadDisruption?: boolean | null | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (spec.allowPostCopy !== true || spec.allowWorkloadDisruption !== false) return;
  const message = 'expected true where allowPostCopy is true, got false';
  context.addIssue({ code: 'custom', path: ['allowWorkloadDisruption'], message });
}

/** `spec` of a MigrationPolicy. */
export const migrationPolicySpec = z
  .strictObject({ selectors: z.optional(z.unknown()), ...shared })
  .check(z.superRefine(disruptionGoesWithPostCopy));

/** `spec.configuration.migrations` of a KubeVirt resource: what is not about a single migration is let through. */
export const clusterMigrations = z
  .looseObject({ progressTimeout: seconds(0), ...shared })
  .check(z.superRefine(disruptionGoesWithPostCopy));

type Spec = z.output<typeof clusterMigrations> | z.output<typeof migrationPolicySpec>;

/** Keys that say which guests, hosts and networks, not how. */
const ABOUT_OTHERS = new Set([
  'selectors',
  'nodeDrainTaintKey',
  'unsafeMigrationOverride',
  'matchSELinuxLevelOnMigration',
]);

function kind(spec: Spec, stallDetectionGate: boolean): 'stall-detection' | 'downtime-ramp' | 'timeout' {
  const { stallDetector, stallDetection, downtimeTuning } = spec.experimental ?? {};
  if (stallDetectionGate || (stallDetector ?? stallDetection ?? null) !== null) return 'stall-detection';
  return (downtimeTuning ?? null) === null ? 'timeout' : 'downtime-ramp';
}

function stallOptions(spec: Spec): Record<string, unknown> {
  const stall = spec.experimental?.stallDetector ?? spec.experimental?.stallDetection ?? {};
  return {
    'max-downtime': amountOf(spec.maxDowntimeMs, 'ms'),
    'stall-margin': stall.stallMargin ?? undefined,
    'stall-progress-timeout': amountOf(stall.stallProgressTimeout, 's'),
    'switchover-timeout': amountOf(stall.switchoverTimeout, 's'),
    'ewma-alpha': stall.ewmaAlpha ?? undefined,
    'precopy-possible-factor': stall.precopyPossibleFactor ?? undefined,
    'patience-window-decay-factor': stall.patienceWindowDecayFactor ?? undefined,
    'search-local-minima': stall.searchLocalMinima ?? undefined,
    'completion-timeout-factor': stall.completionTimeoutFactor ?? undefined,
  };
}

function rampOptions(spec: Spec): Record<string, unknown> {
  const tuning = spec.experimental?.downtimeTuning ?? {};
  return {
    'max-downtime': amountOf(spec.maxDowntimeMs, 'ms'),
    initial: amountOf(tuning.initialMs, 'ms'),
    steps: tuning.steps ?? undefined,
    'start-after-iteration': tuning.startAfterIteration ?? undefined,
    cooldown: amountOf(tuning.cooldownSeconds, 's'),
  };
}

/** `stallDetectionGate`: the cluster has the feature gate MigrationStallDetection. */
export function importKubevirt(spec: Spec, title: string | null, stallDetectionGate = false): ImportedPolicy {
  const chosen = kind(spec, stallDetectionGate);
  const progressTimeout = 'progressTimeout' in spec ? spec.progressTimeout : undefined;
  const postcopy = spec.allowPostCopy === true;
  const options = {
    ...(chosen === 'stall-detection' ? stallOptions(spec) : {}),
    ...(chosen === 'downtime-ramp' ? rampOptions(spec) : {}),
    'completion-timeout-per-gib': timeoutOf(spec.completionTimeoutPerGiB),
    'progress-timeout': chosen === 'stall-detection' ? undefined : timeoutOf(progressTimeout),
    'allow-post-copy': spec.allowPostCopy ?? undefined,
    'allow-workload-disruption': spec.allowWorkloadDisruption ?? spec.allowPostCopy ?? undefined,
  };
  return {
    name: `kubevirt-${chosen}`,
    options: given(options),
    title,
    migration: {
      maxBandwidth: wholeMib(spec.bandwidthPerMigration ?? 0),
      postcopy,
      ...(chosen === 'timeout' ? { downtimeLimitMs: QEMU_DEFAULT_DOWNTIME_MS } : {}),
    },
    strategy: spec.allowAutoConverge === true ? 'auto-converge' : 'none',
    unused: unusedOf(spec, chosen),
  };
}

function unusedOf(spec: Spec, chosen: ReturnType<typeof kind>): string[] {
  const known = new Set([...Object.keys(shared), 'progressTimeout']);
  const others = Object.keys(spec).filter((key) => !known.has(key) && !ABOUT_OTHERS.has(key));
  const { compression, downtimeTuning } = spec.experimental ?? {};
  if (compression === 'zstd') others.push('experimental.compression');
  if (chosen === 'stall-detection') {
    if ((downtimeTuning ?? null) !== null) others.push('experimental.downtimeTuning');
    if ('progressTimeout' in spec) others.push('progressTimeout');
  }
  if (chosen === 'timeout' && (spec.maxDowntimeMs ?? null) !== null) others.push('maxDowntimeMs');
  return others;
}
