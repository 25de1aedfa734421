/** Every key of a scenario file, for `migsim explain` and docs/scenario.md. */
import { oneOf } from '../../options/wording.js';
import { describedScenario } from './json-schema.js';

export interface ScenarioKey {
  /** `guest.vcpus.workload`: keys of the entries of a list stand behind the list. */
  readonly path: string;
  /** What it accepts, with its unit and bounds. */
  readonly range: string;
  /** As users write it; null when there is none. */
  readonly fallback: string | null;
  /** Must be given. */
  readonly required: boolean;
  readonly meaning: string;
  /** A piece of a scenario file that has the key. */
  readonly example: string;
}

interface Described {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Described>>;
  readonly required?: readonly string[];
  readonly items?: Described;
  readonly anyOf?: readonly Described[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
  readonly examples?: readonly string[];
  readonly range?: string;
}

let allKeys: readonly ScenarioKey[] | undefined;

/** In the order of the file's sections. */
export function scenarioKeys(): readonly ScenarioKey[] {
  return (allKeys ??= keysIn(describedScenario(), []));
}

/** A key of the file: a name, and whether its value is a list of what stands behind it. */
interface Step {
  readonly name: string;
  readonly isList: boolean;
  /** What must stand next to it, as `key: value`. */
  readonly needs: readonly string[];
}

function keysIn(section: Described, above: readonly Step[]): ScenarioKey[] {
  return Object.entries(section.properties ?? {}).flatMap(([name, described]) => {
    const entries = described.items?.properties === undefined ? undefined : described.items;
    const needs =
      above.length < 2 ? [] : neededWith(section, name, [...above.map((step) => step.name), name].join('.'));
    const steps = [...above, { name, isList: entries !== undefined, needs }];
    const isSection = described.properties !== undefined || entries !== undefined;
    const below = isSection ? keysIn(entries ?? described, steps) : formKeys(described, steps);
    const required = section.required?.includes(name) ?? false;
    return [keyOf(described, steps, required, isSection ? below : []), ...below];
  });
}

/** Keys without which a map of the section is refused. */
function neededWith(section: Described, name: string, path: string): string[] {
  const others = (section.required ?? []).filter((key) => key !== name);
  const required = others.map((key) => {
    const whole = [...path.split('.').slice(0, -1), key].join('.');
    return `${key}: ${EXAMPLES[whole] ?? valueOf(section.properties?.[key] ?? {})}`;
  });
  return [...required, ...(COMPANIONS[path] ?? [])];
}

/** What is a name or a map: a workload's accesses have no name of their own in front, the kinds of stream have one. */
function formKeys(described: Described, steps: readonly Step[]): ScenarioKey[] {
  if (steps.at(-1)?.name === 'stream') {
    const kinds = described.anyOf?.filter((form) => form.properties !== undefined) ?? [];
    return kinds.flatMap((kind) => keysIn({ ...kind, required: [] }, steps));
  }
  if (steps.at(-1)?.name !== 'workload') return [];
  const accesses = described.anyOf?.find((form) => form.properties?.['working-set'] !== undefined);
  return accesses === undefined ? [] : keysIn(accesses, steps);
}

function keyOf(
  described: Described,
  steps: readonly Step[],
  required: boolean,
  below: readonly ScenarioKey[],
): ScenarioKey {
  const path = steps.map(({ name }) => name).join('.');
  const fallback = described.default === undefined ? null : textOf(described.default);
  const [first] = below;
  return {
    path,
    range: below.length > 0 ? sectionRange(steps) : rangeIn(described),
    fallback,
    required,
    meaning: described.description ?? `settings of ${path}`,
    example: first?.example ?? exampleAt(steps, EXAMPLES[path] ?? valueOf(described)),
  };
}

function sectionRange(steps: readonly Step[]): string {
  return steps.at(-1)?.isList === true ? 'a list of maps' : 'a map';
}

function rangeIn(described: Described): string {
  const { range, type, minimum, maximum, anyOf } = described;
  if (range !== undefined) return range;
  if (described.enum !== undefined) return oneOf(described.enum.map(String));
  if (type === 'boolean') return 'true or false';
  if (type === 'integer' || type === 'number') {
    const what = type === 'integer' ? 'a whole number' : 'a number';
    const most = maximum === undefined || maximum > Number.MAX_SAFE_INTEGER - 1 ? '' : ` to ${maximum}`;
    return minimum === undefined ? what : `${what} from ${minimum}${most}`;
  }
  if (type === 'array') return 'a list';
  if (type === 'object') return 'a map';
  if (type === 'string') return 'a text';
  const named = anyOf?.find((form) => form.enum !== undefined)?.enum;
  const hasOptions = anyOf?.some((form) => form.properties !== undefined) ?? false;
  if (named !== undefined)
    return (hasOptions ? 'a name, or { name: { options } }: ' : 'one of ') + named.join(', ');
  const forms = (anyOf ?? [])
    .map((form) => form.range ?? form.type)
    .filter((form) => typeof form === 'string');
  return forms.map((form) => FORMS[form] ?? form).join(', or ');
}

const FORMS: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a map',
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
};

/** Values where the first that is accepted would not do, or would say little. */
const EXAMPLES: Readonly<Record<string, string>> = {
  name: 'web-server',
  'guest.memory': '16GiB',
  'guest.zero-pages': '25%',
  'guest.dirty-ring-size': '4096',
  'guest.vcpus.workload': 'stress',
  'guest.vcpus.name': 'writer',
  'guest.vcpus.workload.write': '300MiB/s',
  'guest.vcpus.workload.read': '1GiB/s',
  'guest.vcpus.workload.working-set': '2GiB',
  'guest.vcpus.workload.skew': '0.99',
  'guest.vcpus.fork.every': '60s',
  'guest.vcpus.at': '1GiB',
  'guest.devices.stop-copy': '64MiB',
  'guest.dma.write': '200MiB/s',
  'guest.dma.working-set': '1GiB',
  'guest.compressibility': '1.4',
  'guest.vcpus.compressibility': '1.02',
  'host.device-state': '256KiB',
  'host.device-state-per-vcpu': '16KiB',
  'host.socket-queue': '4MiB',
  'host.socket-send': '4MiB',
  'host.socket-receive': '6MiB',
  'link.efficiency': '94%',
  'migration.machine': "'9.2'",
  'migration.at.set.downtime-limit': '500ms',
  'migration.at.do': 'cancel',
  'link.bandwidth': '10Gbit/s',
  'migration.stream': 'plain',
  strategies: '[none, auto-converge]',
  policy: 'wait',
  expect: "{ none: { total-time: '< 60s' } }",
};

const WRITES = ['write: 300MiB/s'];
const HOT = [...WRITES, 'pattern: hot-cold'];

/** What else a key needs next to it. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  'guest.vcpus.workload.working-set': WRITES,
  'guest.vcpus.workload.pattern': WRITES,
  'guest.vcpus.workload.skew': [...WRITES, 'pattern: zipf'],
  'guest.vcpus.workload.hot-pages': HOT,
  'guest.vcpus.workload.hot-accesses': HOT,
  'guest.vcpus.workload.phases': WRITES,
  'migration.stream.multifd.compression-ratio': ['compression: zstd'],
  'migration.stream.multifd.compression-speed': ['compression: zstd'],
  'migration.at.after': ['do: cancel'],
  'migration.at.at-sync': ['do: cancel'],
  'migration.at.set': ['after: 8s'],
  'migration.at.do': ['after: 20s'],
};

function valueOf({ default: fallback, enum: words, examples, type, minimum, range }: Described): string {
  if (fallback !== undefined) return textOf(fallback);
  const [, such] = /such as (\S+)/.exec(range ?? '') ?? [];
  if (such !== undefined) return such;
  if (words !== undefined) return textOf(words[0]);
  if (examples?.[0] !== undefined) return examples[0];
  if (type === 'boolean') return 'true';
  return String(minimum ?? 1);
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^\d+(\.\d+)?$/.test(value) ? `'${value}'` : value;
}

/** `guest: { vcpus: [{ count: 4 }] }`. */
function exampleAt(steps: readonly Step[], value: string): string {
  const [first, ...others] = steps;
  if (first === undefined) return value;
  const { name, isList, needs } = first;
  const inner = others.length === 0 ? value : `{ ${exampleAt(others, value)} }`;
  const own = `${name}: ${isList && others.length > 0 ? `[${inner}]` : inner}`;
  return [...needs, own].join(', ');
}
