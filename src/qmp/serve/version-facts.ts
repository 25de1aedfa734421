/**
 * What the QMP of each version has, read in qapi/migration.json, qapi/run-state.json and migration/options.c of its .0
 * release. 11.0 and 11.1 are taken to have what 10.2 has, but for what src/migration/rules/versions.ts knows of them.
 */
import { keysOf, valueAt } from '../../lists.js';
import { QEMU_VERSIONS, type QemuVersion } from '../../migration/rules/versions.js';

/** `since` and `until` are the first and the last version that has it; absent: all that are known. */
export interface Lifetime {
  readonly since?: QemuVersion;
  readonly until?: QemuVersion;
}

const order = (version: QemuVersion): number => QEMU_VERSIONS.indexOf(version);

export function isIn(version: QemuVersion, { since, until }: Lifetime): boolean {
  const at = order(version);
  return (since === undefined || at >= order(since)) && (until === undefined || at <= order(until));
}

interface Capability extends Lifetime {
  /** False: migsim cannot do what it asks for. True: it can, or nothing in a simulation depends on it. */
  readonly isSimulated: boolean;
}

const ok = (lifetime: Lifetime = {}): Capability => ({ ...lifetime, isSimulated: true });
const not = (lifetime: Lifetime = {}): Capability => ({ ...lifetime, isSimulated: false });

/** In the order in which query-migrate-capabilities lists them. */
const CAPABILITIES: Readonly<Record<string, Capability>> = {
  xbzrle: ok(),
  'rdma-pin-all': not(),
  'auto-converge': ok(),
  // Without effect in all these versions.
  'zero-blocks': ok(),
  compress: not({ until: '9.0' }),
  events: ok(),
  'postcopy-ram': ok(),
  'x-colo': not(),
  // What the source frees is no figure of a migration.
  'release-ram': ok(),
  block: not({ until: '9.0' }),
  'return-path': ok(),
  'pause-before-switchover': ok(),
  multifd: ok(),
  // The guest has no disks.
  'dirty-bitmaps': ok(),
  // Of the destination.
  'postcopy-blocktime': ok(),
  'late-block-activate': ok(),
  'x-ignore-shared': not(),
  'validate-uuid': ok(),
  'background-snapshot': not(),
  'zero-copy-send': not(),
  'postcopy-preempt': ok(),
  // Only devices ask for it.
  'switchover-ack': ok({ since: '8.1' }),
  'dirty-limit': ok({ since: '8.1' }),
  'mapped-ram': not({ since: '9.0' }),
};

export function capabilitiesOf(version: QemuVersion): string[] {
  return keysOf(CAPABILITIES).filter((name) => isIn(version, valueAt(CAPABILITIES, name)));
}

export function isSimulated(capability: string): boolean {
  return CAPABILITIES[capability]?.isSimulated ?? false;
}
