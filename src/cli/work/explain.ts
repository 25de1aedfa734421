/** What `migsim explain` says of everything that has a name: its rule, its options or figures, and where they come from. */
import { UsageError } from '../../errors.js';
import type { WorkloadDefinition } from '../../guest/workloads/define.js';
import { hostFields } from '../../guest/host-profiles/fields.js';
import { hostProfiles } from '../../guest/host-profiles/index.js';
import type { HostProfile } from '../../guest/spec.js';
import { workloadList } from '../../guest/workloads/index.js';
import { type Compressor, compressorNamed, COMPRESSORS } from '../../migration/rules/compressors.js';
import { policies as policyRegistry } from '../../policies/index.js';
import { wrap } from '../../report/terminal/kit/text.js';
import type { StrategyDefinition } from '../../strategies/define.js';
import { strategies as strategyRegistry } from '../../strategies/index.js';
import { nearest } from '../../suggest.js';
import type { Given } from '../command.js';
import { isFile } from '../options/experiment-options.js';
import { entryDefault, isTable } from '../../options/read.js';
import type { OptionSource } from '../../options/table.js';
import { type ScenarioKey, scenarioKeys } from '../../scenario/form/keys.js';
import { loadStrategy } from '../../scenario/choices.js';
import { grid } from '../../report/terminal/kit/grid.js';
import { keysOf, nth } from '../../lists.js';
import { largest } from '../../stats/extremes.js';

const strategies: Readonly<Record<string, StrategyDefinition>> = strategyRegistry;
const policies: Readonly<Record<string, StrategyDefinition>> = policyRegistry;
const workloads: Readonly<Record<string, WorkloadDefinition>> = Object.fromEntries(
  workloadList.map((workload) => [workload.name, workload]),
);

export async function explain(given: Given): Promise<void> {
  const name = given.positional;
  const strategy = isFile(name) ? await ownStrategy(name) : strategies[name];
  const policy = policies[name];
  const workload = workloads[name];
  if (strategy !== undefined) explainRule(strategy, 'strategy', given);
  if (policy !== undefined) explainRule(policy, 'policy', given);
  if (workload !== undefined) explainWorkload(workload, given);
  const compressor = compressorNamed(name);
  const host = hostProfiles[name];
  if (compressor !== undefined && strategy === undefined) explainCompressor(name, compressor, given);
  if (host !== undefined) explainHost(host, given);
  const isNamed = (strategy ?? policy ?? workload ?? compressor ?? host) !== undefined;
  if (isNamed) return;
  const keys = keysNamed(name);
  const [key, ...others] = keys;
  if (key === undefined) throw new UsageError(unknownName(name));
  if (others.length === 0) explainKey(key, given);
  else listKeys(name, keys, given);
}

async function ownStrategy(path: string): Promise<StrategyDefinition> {
  return (await loadStrategy(path)).definition;
}

export function names(): string[] {
  const named = [strategies, policies, workloads, hostProfiles].flatMap((registry) => Object.keys(registry));
  return [...new Set([...named, ...COMPRESSORS]), ...scenarioKeys().map(({ path }) => path)];
}

/** A key by its path, or all keys that end with the word. */
function keysNamed(name: string): ScenarioKey[] {
  const keys = scenarioKeys();
  const exact = keys.filter(({ path }) => path === name);
  return exact.length > 0 ? exact : keys.filter(({ path }) => path.endsWith(`.${name}`));
}

function listKeys(name: string, keys: readonly ScenarioKey[], given: Given): void {
  title(
    name,
    `${keys.length} keys of scenario files`,
    'Several keys end with this word; migsim explain KEY says more.',
    given,
  );
  printTable(
    ['key', 'default', 'meaning'],
    keys.map(({ path, fallback, meaning }) => [path, fallback ?? '', meaning]),
    given,
  );
}

/** All names are too many for one line. */
function unknownName(name: string): string {
  const lastWords = scenarioKeys().map(({ path }) => path.slice(path.lastIndexOf('.') + 1));
  const meant = nearest(name, [...names(), ...lastWords]);
  const hint =
    meant === undefined
      ? 'expected a strategy, policy, workload or host profile that migsim list shows, a compression, or a key of scenario files such as migration.stream'
      : `did you mean ${meant}?`;
  return `unknown name ${JSON.stringify(name)}; ${hint}`;
}

/** As docs/scenario.md has it. */
function explainKey({ path, range, fallback, required, meaning, example }: ScenarioKey, given: Given): void {
  const unless = required ? 'required' : fallback === null ? 'may be left out' : `default ${fallback}`;
  title(path, 'key of scenario files', meaning, given);
  given.print(`${text(`Accepts ${range}; ${unless}.`, given)}\n\n  ${example}\n`);
  const below = scenarioKeys().filter((key) => key.path.replace(/\.[^.]+$/, '') === path);
  if (below.length === 0) return;
  const rows = below.map((key) => [key.path.slice(path.length + 1), key.fallback ?? '', key.meaning]);
  given.print('\n');
  printOptions(rows, given);
}

function explainRule(definition: StrategyDefinition, kind: string, given: Given): void {
  const paragraphs = definition.rule.split(/\n\s*\n/);
  title(definition.name, kind, definition.summary, given);
  for (const paragraph of paragraphs) given.print(`${text(paragraph, given)}\n\n`);
  printOptions(optionRows(definition.options), given);
  given.print(`${text(`Source: ${definition.source}`, given)}\n`);
}

function explainWorkload(definition: WorkloadDefinition, given: Given): void {
  title(definition.name, 'workload', definition.summary, given);
  printOptions(optionRows(definition.options), given);
  given.print(`${text(`Scaling: ${definition.scaling}.`, given)}\n`);
  given.print(`${text(`Fitted to: ${definition.fittedTo}`, given)}\n`);
  given.print(`${text(`Source: ${definition.source}`, given)}\n`);
}

/** A row of the table that scenarios may change or add to. */
function explainCompressor(name: string, compressor: Compressor, given: Given): void {
  const { ratio, bytesPerSecond: speed, cpuShare, decompressionBytesPerSecond: back, since } = compressor;
  title(name, 'multifd-compression', `from QEMU ${since} on`, given);
  const rows = [
    ['compression-ratio', String(ratio), 'bytes in per byte out'],
    ['compression-speed', speed === 0 ? 'as it sends' : rate(speed), 'uncompressed bytes of one channel'],
    ['CPU', `${Math.round(cpuShare * 100)}%`, "of a channel's time"],
    [
      'decompression',
      back === 0 ? 'as it receives' : rate(back),
      'uncompressed bytes per second of CPU time',
    ],
  ];
  printTable(['figure', 'value', 'meaning'], rows, given);
  given.print(`${text(`Source: ${compressor.source}`, given)}\n`);
}

function rate(bytesPerSecond: number): string {
  return `${bytesPerSecond / 1e6}MB/s`;
}

function explainHost(host: HostProfile, given: Given): void {
  title(host.name, 'host profile', host.summary, given);
  const rows = keysOf(hostFields).map((field) => {
    const { key, kind, summary } = hostFields[field];
    return [key, `${String(host[field])}${UNITS[kind] ?? ''}`, summary];
  });
  printTable(['key', 'value', 'meaning'], rows, given);
  given.print(`${text(`Source: ${host.source}`, given)}\n`);
}

const UNITS: Readonly<Record<string, string>> = { 'duration-ns': 'ns', duration: 'us', size: 'B' };

/** Rows of name, default and meaning. */
function optionRows(options: OptionSource): string[][] {
  if (isTable(options)) {
    return Object.entries(options).map(([name, entry]) => {
      const fallback = entryDefault(entry);
      const words = entry.kind === 'choice' ? `: ${entry.choices.join(', ')}` : '';
      return [name, fallback === undefined ? 'required' : plainText(fallback), entry.summary + words];
    });
  }
  const { properties = {} } = (options.toJSONSchema?.({ io: 'input', unrepresentable: 'any' }) ?? {}) as {
    readonly properties?: Readonly<
      Record<string, { readonly default?: unknown; readonly description?: string }>
    >;
  };
  return Object.entries(properties).map(([name, { default: fallback, description = '' }]) => [
    name,
    fallback === undefined ? 'required' : plainText(fallback),
    description,
  ]);
}

function plainText(value: unknown): string {
  return JSON.stringify(value).replaceAll('"', '');
}

function title(name: string, kind: string, summary: string, given: Given): void {
  given.print(`${given.page.style.strong(name)} (${kind})\n${text(summary, given)}\n\n`);
}

function text(paragraph: string, given: Given): string {
  return wrap(paragraph.trim().split(/\s+/).join(' '), given.page.width).join('\n');
}

/** Rows of name, default and meaning. */
function printOptions(options: readonly (readonly string[])[], given: Given): void {
  if (options.length === 0) given.print('No options.\n\n');
  else printTable(['option', 'default', 'meaning'], options, given);
}

/** The last column takes the room that is left. */
function printTable(
  names: readonly [string, string, string],
  options: readonly (readonly string[])[],
  given: Given,
): void {
  const before = [0, 1].map((column) => Math.max(7, largest(options.map((row) => nth(row, column).length))));
  const room = given.page.width - nth(before, 0) - nth(before, 1) - 4;
  const rows = options.map(([name = '', fallback = '', meaning = '']) => [
    name,
    fallback,
    wrap(meaning, room).join('\n'),
  ]);
  const heads = names.map((head) => ({ head, align: 'left' as const }));
  given.print(`${grid(heads, rows)}\n\n`);
}
