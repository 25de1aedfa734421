/** A results folder of a real, small experiment, made once a process: four strategies on a guest of 512 MiB. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compare } from '../../src/experiment/compare.js';
import { manifestOf } from '../../src/experiment/manifest.js';
import { openCsv } from '../../src/report/files/csv.js';
import { parseScenario } from '../../src/scenario/parse.js';

export const SCENARIO = `# Shows: one vCPU that writes and one that reads.
# Expect: only the throttle that knows vCPUs leaves the reader alone.
name: small & <quick>
guest:
  memory: 512MiB
  zero-pages: 25%
  dirty-ring-size: 1024
  vcpus:
    - { count: 1, name: writer, workload: { write: 400MiB/s, working-set: 128MiB } }
    - { count: 1, name: reader, workload: { read: 400MiB/s, working-set: 64MiB } }
link: { bandwidth: 1Gbit/s }
migration: { give-up-after: 40s, downtime-limit: 200ms }
strategies:
  - none
  - auto-converge
  - auto-converge: { cpu-throttle-initial: 50 }
  - dirty-limit: { vcpu-dirty-limit: 50MiB/s }
`;

export const RUNS = 3;

export function writeSmallResults(folder: string): void {
  const csv = openCsv(folder);
  const scenario = parseScenario(SCENARIO, 'small.yaml');
  const comparison = compare(scenario, { runs: RUNS, timelineMs: 100, onResult: csv.add });
  csv.finish(manifestOf(comparison, ['compare', 'small.yaml', '--runs', String(RUNS)]));
}

let folder: string | undefined;

export function smallResults(): string {
  if (folder === undefined) {
    const made = mkdtempSync(path.join(tmpdir(), 'migsim-results-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    writeSmallResults(made);
    folder = made;
  }
  return folder;
}
