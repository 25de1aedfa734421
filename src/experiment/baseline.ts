/** A baseline: outcomes worth keeping, and what they came from. */
import { got, nth } from '../lists.js';
import { UsageError } from '../errors.js';
import type { MigrationResult } from '../migration/result.js';
import type { Scenario } from '../scenario/scenario.js';
import { compareInThreads } from './parallel/compare.js';
import { version } from './version.js';
import { memoryFor } from './memory-choice.js';
import type { MemoryChoice } from './memory-words.js';
import type { Outcome } from './outcomes.js';
import { type Parameter, type Parameters, parametersOf } from './parameters.js';

export interface BaselineOptions {
  readonly memory: MemoryChoice;
  readonly runs: number;
  readonly seed: number;
}

/** What is saved next to the outcomes: how to get them again, and every parameter that they hang on. */
export interface BaselineManifest extends BaselineOptions {
  readonly migsim: string;
  /** Last bits of exponentials may differ between major versions. */
  readonly node: string;
  /** In the order of their names. */
  readonly scenarios: readonly {
    readonly name: string;
    /** With slashes, from the folder in which migsim was started. */
    readonly file: string;
    readonly memory: 'page' | 'fluid';
    readonly parameters: Parameters;
  }[];
}

export interface Baseline {
  readonly manifest: BaselineManifest;
  /** By scenario, strategy and run, in the order of their names. */
  readonly results: readonly MigrationResult[];
}

export async function takeBaseline(
  scenarios: readonly Scenario[],
  options: BaselineOptions,
  threads: number,
  onResult: () => void,
): Promise<Baseline> {
  const { runs, seed } = options;
  const sorted = [...scenarios].sort((a, b) => order(a.name, b.name));
  refuseNamesakes(sorted);
  const described = sorted.map((scenario) => ({
    name: scenario.name,
    file: (scenario.file ?? scenario.name).replaceAll('\\', '/'),
    memory: memoryFor(scenario, options.memory, runs),
    parameters: parametersOf(scenario),
  }));
  const results: MigrationResult[] = [];
  for (const [index, scenario] of sorted.entries()) {
    const { memory } = nth(described, index);
    const how = { runs, seed, memory, keep: 'scalars', onResult } as const;
    const comparison = await compareInThreads(scenario, how, threads);
    // Lets signals have their turn.
    await new Promise(setImmediate);
    const byName = [...comparison.strategies].sort((a, b) => order(a.strategy.label, b.strategy.label));
    for (const entry of byName) for (const result of entry.results) results.push(result);
  }
  return {
    manifest: { migsim: version(), node: process.version, ...options, scenarios: described },
    results,
  };
}

/**
 * What was kept, under the labels that strategies have now. A label has the options in it: where one strategy of a name is
 * gone from a scenario and one of that name is new, it is the same with other options.
 */
export function relabelled(
  { manifest, outcomes }: { readonly manifest: BaselineManifest; readonly outcomes: readonly Outcome[] },
  after: BaselineManifest,
): { readonly manifest: BaselineManifest; readonly outcomes: readonly Outcome[] } {
  const labels = new Map(
    manifest.scenarios.map(({ name, parameters }) => {
      const now = after.scenarios.find((scenario) => scenario.name === name);
      return [name, now === undefined ? new Map<string, string>() : newLabels(parameters, now.parameters)];
    }),
  );
  return {
    manifest: {
      ...manifest,
      scenarios: manifest.scenarios.map((scenario) => ({
        ...scenario,
        parameters: underLabels(scenario.parameters, got(labels, scenario.name)),
      })),
    },
    outcomes: outcomes.map((outcome) => ({
      ...outcome,
      strategy: labels.get(outcome.scenario)?.get(outcome.strategy) ?? outcome.strategy,
    })),
  };
}

const STRATEGY = /^strategies\.(.+)\.name$/;

/** From the label that is gone to the one that came. */
function newLabels(before: Parameters, after: Parameters): Map<string, string> {
  const only = (these: Parameters, others: Parameters): { label: string; name: Parameter }[] =>
    Object.entries(these).flatMap(([key, name]) => {
      const label = STRATEGY.exec(key)?.[1];
      return label === undefined || key in others ? [] : [{ label, name }];
    });
  const [gone, come] = [only(before, after), only(after, before)];
  const named = (list: typeof gone, name: Parameter): typeof gone => list.filter((one) => one.name === name);
  const renamed = gone.flatMap(({ label, name }): [string, string][] => {
    const [heir, ...others] = named(come, name);
    return heir !== undefined && others.length === 0 && named(gone, name).length === 1
      ? [[label, heir.label]]
      : [];
  });
  return new Map(renamed);
}

function underLabels(parameters: Parameters, labels: ReadonlyMap<string, string>): Parameters {
  const renamed = (key: string): string => {
    const label = [...labels.keys()].find((old) => key.startsWith(`strategies.${old}.`));
    return label === undefined
      ? key
      : `strategies.${got(labels, label)}.${key.slice(`strategies.${label}.`.length)}`;
  };
  return Object.fromEntries(Object.entries(parameters).map(([key, value]) => [renamed(key), value]));
}

/** Outcomes are found again by the names of their scenarios. */
function refuseNamesakes(sorted: readonly Scenario[]): void {
  for (const [index, scenario] of sorted.entries()) {
    const other = sorted[index + 1];
    if (other?.name !== scenario.name) continue;
    const place = other.file === null ? undefined : { file: other.file };
    throw new UsageError(
      `is called ${scenario.name} like ${scenario.file ?? 'another'}; expected names that differ`,
      place,
    );
  }
}

/** By code units, which no locale changes. */
function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
