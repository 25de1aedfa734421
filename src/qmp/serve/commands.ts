/** The commands that are answered, with what they take by version and what they do. */
import { keysOf, mapOf, valueAt } from '../../lists.js';
import type { QemuVersion } from '../../migration/rules/versions.js';
import { DIRTY_RATE_MODES, type CalcRequest } from './dirty-rate.js';
import { refused } from './errors.js';
import { textOf, type JsonValue } from './json/parser.js';
import type { Machine } from './machine.js';
import { whole } from './migration-run.js';
import { parameterMembers } from './parameters.js';
import {
  any,
  bool,
  enumOf,
  int64,
  isList,
  isObject,
  listOf,
  optional,
  required,
  str,
  structOf,
  uint64,
  type QapiMembers,
} from './qapi.js';
import { capabilitiesOf, isIn, type Lifetime } from './version-facts.js';
import { readMigrationUri } from './migration-uri.js';

/** Checked against `members` before `run` sees them. */
export type Arguments = Readonly<Record<string, JsonValue>>;

export interface QmpCommand extends Lifetime {
  readonly members?: (version: QemuVersion) => QapiMembers;
  /** May be given out of band. */
  readonly oob?: true;
  /** Asks for something that changes with time: asked again, it finds time gone by where the client's own clock counts. */
  readonly polls?: true;
  /** What it returns; undefined: an empty object. */
  run(machine: Machine, args: Arguments): JsonValue | undefined;
}

/** MigrationStatus, which migrate-continue takes one of. */
function statusesOf(version: QemuVersion): string[] {
  return [
    ...['none', 'setup', 'cancelling', 'cancelled', 'active'],
    ...(isIn(version, { since: '10.2' }) ? ['postcopy-device'] : []),
    ...['postcopy-active', 'postcopy-paused'],
    ...(isIn(version, { since: '9.1' }) ? ['postcopy-recover-setup'] : []),
    ...['postcopy-recover', 'completed', 'failed', 'colo', 'pre-switchover', 'device', 'wait-unplug'],
  ];
}

const timeUnit = optional(enumOf(['second', 'millisecond']));
const hasTimeUnit = (version: QemuVersion): boolean => isIn(version, { since: '8.2' });

function migrateMembers(version: QemuVersion): QapiMembers {
  const hasChannels = isIn(version, { since: '8.2' });
  const isUriOptional = isIn(version, { since: '9.0' });
  return {
    uri: isUriOptional ? optional(str) : required(str),
    ...(hasChannels ? { channels: optional(listOf(any)) } : {}),
    ...(isIn(version, { until: '9.0' }) ? { blk: optional(bool), inc: optional(bool) } : {}),
    detach: optional(bool),
    resume: optional(bool),
  };
}

function incomingMembers(version: QemuVersion): QapiMembers {
  const { channels } = migrateMembers(version);
  return {
    uri: channels === undefined ? required(str) : optional(str),
    ...(channels === undefined ? {} : { channels }),
    ...(isIn(version, { since: '9.1' }) ? { 'exit-on-error': optional(bool) } : {}),
  };
}

function migrate(machine: Machine, args: Arguments): void {
  if (args['resume'] === true) return machine.resumeMigration();
  if (args['blk'] === true || args['inc'] === true)
    throw refused('migsim does not simulate the migration of disks');
  const hasParsedFirst = isIn(machine.version, { since: '8.2' });
  if (!hasParsedFirst) machine.refuseMigrate();
  readMigrationUri(machine, args);
  machine.migrate();
}

const optionalNumber = (value: JsonValue | undefined): number | undefined =>
  value === undefined ? undefined : whole(value);

function calcRequest(args: Arguments): CalcRequest {
  const { 'calc-time-unit': unit, 'sample-pages': samples, mode } = args;
  const known = DIRTY_RATE_MODES.find((name) => name === mode);
  return {
    calcTime: BigInt(whole(args['calc-time'])),
    ...(unit === undefined ? {} : { unit: unit === 'millisecond' ? 'millisecond' : 'second' }),
    ...(samples === undefined ? {} : { samplePages: BigInt(whole(samples)) }),
    ...(known === undefined ? {} : { mode: known }),
  };
}

const commands: Readonly<Record<string, QmpCommand>> = {
  'query-status': {
    polls: true,
    run: ({ runState, version }) => ({
      status: runState,
      ...(isIn(version, { until: '8.2' }) ? { singlestep: false } : {}),
      running: runState === 'running',
    }),
  },
  'query-version': { run: ({ version }) => versionOf(version) },
  'query-kvm': { run: () => ({ enabled: true, present: true }) },
  'query-name': { run: (machine) => ({ name: machine.name }) },
  'query-target': { run: () => ({ arch: 'x86_64' }) },
  'query-uuid': { run: () => ({ UUID: '00000000-0000-0000-0000-000000000000' }) },
  'query-memory-size-summary': {
    run: ({ ramBytes }) => ({ 'base-memory': ramBytes, 'plugged-memory': 0 }),
  },
  'query-cpus-fast': {
    run: ({ vcpuCount }) =>
      Array.from({ length: vcpuCount }, (_, vcpu) => ({
        'thread-id': FIRST_THREAD + vcpu,
        props: { 'core-id': vcpu, 'thread-id': 0, 'socket-id': 0 },
        'qom-path': `/machine/unattached/device[${vcpu}]`,
        'cpu-index': vcpu,
        target: 'x86_64',
      })),
  },
  'query-commands': { run: ({ version }) => commandNames(version).map((name) => ({ name })) },
  stop: { run: (machine) => void machine.stop() },
  cont: { run: (machine) => void machine.cont() },
  quit: { run: (machine) => void machine.quit() },
  'query-migrate': { polls: true, run: (machine) => machine.queryMigrate() },
  'query-migrate-capabilities': {
    run: ({ version, capabilities }) =>
      capabilitiesOf(version).map((capability) => ({ state: capabilities.has(capability), capability })),
  },
  'query-migrate-parameters': {
    run: ({ version, parameters }) => {
      const known = keysOf(parameterMembers(version)).filter((name) => parameters[name] !== undefined);
      return mapOf(known, (name) => valueAt(parameters, name));
    },
  },
  'migrate-set-capabilities': {
    members: (version) => ({
      capabilities: required(
        listOf(structOf({ capability: required(enumOf(capabilitiesOf(version))), state: required(bool) })),
      ),
    }),
    run(machine, { capabilities }) {
      const changes = isList(capabilities) ? capabilities : [];
      machine.setCapabilities(
        changes.map((change): readonly [string, boolean] =>
          isObject(change) ? [textOf(change['capability']), change['state'] === true] : ['', false],
        ),
      );
      return undefined;
    },
  },
  'migrate-set-parameters': {
    members: parameterMembers,
    run: (machine, args) => void machine.setParameters(args),
  },
  migrate: { members: migrateMembers, run: (machine, args) => void migrate(machine, args) },
  migrate_cancel: { run: (machine) => void machine.cancel() },
  'migrate-continue': {
    members: (version) => ({ state: required(enumOf(statusesOf(version))) }),
    run: (machine, { state }) => void machine.continueMigration(textOf(state)),
  },
  'migrate-start-postcopy': { run: (machine) => void machine.startPostcopy() },
  'migrate-pause': { oob: true, run: (machine) => void machine.pauseMigration() },
  'migrate-recover': {
    oob: true,
    members: () => ({ uri: required(str) }),
    run() {
      throw refused('Migrate recover can only be run when postcopy is paused.');
    },
  },
  'migrate-incoming': {
    members: incomingMembers,
    run() {
      throw refused("'-incoming' was not specified on the command line");
    },
  },
  'calc-dirty-rate': {
    members: (version) => ({
      'calc-time': required(int64),
      ...(hasTimeUnit(version) ? { 'calc-time-unit': timeUnit } : {}),
      'sample-pages': optional(int64),
      mode: optional(enumOf(DIRTY_RATE_MODES)),
    }),
    run: (machine, args) => void machine.dirtyRate.start(calcRequest(args), machine.nowUs),
  },
  'query-dirty-rate': {
    polls: true,
    members: (version) => (hasTimeUnit(version) ? { 'calc-time-unit': timeUnit } : {}),
    run: (machine, { 'calc-time-unit': unit }) =>
      machine.dirtyRate.query(unit === 'millisecond' ? 'millisecond' : 'second'),
  },
  'set-vcpu-dirty-limit': {
    members: () => ({ 'cpu-index': optional(int64), 'dirty-rate': required(uint64) }),
    run: (machine, args) =>
      void machine.dirtyLimits.set(
        optionalNumber(args['cpu-index']),
        whole(args['dirty-rate']),
        machine.nowUs,
      ),
  },
  'cancel-vcpu-dirty-limit': {
    members: () => ({ 'cpu-index': optional(int64) }),
    run: (machine, args) => void machine.dirtyLimits.cancel(optionalNumber(args['cpu-index'])),
  },
  'query-vcpu-dirty-limit': { polls: true, run: (machine) => machine.dirtyLimits.query(machine.nowUs) },
};

/** As on a host that has started a few processes before. */
const FIRST_THREAD = 1001;

/** Undefined: the version does not have it, or it is not answered here. */
export function commandNamed(name: string, version: QemuVersion): QmpCommand | undefined {
  if (!Object.hasOwn(commands, name)) return undefined;
  const command = valueAt(commands, name);
  return isIn(version, command) ? command : undefined;
}

export function commandNames(version: QemuVersion): string[] {
  return ['qmp_capabilities', ...keysOf(commands).filter((name) => isIn(version, valueAt(commands, name)))];
}

/** The .0 release; `package` says who answers. */
export function versionOf(version: QemuVersion): JsonValue {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return { qemu: { micro: 0, minor, major }, package: 'migsim' };
}
