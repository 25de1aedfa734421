/** Migration parameters as migrate-set-parameters takes them and query-migrate-parameters gives them, by version. */
import { keysOf, mapOf, valueAt } from '../../lists.js';
import type { QemuVersion } from '../../migration/rules/versions.js';
import { refused } from './errors.js';
import type { JsonValue } from './json/parser.js';
import {
  any,
  bool,
  enumOf,
  listOf,
  optional,
  strOrNull,
  uint64,
  uint8,
  type QapiMembers,
  type QapiType,
} from './qapi.js';
import { isIn, type Lifetime } from './version-facts.js';

/** Values by QEMU's names. */
export type ParameterValues = Readonly<Record<string, JsonValue>>;

/** Inclusive ends, and QEMU's words for it. */
type Range = readonly [number, number, string];

interface Parameter extends Lifetime {
  readonly type: QapiType | ((version: QemuVersion) => QapiType);
  /** QEMU's default, for those that a scenario has no word for; undefined: it is not shown until it is set. */
  readonly initial?: JsonValue;
  readonly range?: Range;
}

const MIB_64 = 64 * 2 ** 20;
const between = (low: number, high: number): Range => [low, high, `a value between ${low} and ${high}`];
const percent = (low: number, high: number): Range => [
  low,
  high,
  `an integer in the range of ${low} to ${high}`,
];

function compressions(version: QemuVersion): QapiType {
  const later = ['none', 'zlib', 'zstd'];
  if (isIn(version, { since: '9.2' })) later.push('qatzip');
  if (isIn(version, { since: '9.1' })) later.push('qpl', 'uadk');
  return enumOf(later);
}

const COMPRESS: Lifetime = { until: '9.0' };

/** options.c:migrate_params_check, migration_properties. Checked in this order. */
const PARAMETERS: Readonly<Record<string, Parameter>> = {
  'compress-level': { ...COMPRESS, type: uint8, initial: 1, range: between(0, 9) },
  'compress-threads': { ...COMPRESS, type: uint8, initial: 8, range: between(1, 255) },
  'decompress-threads': { ...COMPRESS, type: uint8, initial: 2, range: between(1, 255) },
  'compress-wait-thread': { ...COMPRESS, type: bool, initial: true },
  'block-incremental': { ...COMPRESS, type: bool, initial: false },
  'throttle-trigger-threshold': { type: uint8, initial: 50, range: percent(1, 100) },
  'cpu-throttle-initial': { type: uint8, initial: 20, range: percent(1, 99) },
  'cpu-throttle-increment': { type: uint8, initial: 10, range: percent(1, 99) },
  'cpu-throttle-tailslow': { type: bool, initial: false },
  'tls-creds': { type: strOrNull, initial: '' },
  'tls-hostname': { type: strOrNull, initial: '' },
  'tls-authz': { type: strOrNull, initial: '' },
  'max-bandwidth': { type: uint64 },
  'avail-switchover-bandwidth': { since: '8.2', type: uint64 },
  'downtime-limit': {
    type: uint64,
    range: [0, 2_000_000, 'an integer in the range of 0 to (2000 * 1000) ms'],
  },
  'x-checkpoint-delay': { type: uint64, initial: 20_000 },
  'multifd-channels': { type: uint8, initial: 2, range: between(1, 255) },
  'multifd-compression': { type: compressions, initial: 'none' },
  'multifd-zlib-level': { type: uint8, initial: 1, range: between(0, 9) },
  'multifd-zstd-level': { type: uint8, initial: 1, range: between(0, 20) },
  'multifd-qatzip-level': { since: '9.2', type: uint8, initial: 1, range: between(1, 9) },
  'xbzrle-cache-size': { type: uint64, initial: MIB_64 },
  'max-postcopy-bandwidth': { type: uint64 },
  'max-cpu-throttle': { type: uint8, initial: 99 },
  'announce-initial': { type: uint64, initial: 50, range: between(0, 100_000) },
  'announce-max': { type: uint64, initial: 550, range: between(0, 100_000) },
  'announce-rounds': { type: uint64, initial: 5, range: between(0, 1000) },
  // QEMU's words say 0; its check says 1.
  'announce-step': { type: uint64, initial: 100, range: [1, 10_000, 'a value between 0 and 10000'] },
  'block-bitmap-mapping': { type: listOf(any) },
  'x-vcpu-dirty-limit-period': { since: '8.1', type: uint64, initial: 1000, range: between(1, 1000) },
  'vcpu-dirty-limit': { since: '8.1', type: uint64, initial: 1 },
  mode: {
    since: '8.2',
    type: (version) => enumOf(modesOf(version)),
    initial: 'normal',
  },
  'zero-page-detection': { since: '9.0', type: enumOf(['none', 'legacy', 'multifd']) },
  'direct-io': { since: '9.1', type: bool, initial: false },
  'cpr-exec-command': { since: '10.2', type: listOf({ kind: 'str' }), initial: [] },
};

function modesOf(version: QemuVersion): string[] {
  const modes = ['normal', 'cpr-reboot'];
  if (isIn(version, { since: '10.0' })) modes.push('cpr-transfer');
  if (isIn(version, { since: '10.2' })) modes.push('cpr-exec');
  return modes;
}

export function parameterMembers(version: QemuVersion): QapiMembers {
  const names = keysOf(PARAMETERS).filter((name) => isIn(version, valueAt(PARAMETERS, name)));
  return mapOf(names, (name) => {
    const { type } = valueAt(PARAMETERS, name);
    return optional(typeof type === 'function' ? type(version) : type);
  });
}

/** Before anything is set: QEMU's defaults with the scenario's values over them. */
export function initialParameters(version: QemuVersion, scenario: ParameterValues): ParameterValues {
  const values: Record<string, JsonValue> = {};
  for (const name of Object.keys(parameterMembers(version))) {
    const value = scenario[name] ?? valueAt(PARAMETERS, name).initial;
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** The values with some of them set again. Throws `QmpError` as migrate_params_check does, for the first that is wrong. */
export function withParameters(
  version: QemuVersion,
  current: ParameterValues,
  set: ParameterValues,
): ParameterValues {
  const next = { ...current };
  for (const [name, value] of Object.entries(set)) next[name] = value ?? '';
  for (const [name, value] of Object.entries(next)) {
    const range = PARAMETERS[name]?.range;
    if (range !== undefined && isOutside(value, range)) throw wrong(name, range[2]);
  }
  const cache = unsigned(next['xbzrle-cache-size']);
  if (cache < 4096n || (cache & (cache - 1n)) !== 0n)
    throw wrong('xbzrle-cache-size', 'a power of two no less than the target page size');
  const ceiling = unsigned(next['max-cpu-throttle']);
  if (ceiling < unsigned(next['cpu-throttle-initial']) || ceiling > 99n)
    throw wrong('max-cpu-throttle', 'an integer in the range of cpu_throttle_initial to 99');
  if (next['vcpu-dirty-limit'] !== undefined && unsigned(next['vcpu-dirty-limit']) < 1n)
    throw isIn(version, { since: '9.1' })
      ? refused("Parameter 'vcpu_dirty_limit' must be greater than 1 MB/s")
      : wrong('vcpu-dirty-limit', 'is invalid, it must greater then 1 MB/s');
  refuseUnsimulated(set);
  return next;
}

/** What QEMU would take and a simulation cannot honour. */
function refuseUnsimulated(set: ParameterValues): void {
  const unlike = (name: string, usual: JsonValue): boolean => (set[name] ?? usual) !== usual;
  const wanted = [
    unlike('tls-creds', '') && 'tls-creds: TLS is part of a scenario (migration.stream)',
    unlike('mode', 'normal') && 'mode: only normal',
    unlike('direct-io', false) && 'direct-io',
  ].find((words) => words !== false);
  if (wanted !== undefined) throw refused(`migsim does not simulate ${wanted}`);
}

/** QEMU's messages have underscores here, but for one. */
function wrong(name: string, expected: string): Error {
  const shown = name === 'x-vcpu-dirty-limit-period' ? name : name.replaceAll('-', '_');
  return refused(`Parameter '${shown}' expects ${expected}`);
}

function isOutside(value: JsonValue, [low, high]: Range): boolean {
  const whole = unsigned(value);
  return whole < BigInt(low) || whole > BigInt(high);
}

function unsigned(value: JsonValue | undefined): bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt.asUintN(64, BigInt(value)) : 0n;
}
