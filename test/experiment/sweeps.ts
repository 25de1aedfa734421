/** Sweeps for tests: small, and in a folder of their own that goes away. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { runSweep, type SweepRun } from '../../src/experiment/sweep/run.js';
import type { SweepSpec } from '../../src/experiment/sweep/spec.js';
import { parseVariation } from '../../src/experiment/sweep/variation.js';
import { sweepTable } from '../../src/report/terminal/sweep-table.js';

export const GUEST = 'test/cli/small.yaml';
export const VARY = ['link.bandwidth=1Gbit/s,10Gbit/s', 'migration.downtime-limit=100ms..400ms:3:log'];

export function specOf(changes: Partial<SweepSpec> = {}, vary: readonly string[] = VARY): SweepSpec {
  return {
    question: null,
    scenario: { file: GUEST, text: readFileSync(GUEST, 'utf8') },
    set: [],
    vary: vary.map((text) => parseVariation(text)),
    strategies: [],
    policy: null,
    files: [],
    runs: 5,
    seed: 1,
    memory: 'fluid',
    precision: null,
    ...changes,
  };
}

export function optionsOf(out: string | null, changes: Partial<SweepRun> = {}): SweepRun {
  const how = { out, shard: null, workers: 1, worker: null };
  return { spec: specOf(), command: ['sweep'], table: sweepTable, ...how, ...changes };
}

/** In this thread. */
export async function sweep(out: string, changes: Partial<SweepRun> = {}): Promise<string> {
  await runSweep(optionsOf(out, changes));
  return out;
}

/** A new folder for a test file. */
export function scratch(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'migsim-sweep-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return (name) => join(folder, name);
}

/** Every file of a folder with its content. */
export function bytesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}
