import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { compare } from '../../src/experiment/compare.js';
import { manifestOf } from '../../src/experiment/manifest.js';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { StrategyChoice } from '../../src/scenario/scenario.js';

const TEXT = `
guest:
  memory: 256MiB
  dirty-ring-size: 4096
  vcpus:
    - { count: 1, name: writer, workload: { write: 50MiB/s, working-set: 32MiB } }
    - { count: 1, name: reader, workload: { read: 100MiB/s, working-set: 32MiB } }
link: { bandwidth: 1Gbit/s }
migration: { give-up-after: 20s }
strategies: [none, auto-converge]
`;
const scenario = parseScenario(TEXT, 'small.yaml');
const [none, autoConverge] = scenario.strategies as [StrategyChoice, StrategyChoice];

/** Everything but the names. */
function unnamed(result: MigrationResult): MigrationResult {
  return { ...result, strategy: '', policy: '' };
}

describe('compare', () => {
  test('strategies meet the same dice: one that never acts gives the very result of another that never acts', () => {
    const idle: StrategyChoice = { ...none, label: 'idle' };
    const { strategies } = compare(scenario, { strategies: [none, idle], runs: 3, seed: 5 });
    const [first, second] = strategies.map(({ results }) => results.map(unnamed));
    expect(first).toEqual(second);
  });

  test('runs differ from each other, and so do seeds', () => {
    const resultsOf = (seed: number): MigrationResult[] => [
      ...compare(scenario, { strategies: [none], runs: 3, seed }).strategies[0]!.results,
    ];
    const pages = [...resultsOf(1), ...resultsOf(2)].map((result) => result.normalPages + result.totalTimeMs);
    expect(new Set(pages).size).toBeGreaterThan(4);
  });

  test('the same experiment gives the same results', () => {
    expect(compare(scenario, { runs: 2 }).strategies).toEqual(compare(scenario, { runs: 2 }).strategies);
  });

  test('run i is what simulate gives for run i, whatever ran before it', () => {
    const { strategies } = compare(scenario, { runs: 3, seed: 9 });
    expect(simulate(scenario, autoConverge, { run: 3, seed: 9 })).toEqual(strategies[1]!.results[2]);
  });

  test('results are handed over as they come, strategy by strategy, and may then be kept small', () => {
    const seen: MigrationResult[] = [];
    const { strategies } = compare(scenario, {
      runs: 2,
      timelineMs: 100,
      keep: 'scalars',
      onResult: (result) => seen.push(result),
    });
    expect(seen.map(({ strategy, run }) => `${strategy} ${run}`)).toEqual([
      'none 1',
      'none 2',
      'auto-converge 1',
      'auto-converge 2',
    ]);
    expect(seen.every((result) => result.timeline.length > 0 && result.syncs.length > 0)).toBe(true);
    const kept = strategies.flatMap(({ results }) => results);
    expect(kept.every((result) => result.timeline.length === 0 && result.syncs.length === 0)).toBe(true);
    expect(kept.map((result) => result.totalTimeMs)).toEqual(seen.map((result) => result.totalTimeMs));
  });

  test('a strategy that refuses the scenario stops everything before the first run', () => {
    const place = { file: 'small.yaml', line: 9 };
    const definition = { ...none.definition, refuses: () => 'it needs a dirty ring' };
    const picky: StrategyChoice = { ...none, label: 'picky', definition, place };
    const seen: MigrationResult[] = [];
    const attempt = (): unknown =>
      compare(scenario, { strategies: [none, picky], onResult: (result) => seen.push(result) });
    expect(attempt).toThrow(new UsageError('picky cannot run here: it needs a dirty ring', place));
    expect(seen).toEqual([]);
  });

  test('both strategy and policy may change the setup before it starts', () => {
    const limit = (downtimeLimitMs: number): StrategyChoice => ({
      ...none,
      definition: {
        ...none.definition,
        prepare: (_, setup) => ({ ...setup, migration: { ...setup.migration, downtimeLimitMs } }),
      },
    });
    // A migration that never restrained the guest ends with the threshold of the limit that was in force.
    const short = simulate(scenario, limit(50));
    const long = simulate(scenario, none, { policy: limit(2000) });
    expect(short.expectedDowntimeMs).not.toBe(long.expectedDowntimeMs);
    expect(long.totalTimeMs).toBeLessThan(short.totalTimeMs);
  });
});

describe('the manifest', () => {
  const comparison = compare(scenario, { seed: 3, runs: 1, memory: 'fluid' });

  test('has the scenario with the hash that sha256sum gives for the file', () => {
    const empty = { ...comparison, scenario: { ...scenario, text: 'abc' } };
    // FIPS 180-2, appendix B.1.
    expect(manifestOf(empty, []).scenario.sha256).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(manifestOf(comparison, []).scenario.text).toBe(TEXT);
  });

  test('has all options of all strategies, defaults too, so that a later default changes nothing', () => {
    const manifest = manifestOf(comparison, ['compare', 'small.yaml']);
    expect(manifest.strategies.map(({ label }) => label)).toEqual(['none', 'auto-converge']);
    expect(manifest.strategies[1]!.options).toEqual(autoConverge.options);
    expect(Object.keys(autoConverge.options).length).toBeGreaterThan(0);
    expect(manifest).toMatchObject({ seed: 3, runs: 1, memory: 'fluid', node: process.version });
  });

  test('is the same every time: no clock, no machine', () => {
    const text = (): string => JSON.stringify(manifestOf(comparison, ['compare', 'small.yaml']));
    expect(text()).toBe(text());
  });
});
