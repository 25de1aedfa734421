/** Small migrations for tests: every field has a plain default, and a test names only what matters to it. */
import { parseOptions } from '../../src/options/read.js';
import { hostFields } from '../../src/guest/host-profiles/fields.js';
import type { AccessClass, GuestSpec, HostProfile, VcpuSpec } from '../../src/guest/spec.js';
import type { Controls } from '../../src/migration/controls.js';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { LinkSpec, MigrationParameters, MigrationSetup } from '../../src/migration/setup.js';
import { strategies, type StrategyName } from '../../src/strategies/index.js';
import type { StrategyDefinition } from '../../src/strategies/define.js';

export const PAGE = 4096;
/** Pages of a MiB and of a GiB. */
export const MIB = 256;
export const GIB = 262_144;
/** A normal page and a zero page on the wire: 8 bytes of header before 4096 bytes, or before one. */
export const NORMAL_RECORD = 4104;
export const ZERO_RECORD = 9;

/** A host that costs nothing and is never late: what remains are QEMU's rules and the wire. */
export const freeHost: HostProfile = {
  ...(Object.fromEntries(
    Object.entries(hostFields).map(([field, { kind }]) => [field, kind === 'flag' ? false : 0]),
  ) as unknown as Omit<HostProfile, 'name' | 'summary' | 'source'>),
  name: 'free',
  summary: 'costs nothing',
  source: 'none',
};

/** A vCPU with these classes that goes as fast as it goes. */
export function vcpuWith(classes: readonly AccessClass[], group = 'writer'): VcpuSpec {
  return { group, classes, busy: 1, phases: [], phasePeriodUs: 0 };
}

/** A vCPU that writes `pages` pages from `firstPage` on, one after the other or anywhere. */
export function writer(fields: {
  readonly pages: number;
  readonly writesPerSecond: number;
  readonly firstPage?: number;
  readonly pattern?: AccessClass['pattern'];
}): VcpuSpec {
  return vcpuWith([{ firstPage: 0, pattern: 'uniform', readsPerSecond: 0, ...fields }]);
}

/** A vCPU that only reads. */
export function reader(firstPage: number, pages: number, readsPerSecond: number): VcpuSpec {
  return vcpuWith([{ firstPage, pages, pattern: 'uniform', writesPerSecond: 0, readsPerSecond }], 'reader');
}

export interface SetupFields {
  readonly guest?: Partial<GuestSpec>;
  readonly host?: Partial<HostProfile>;
  readonly link?: Partial<LinkSpec>;
  readonly migration?: Partial<MigrationParameters>;
  readonly memory?: MigrationSetup['memory'];
  readonly seed?: number;
  readonly run?: number;
  readonly timelineMs?: number;
}

/** 64 MiB of RAM without vCPUs on a free host, over 1 GB/s, with QEMU 10.0 and its defaults but no bandwidth limit. */
export function setupOf({ guest, host, link, migration, ...rest }: SetupFields = {}): MigrationSetup {
  return {
    name: 'test',
    guest: {
      ramPages: 64 * MIB,
      hiddenPages: 0,
      zeroExtents: [],
      dirtyRingSize: 0,
      hostPagePages: 1,
      vcpus: [],
      ...guest,
    },
    host: { ...freeHost, ...host },
    link: { bandwidthBytesPerSecond: 1e9, latencyUs: 0, phases: [], ...link },
    migration: {
      qemu: '10.0',
      maxBandwidth: 0,
      downtimeLimitMs: 300,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 50,
      returnPath: false,
      pauseBeforeSwitchover: false,
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect: true,
      clearBitmapShift: 18,
      giveUpAfterUs: 60_000_000,
      ...migration,
    },
    memory: 'page',
    seed: 1,
    run: 1,
    timelineMs: 0,
    keepSyncs: true,
    ...rest,
  };
}

/** A migration with a strategy of the registry; `watch` sees it as another observer would. */
export function migrate(
  setup: MigrationSetup,
  strategy: StrategyName = 'none',
  options: Readonly<Record<string, unknown>> = {},
  watch: (controls: Controls) => void = () => {},
): MigrationResult {
  const definition: StrategyDefinition = strategies[strategy];
  const parsed = parseOptions(definition.options, options);
  const refusal = definition.refuses?.(parsed, setup) ?? null;
  if (refusal !== null) throw new Error(refusal);
  const prepared = definition.prepare?.(parsed, setup) ?? setup;
  return runMigration(prepared, { strategy, policy: 'wait' }, (controls) => {
    definition.start(parsed, controls);
    watch(controls);
  });
}
