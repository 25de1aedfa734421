/** A change as the very lines that make it, for each program that starts migrations. */
import type { Change, Program } from './change.js';
import { DEFAULT_THROTTLE, WITHOUT_STEPS } from './throttle-steps.js';
import { timeoutUnits } from './timers.js';
import { MIB } from '../units.js';

const { ceil } = Math;

/** libvirt's word for no limit: the largest number of MiB/s that it takes. */
const LIBVIRT_UNLIMITED = 8_796_093_022_207;

export interface LinesOf {
  /** Guest RAM, bytes: timeouts count per GiB. */
  readonly ramBytes: number;
  readonly change: Change;
}

type Writer = (of: LinesOf) => string[] | null;

/** null: the program has no setting for a part of the change. */
export function linesFor(program: Program, of: LinesOf): readonly string[] | null {
  const { tlsMibPerSecond, ...change } = of.change;
  const { throttle = DEFAULT_THROTTLE } = change;
  const isDefault =
    throttle.initial === DEFAULT_THROTTLE.initial && throttle.increment === DEFAULT_THROTTLE.increment;
  if (!isDefault && WITHOUT_STEPS.includes(program)) return null;
  if (tlsMibPerSecond === undefined) return WRITERS[program](of);
  // No program has a setting for it.
  const note = `# TLS has to encrypt ${tlsMibPerSecond} MiB/s on each channel`;
  const lines = Object.keys(change).length === 0 ? [] : WRITERS[program]({ ...of, change });
  return lines === null ? null : [note, ...lines];
}

const WRITERS: Readonly<Record<Program, Writer>> = { qmp, hmp, virsh, nova, kubevirt, proxmox, ovirt };

const json = (value: unknown): string => JSON.stringify(value);

function capabilitiesOf(change: Change): string[] {
  return [
    ...(change.throttle === undefined ? [] : ['auto-converge']),
    ...(change.multifdChannels === undefined ? [] : ['multifd']),
    ...(change.xbzrleCacheMib === undefined ? [] : ['xbzrle']),
    ...(change.dirtyLimitMib === undefined ? [] : ['dirty-limit']),
    ...(change.postcopy === undefined ? [] : ['postcopy-ram']),
  ];
}

function parametersOf(change: Change): Record<string, string | number> {
  const { throttle, compression, multifdChannels, xbzrleCacheMib } = change;
  return {
    ...(change.downtimeLimitMs === undefined ? {} : { 'downtime-limit': change.downtimeLimitMs }),
    ...(change.maxBandwidth === undefined ? {} : { 'max-bandwidth': change.maxBandwidth }),
    ...(throttle === undefined
      ? {}
      : { 'cpu-throttle-initial': throttle.initial, 'cpu-throttle-increment': throttle.increment }),
    ...(multifdChannels === undefined ? {} : { 'multifd-channels': multifdChannels }),
    ...(compression === undefined ? {} : { 'multifd-compression': compression }),
    ...(xbzrleCacheMib === undefined ? {} : { 'xbzrle-cache-size': xbzrleCacheMib * MIB }),
    ...(change.dirtyLimitMib === undefined ? {} : { 'vcpu-dirty-limit': change.dirtyLimitMib }),
    ...(change.withoutTls === undefined ? {} : { 'tls-creds': '' }),
  };
}

function qmp({ change }: LinesOf): string[] {
  const lines: string[] = [];
  const capabilities = capabilitiesOf(change).map((capability) => ({ capability, state: true }));
  if (capabilities.length > 0) {
    lines.push(json({ execute: 'migrate-set-capabilities', arguments: { capabilities } }));
  }
  const parameters = parametersOf(change);
  if (Object.keys(parameters).length > 0) {
    lines.push(json({ execute: 'migrate-set-parameters', arguments: parameters }));
  }
  if (change.dirtyRingSize !== undefined) lines.unshift(`-accel kvm,dirty-ring-size=${change.dirtyRingSize}`);
  if (change.stopFirst) lines.push(json({ execute: 'stop' }));
  if (change.postcopy !== undefined) {
    lines.push(whenLine(change.postcopy));
    lines.push(json({ execute: 'migrate-start-postcopy' }));
  }
  if (change.pause !== undefined) {
    lines.push(whenLine(change.pause));
    lines.push(json({ execute: 'stop' }));
  }
  if (change.timeoutS !== undefined) lines.push(`# no migrate_cancel before ${change.timeoutS} s`);
  return lines;
}

/**
 * The monitor's own commands (migration/migration-hmp-cmds.c): a plain number of max-bandwidth and vcpu-dirty-limit is MiB/s, of
 * xbzrle-cache-size bytes. A bandwidth is rounded up to whole MiB/s.
 */
function hmp({ change }: LinesOf): string[] {
  const { maxBandwidth, dirtyLimitMib, ...others } = change;
  const parameters: Record<string, string | number> = {
    ...parametersOf(others),
    ...(maxBandwidth === undefined ? {} : { 'max-bandwidth': ceil(maxBandwidth / MIB) }),
    ...(dirtyLimitMib === undefined ? {} : { 'vcpu-dirty-limit': dirtyLimitMib }),
  };
  const { postcopy, pause } = change;
  return [
    ...(change.dirtyRingSize === undefined ? [] : [`-accel kvm,dirty-ring-size=${change.dirtyRingSize}`]),
    ...capabilitiesOf(change).map((name) => `migrate_set_capability ${name} on`),
    ...Object.entries(parameters).map(
      ([name, value]) => `migrate_set_parameter ${name} ${value === '' ? '""' : String(value)}`,
    ),
    ...(change.stopFirst === undefined ? [] : ['stop']),
    ...(postcopy === undefined ? [] : [whenLine(postcopy), 'migrate_start_postcopy']),
    ...(pause === undefined ? [] : [whenLine(pause), 'stop']),
    ...(change.timeoutS === undefined ? [] : [`# no migrate_cancel before ${change.timeoutS} s`]),
  ];
}

function whenLine({ passes, afterS }: NonNullable<Change['pause']>): string {
  return passes === null
    ? `# after ${afterS} s:`
    : `# at dirty-sync-count ${passes}, after about ${afterS} s:`;
}

/**
 * As virsh(1) of libvirt 11 has it. zlib and zstd are there since 9.4 and need --parallel; other compressors are not. libvirt
 * knows no dirty-limit: it goes to QEMU's monitor before the migration, and libvirt leaves what it does not know as it is.
 */
function virsh({ change }: LinesOf): string[] | null {
  const { throttle, multifdChannels, compression, xbzrleCacheMib, postcopy, pause, maxBandwidth } = change;
  if (compression !== undefined && !['zlib', 'zstd'].includes(compression)) return null;
  const options = [
    ...(throttle === undefined
      ? []
      : [
          '--auto-converge',
          `--auto-converge-initial ${throttle.initial}`,
          `--auto-converge-increment ${throttle.increment}`,
        ]),
    ...(multifdChannels === undefined ? [] : ['--parallel', `--parallel-connections ${multifdChannels}`]),
    ...(compression === undefined ? [] : ['--compressed', `--comp-methods ${compression}`]),
    ...(xbzrleCacheMib === undefined
      ? []
      : ['--compressed', '--comp-methods xbzrle', `--comp-xbzrle-cache ${xbzrleCacheMib * MIB}`]),
    ...(postcopy === undefined ? [] : ['--postcopy']),
    ...(postcopy === undefined
      ? []
      : postcopy.passes !== null && postcopy.passes <= 2
        ? ['--postcopy-after-precopy']
        : [`--timeout ${postcopy.afterS}`, '--timeout-postcopy']),
    ...(pause === undefined ? [] : [`--timeout ${pause.afterS}`, '--timeout-suspend']),
  ];
  const before: string[] = [];
  const during: string[] = [];
  if (change.dirtyRingSize !== undefined) {
    before.push(`<features><kvm><dirty-ring state='on' size='${change.dirtyRingSize}'/></kvm></features>`);
  }
  if (change.dirtyLimitMib !== undefined) {
    const capabilities = [{ capability: 'dirty-limit', state: true }];
    before.push(
      '# libvirt has no dirty-limit; these go to QEMU itself, and the log calls the domain tainted:',
      monitor({ execute: 'migrate-set-capabilities', arguments: { capabilities } }),
      monitor({
        execute: 'migrate-set-parameters',
        arguments: { 'vcpu-dirty-limit': change.dirtyLimitMib },
      }),
    );
  }
  if (change.stopFirst) before.push('virsh suspend DOMAIN');
  if (change.downtimeLimitMs !== undefined)
    during.push(`virsh migrate-setmaxdowntime DOMAIN ${change.downtimeLimitMs}`);
  if (maxBandwidth !== undefined) {
    const speed = maxBandwidth === 0 ? LIBVIRT_UNLIMITED : ceil(maxBandwidth / MIB);
    before.push(`virsh migrate-setspeed DOMAIN ${speed}`);
  }
  const plain =
    options.length === 0 &&
    change.stopFirst === undefined &&
    change.dirtyLimitMib === undefined &&
    change.withoutTls === undefined;
  if (change.withoutTls) before.push('# without --tls:');
  if (change.timeoutS !== undefined) before.push(`# no --timeout below ${change.timeoutS} s`);
  const migrate = plain ? [] : [`virsh migrate --live ${[...options, 'DOMAIN', 'DESTINATION'].join(' ')}`];
  return [...before, ...migrate, ...during];
}

function monitor(command: unknown): string {
  return `virsh qemu-monitor-command DOMAIN '${json(command)}'`;
}

/** Seconds per GiB as the program counts them, so that the whole is no shorter. */
function perGib(seconds: number, program: Program, ramBytes: number): number {
  return ceil(seconds / timeoutUnits(program, ramBytes) - 1e-9);
}

/**
 * As nova/conf/libvirt.py has it: downtime in ms from 100 on, bandwidth in MiB/s, the timeout in s per GiB of RAM, at least 2.
 * live_migration_parallel_connections came with 2026.1 (Nova 33).
 */
function nova({ change, ramBytes }: LinesOf): string[] | null {
  const { postcopy, pause, maxBandwidth } = change;
  if (change.compression !== undefined || change.xbzrleCacheMib !== undefined) return null;
  if (change.dirtyLimitMib !== undefined || change.stopFirst !== undefined) return null;
  const end = postcopy ?? pause;
  return [
    '[libvirt]',
    ...(change.downtimeLimitMs === undefined
      ? []
      : [`live_migration_downtime = ${Math.max(100, change.downtimeLimitMs)}`]),
    ...(maxBandwidth === undefined
      ? []
      : [`live_migration_bandwidth = ${maxBandwidth === 0 ? 0 : ceil(maxBandwidth / MIB)}`]),
    ...(change.throttle === undefined ? [] : ['live_migration_permit_auto_converge = true']),
    ...(change.multifdChannels === undefined
      ? []
      : ['# from 2026.1 on:', `live_migration_parallel_connections = ${change.multifdChannels}`]),
    ...(change.withoutTls === undefined ? [] : ['live_migration_with_native_tls = false']),
    ...(postcopy === undefined ? [] : ['live_migration_permit_post_copy = true']),
    ...(end === undefined
      ? []
      : [
          'live_migration_timeout_action = force_complete',
          `live_migration_completion_timeout = ${perGib(end.afterS, 'nova', ramBytes)}`,
        ]),
    ...(change.timeoutS === undefined
      ? []
      : [`live_migration_completion_timeout = ${perGib(change.timeoutS, 'nova', ramBytes)}`]),
  ];
}

/**
 * MigrationPolicySpec of kubevirt.io/api migrations/v1alpha1. Its webhook wants allowWorkloadDisruption with allowPostCopy,
 * and one of two alpha feature gates for maxDowntimeMs; compression is one of the experimental options: none or zstd.
 */
function kubevirt({ change, ramBytes }: LinesOf): string[] | null {
  const { postcopy, pause, compression, maxBandwidth } = change;
  if (change.xbzrleCacheMib !== undefined || change.dirtyLimitMib !== undefined) return null;
  if (change.stopFirst !== undefined || change.withoutTls !== undefined) return null;
  if (change.multifdChannels !== undefined && compression === undefined) return null;
  if (compression !== undefined && compression !== 'zstd') return null;
  const end = postcopy ?? pause;
  const timeoutS = end?.afterS ?? change.timeoutS;
  return [
    'apiVersion: migrations.kubevirt.io/v1alpha1',
    'kind: MigrationPolicy',
    'metadata: { name: as-advised }',
    'spec:',
    '  selectors: { virtualMachineInstanceSelector: { migration: as-advised } }',
    ...(change.downtimeLimitMs === undefined
      ? []
      : [
          '  # needs the feature gate MigrationStallDetection or MigrationDowntimeTuning:',
          `  maxDowntimeMs: ${change.downtimeLimitMs}`,
        ]),
    ...(maxBandwidth === undefined
      ? []
      : [`  bandwidthPerMigration: ${maxBandwidth === 0 ? "'0'" : `${ceil(maxBandwidth / MIB)}Mi`}`]),
    ...(change.throttle === undefined ? [] : ['  allowAutoConverge: true']),
    ...(postcopy === undefined ? [] : ['  allowPostCopy: true']),
    ...(end === undefined ? [] : ['  allowWorkloadDisruption: true']),
    ...(timeoutS === undefined
      ? []
      : [`  completionTimeoutPerGiB: ${perGib(timeoutS, 'kubevirt', ramBytes)}`]),
    ...(compression === undefined ? [] : [`  experimental: { compression: ${compression} }`]),
  ];
}

/**
 * `qm set`, as PVE/QemuServer.pm has it: seconds, and MB/s of 1024 × 1024 with 0 for no limit. bwlimit of datacenter.cfg
 * holds as well (PVE/QemuMigrate.pm takes the lower); what it always turns on stands in
 * `ALWAYS_ON` (src/policies/kit/always-on.ts).
 */
function proxmox({ change }: LinesOf): string[] | null {
  const { downtimeLimitMs, maxBandwidth, withoutTls, stopFirst, ...others } = change;
  if (Object.keys(others).length > 0) return null;
  const options = [
    ...(downtimeLimitMs === undefined ? [] : [`--migrate_downtime ${downtimeLimitMs / 1000}`]),
    ...(maxBandwidth === undefined ? [] : [`--migrate_speed ${ceil(maxBandwidth / MIB)}`]),
  ];
  return [
    ...(options.length === 0 ? [] : [`qm set VMID ${options.join(' ')}`]),
    ...(maxBandwidth === undefined ? [] : ['# and no lower bwlimit in datacenter.cfg']),
    ...(stopFirst === undefined ? [] : ['qm suspend VMID']),
    ...(withoutTls === undefined ? [] : ['qm migrate VMID TARGET --online --migration_type insecure']),
  ];
}

/**
 * engine-config.properties and the migration policies of oVirt 4. Each policy but Legacy has auto-converge on and sets the
 * downtime by steps of its own (dbscripts/upgrade/pre_upgrade/0000_config.sql, MigrateVmCommand.java), so that the two
 * options count with Legacy only; compression is on with `Suspend workload if needed`.
 */
function ovirt({ change }: LinesOf): string[] | null {
  const { postcopy, pause, multifdChannels, maxBandwidth } = change;
  if (change.compression !== undefined || change.dirtyLimitMib !== undefined) return null;
  if (change.stopFirst !== undefined || change.withoutTls !== undefined || change.timeoutS !== undefined)
    return null;
  const legacy =
    change.downtimeLimitMs !== undefined ||
    change.throttle !== undefined ||
    change.xbzrleCacheMib !== undefined;
  return [
    ...(legacy ? ['# with the migration policy Legacy; others set these themselves:'] : []),
    ...(change.downtimeLimitMs === undefined
      ? []
      : [`engine-config -s DefaultMaximumMigrationDowntime=${change.downtimeLimitMs}`]),
    ...(change.throttle === undefined ? [] : ['engine-config -s DefaultAutoConvergence=true']),
    ...(change.xbzrleCacheMib === undefined ? [] : ['engine-config -s DefaultMigrationCompression=true']),
    ...(legacy ? ['systemctl restart ovirt-engine'] : []),
    ...(maxBandwidth === undefined
      ? []
      : [
          maxBandwidth === 0
            ? 'cluster, Migration Policy: Bandwidth "Auto"'
            : `cluster, Migration Policy: Bandwidth "Custom", ${ceil((maxBandwidth * 8) / 1e6)} Mbps`,
        ]),
    ...(multifdChannels === undefined
      ? []
      : [`cluster, Migration Policy: Parallel Migrations "Custom", ${multifdChannels} connections`]),
    ...(postcopy === undefined ? [] : ['cluster, Migration Policy: "Post-copy migration"']),
    ...(pause === undefined ? [] : ['cluster, Migration Policy: "Suspend workload if needed"']),
  ];
}
