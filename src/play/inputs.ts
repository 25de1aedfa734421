/** The controls of the page, from the scenario's keys and the option tables of what is chosen in it. */
import { nth } from '../lists.js';
import { rangeOf } from '../options/range.js';
import { entryDefault, isTable } from '../options/read.js';
import type { OptionEntry, OptionTable } from '../options/table.js';
import { workloadList } from '../guest/workloads/index.js';
import { QEMU_VERSIONS } from '../migration/rules/versions.js';
import { policies } from '../policies/index.js';
import { strategies } from '../strategies/index.js';
import type { StrategyDefinition } from '../strategies/define.js';
import { type Span, stepsOf } from './ladder.js';
import { type DottedPath, isScalar, type Scalar, type ScenarioText } from './scenario-text.js';

/** A value of the scenario that the page can change. */
export interface Input {
  readonly path: DottedPath;
  readonly label: string;
  /** What it means, and what it accepts. */
  readonly meaning: string;
  /** What counts where nothing is written; as users write it. */
  readonly fallback: Scalar | null;
  readonly entry: OptionEntry;
  /** Of a slider; none for what has only a field, or is chosen from words. */
  readonly steps: readonly Scalar[];
  /** Words to choose from, other than a slider's. */
  readonly words: readonly (readonly [value: Scalar, label: string])[];
}

export interface Section {
  readonly title: string;
  readonly inputs: readonly Input[];
  /** What is removed with the section; null: it stays. */
  readonly entry: DottedPath | null;
  /** Of which kind the section is, for the words of its buttons. */
  readonly kind: 'guest' | 'group' | 'link' | 'qemu' | 'strategy' | 'policy';
}

/** A key of scenario files, as `explain` describes it. */
export interface KeyWords {
  readonly meaning: string;
  readonly range: string;
  readonly fallback: string | null;
}
export type KeyTable = Readonly<Record<string, KeyWords>>;

const STRATEGIES: Readonly<Record<string, StrategyDefinition>> = strategies;
const POLICIES: Readonly<Record<string, StrategyDefinition>> = policies;

/** The name of a workload that is written as rates. */
export const RATES = 'rates';

interface FixedInput {
  readonly path: DottedPath;
  readonly label: string;
  readonly entry: OptionEntry;
  readonly span?: Span;
  readonly words?: readonly (readonly [Scalar, string])[];
}

const RING_SIZES = [1024, 2048, 4096, 8192, 16384, 32768, 65536];
const TO_32_GBIT: Span = { from: '16MiB/s', to: '12000MiB/s', last: 'unlimited' };

const GUEST: readonly FixedInput[] = [
  {
    path: 'guest.memory',
    label: 'Memory',
    entry: { summary: '', kind: 'size' },
    span: { from: '256MiB', to: '1TiB' },
  },
  {
    path: 'guest.zero-pages',
    label: 'Zero pages',
    entry: { summary: '', kind: 'share', zero: true, max: '95%' },
  },
  {
    path: 'guest.free-page-hint',
    label: 'Free page hint',
    entry: { summary: '', kind: 'share', zero: true, max: '100%' },
  },
  {
    path: 'guest.dirty-ring-size',
    label: 'Dirty ring',
    entry: { summary: '', kind: 'count' },
    words: [[0, 'none: dirty bitmap'], ...RING_SIZES.map((size) => [size, `${size} entries`] as const)],
  },
];
const LINK: readonly FixedInput[] = [
  {
    path: 'link.bandwidth',
    label: 'Bandwidth',
    entry: { summary: '', kind: 'link-rate' },
    span: { from: '100Mbit/s', to: '100Gbit/s' },
  },
  {
    path: 'link.latency',
    label: 'Latency',
    entry: { summary: '', kind: 'duration' },
    span: { from: '10us', to: '100ms' },
  },
];
const QEMU: readonly FixedInput[] = [
  {
    path: 'migration.qemu',
    label: 'QEMU',
    entry: { summary: '', kind: 'choice', choices: QEMU_VERSIONS },
    words: QEMU_VERSIONS.map((version) => [version, version] as const),
  },
  {
    path: 'migration.max-bandwidth',
    label: 'max-bandwidth',
    entry: { summary: '', kind: 'rate', zero: true, words: { unlimited: 0 } },
    span: TO_32_GBIT,
  },
  {
    path: 'migration.downtime-limit',
    label: 'downtime-limit',
    entry: { summary: '', kind: 'duration' },
    span: { from: '10ms', to: '10s' },
  },
  {
    path: 'migration.give-up-after',
    label: 'Give up after',
    entry: { summary: '', kind: 'duration', words: { never: 0 } },
    span: { from: '30s', to: '60min' },
  },
  { path: 'migration.postcopy-ram', label: 'postcopy-ram', entry: { summary: '', kind: 'flag' } },
];
const GROUP: readonly FixedInput[] = [
  { path: 'count', label: 'vCPUs', entry: { summary: '', kind: 'count', min: 1, max: 64, default: 1 } },
];
const RATE_WORDS: OptionEntry = { summary: '', kind: 'rate', zero: true, words: { max: Infinity } };
const FROM_1: Span = { from: '1MiB/s', to: '8000MiB/s', last: 'max' };
const UP_TO_MAX: Span = { ...FROM_1, first: 0 };
const ACCESSES: readonly FixedInput[] = [
  { path: 'workload.write', label: 'Writes', entry: RATE_WORDS, span: UP_TO_MAX },
  { path: 'workload.read', label: 'Reads', entry: RATE_WORDS, span: UP_TO_MAX },
  {
    path: 'workload.working-set',
    label: 'Working set',
    entry: { summary: '', kind: 'size' },
    span: { from: '4MiB', to: '256GiB' },
  },
  {
    path: 'workload.pattern',
    label: 'Pattern',
    entry: { summary: '', kind: 'choice', choices: ['uniform', 'sequential', 'zipf', 'hot-cold'] },
    words: ['uniform', 'sequential', 'zipf', 'hot-cold'].map((word) => [word, word] as const),
  },
];

/** All controls for a scenario, in the order of the page. */
export function sectionsOf(scenario: ScenarioText, keys: KeyTable): Section[] {
  const fixed = (list: readonly FixedInput[]): Input[] => list.map((one) => fixedInput(one, one.path, keys));
  return [
    { title: 'Guest', kind: 'guest', entry: null, inputs: fixed(GUEST) },
    ...Array.from({ length: scenario.length('guest.vcpus') }, (_, index) =>
      groupSection(scenario, index, keys),
    ),
    { title: 'Link', kind: 'link', entry: null, inputs: fixed(LINK) },
    { title: 'QEMU', kind: 'qemu', entry: null, inputs: fixed(QEMU) },
    ...Array.from({ length: scenario.length('strategies') }, (_, index) => strategySection(scenario, index)),
    policySection(scenario),
  ];
}

/** Inputs that an axis of the map can have: those with a slider. */
export function axisInputs(sections: readonly Section[]): { readonly name: string; readonly input: Input }[] {
  return sections.flatMap(({ title, kind, inputs }) =>
    inputs
      .filter(({ steps }) => steps.length > 2)
      .map((input) => ({
        name: kind === 'group' || kind === 'strategy' ? `${title}: ${input.label}` : input.label,
        input,
      })),
  );
}

function groupSection(scenario: ScenarioText, index: number, keys: KeyTable): Section {
  const path = `guest.vcpus.${index}`;
  const inside = (list: readonly FixedInput[]): Input[] =>
    list.map((one) => fixedInput(one, `${path}.${one.path}`, keys, `guest.vcpus.${one.path}`));
  const name = workloadName(scenario, index);
  const definition = workloadList.find((workload) => workload.name === name);
  const options =
    definition === undefined
      ? inside(accessesOf(scenario, path))
      : tableInputs(definition.options, `${path}.workload.${name}`);
  return {
    title: groupTitle(scenario, index),
    kind: 'group',
    entry: scenario.length('guest.vcpus') > 1 ? path : null,
    inputs: [...inside(GROUP), ...options],
  };
}

/** A rate may go down to 0 only where there is another: a vCPU that does nothing is the workload `idle`. */
function accessesOf(scenario: ScenarioText, path: DottedPath): FixedInput[] {
  const has = (rate: string): boolean => {
    const value = scenario.at(`${path}.workload.${rate}`);
    return value !== undefined && value !== 0;
  };
  const shared = scenario.has(`${path}.workload.working-set.of`);
  return ACCESSES.filter((input) => !(shared && input.path === 'workload.working-set')).map((input) => {
    const other = input.path === 'workload.write' ? 'read' : input.path === 'workload.read' ? 'write' : null;
    return other === null || has(other) ? input : { ...input, span: FROM_1 };
  });
}

function groupTitle(scenario: ScenarioText, index: number): string {
  const path = `guest.vcpus.${index}`;
  const name = scenario.at(`${path}.name`);
  if (typeof name === 'string') return name;
  const workload = workloadName(scenario, index);
  if (workload !== RATES) return workload;
  const write = scenario.at(`${path}.workload.write`);
  return write === undefined || write === 0 ? 'reader' : 'writer';
}

/** The registry's name, or `rates`. */
export function workloadName(scenario: ScenarioText, index: number): string {
  const path = `guest.vcpus.${index}.workload`;
  if (!scenario.has(path)) return 'idle';
  const named = scenario.keys(path).find((key) => workloadList.some(({ name }) => name === key));
  return named ?? RATES;
}

/** The name of the n-th strategy. */
export function strategyName(scenario: ScenarioText, index: number): string {
  return scenario.keys(`strategies.${index}`)[0] ?? '';
}

function strategySection(scenario: ScenarioText, index: number): Section {
  const name = strategyName(scenario, index);
  const options = STRATEGIES[name]?.options;
  return {
    title: name,
    kind: 'strategy',
    entry: scenario.length('strategies') > 1 ? `strategies.${index}` : null,
    inputs:
      options === undefined || !isTable(options) ? [] : tableInputs(options, `strategies.${index}.${name}`),
  };
}

/** The name of the policy in force. */
export function policyName(scenario: ScenarioText): string {
  return scenario.keys('policy')[0] ?? nth(Object.keys(POLICIES), 0);
}

function policySection(scenario: ScenarioText): Section {
  const name = policyName(scenario);
  const options = POLICIES[name]?.options;
  return {
    title: 'Policy',
    kind: 'policy',
    entry: null,
    inputs: options === undefined || !isTable(options) ? [] : tableInputs(options, `policy.${name}`),
  };
}

function tableInputs(table: OptionTable, path: DottedPath): Input[] {
  return Object.entries(table)
    .filter(([, { kind }]) => !['curve', 'custom', 'vcpus', 'per-vcpu'].includes(kind))
    .map(([key, entry]) => {
      const fallback = entryDefault(entry);
      return {
        path: `${path}.${key}`,
        label: key,
        meaning: `${entry.summary}: ${rangeOf(entry)}`,
        fallback: isScalar(fallback) ? fallback : null,
        entry,
        steps: stepsOf(entry),
        words: entry.kind === 'choice' ? entry.choices.map((word) => [word, word] as const) : [],
      };
    });
}

function fixedInput(fixed: FixedInput, path: DottedPath, keys: KeyTable, key = fixed.path): Input {
  const described = keys[key];
  const { entry } = fixed;
  return {
    path,
    label: fixed.label,
    meaning: described === undefined ? '' : `${described.meaning}: ${described.range}`,
    fallback: fallbackOf(described, entry),
    entry,
    steps: fixed.words === undefined ? stepsOf(entry, fixed.span) : [],
    words: fixed.words ?? [],
  };
}

function fallbackOf(described: KeyWords | undefined, entry: OptionEntry): Scalar | null {
  const text = described?.fallback ?? null;
  if (text === null) return null;
  const plain = text.replace(/^'(.*)'$/, '$1');
  if (entry.kind === 'flag') return plain === 'true';
  return entry.kind === 'count' ? Number(plain) : plain;
}
