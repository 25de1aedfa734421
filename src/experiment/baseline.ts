/** A baseline: outcomes worth keeping, and what they came from. */
import { UsageError } from '../errors.js';
import type { MigrationResult } from '../migration/result.js';
import type { Scenario } from '../scenario/scenario.js';
import { compare } from './compare.js';
import { version } from './manifest.js';
import { type MemoryChoice, memoryFor } from './memory-choice.js';
import { type Parameters, parametersOf } from './parameters.js';

export interface BaselineOptions {
  readonly memory: MemoryChoice;
  readonly runs: number;
  readonly seed: number;
}

/** What lies beside the outcomes: how to get them again, and every parameter that they hang on. */
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

export function takeBaseline(
  scenarios: readonly Scenario[],
  options: BaselineOptions,
  onResult?: () => void,
): Baseline {
  const { runs, seed } = options;
  const sorted = [...scenarios].sort((a, b) => order(a.name, b.name));
  refuseNamesakes(sorted);
  const described = sorted.map((scenario) => ({
    name: scenario.name,
    file: (scenario.file ?? scenario.name).replaceAll('\\', '/'),
    memory: memoryFor(scenario, options.memory, runs),
    parameters: parametersOf(scenario),
  }));
  const results = sorted.flatMap((scenario, index) => {
    const { memory } = described[index]!;
    const comparison = compare(scenario, {
      runs,
      seed,
      memory,
      keep: 'scalars',
      ...(onResult === undefined ? {} : { onResult }),
    });
    const byName = [...comparison.strategies].sort((a, b) => order(a.strategy.label, b.strategy.label));
    return byName.flatMap((entry) => entry.results);
  });
  return {
    manifest: { migsim: version(), node: process.version, ...options, scenarios: described },
    results,
  };
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
