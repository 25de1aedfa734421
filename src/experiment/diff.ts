/** What two experiments were run with, read back from their manifests. */
import { UsageError } from '../errors.js';
import { parseScenario } from '../scenario/parse.js';
import type { Manifest } from './manifest.js';
import { type Parameters, parametersOf } from './parameters.js';

/** Enough to distinguish two texts. */
const HASH_DIGITS = 12;

/**
 * Every parameter of an experiment: the scenario's with their defaults, and how it was run. `strategy`: of this one alone,
 * under names that do not contain its own, so that two strategies can be compared. A scenario that this migsim cannot read
 * any more is known by its hash only.
 */
export function parametersOfManifest(manifest: Manifest, strategy: string | null): Parameters {
  const { memory, seed, runs, policy, strategies, scenario, migsim, node } = manifest;
  const chosen = strategies.filter(({ label }) => strategy === null || label === strategy);
  const ofStrategies = chosen.flatMap(({ label, name, options }) => {
    const prefix = strategy === null ? `strategies.${label}` : 'strategy';
    return [[`${prefix}.name`, name], ...pairs(prefix, options)] as const;
  });
  return Object.fromEntries([
    ...scenarioPairs(manifest),
    ['policy.name', policy.name],
    ...pairs('policy', policy.options),
    ...ofStrategies,
    ['memory', memory],
    ['seed', seed],
    ...(strategy === null ? [['runs', runs]] : []),
    ...manifest.files.map(({ path, sha256 }) => [`file ${path}`, sha256.slice(0, HASH_DIGITS)]),
    ['scenario.name', scenario.name],
    ['migsim', migsim],
    ['node', node],
  ]) as Parameters;
}

function scenarioPairs({ scenario, command }: Manifest): readonly (readonly [string, unknown])[] {
  try {
    const read = parseScenario(scenario.text, scenario.file ?? scenario.name, { set: setsOf(command) });
    return Object.entries(parametersOf(read)).filter(([name]) => !/^(policy|strategies)\./.test(name));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return [['scenario.sha256', scenario.sha256.slice(0, HASH_DIGITS)]];
  }
}

/** What followed `--set` on the command line. */
function setsOf(command: readonly string[]): string[] {
  return command.flatMap((word, index) => {
    if (command[index - 1] === '--set') return [word];
    return word.startsWith('--set=') ? [word.slice('--set='.length)] : [];
  });
}

function pairs(prefix: string, options: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(options).map(([key, value]) => [
    `${prefix}.${key}`,
    typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
  ]);
}
