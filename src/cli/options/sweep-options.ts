/** Options of `migsim sweep`, and of what merges its shards. */
import { MOST_WORKERS } from '../../experiment/run-options.js';
import { defineOptions, type Given, type Option } from '../command.js';
import { experimentOptions, failUnlessOption, runsOption } from './experiment-options.js';
import { read } from './values.js';

const FORMATS = ['csv', 'parquet'] as const;
export type SweepFormat = (typeof FORMATS)[number];

export const formatOption = {
  kind: 'choice',
  choices: FORMATS,
  summary: 'csv, or parquet: runs.parquet and summary.parquet in addition to the CSV files',
  value: 'FORMAT',
  default: 'csv',
  affectsResult: false,
} as const satisfies Option;

/** Left out, it is what the sweep file says. */
function withoutDefault<Of extends { readonly default: unknown }>({
  default: _,
  ...option
}: Of): Omit<Of, 'default'> {
  return option;
}

export const sweepOptions = defineOptions({
  vary: {
    kind: 'text',
    summary: 'KEY=A,B or KEY=FROM..TO:COUNT:log (or lin); several keys together as K+L=A+X,B+Y; repeatable',
    value: 'KEY=VALUES',
    repeatable: true,
  },
  strategy: {
    ...experimentOptions.strategy,
    summary: `${experimentOptions.strategy.summary}; separate several by commas; all: every strategy that can run`,
    repeatable: true,
  },
  policy: experimentOptions.policy,
  'fail-unless': failUnlessOption,
  runs: { ...withoutDefault(runsOption), summary: 'Maximum runs per strategy and cell (default: 1)' },
  precision: {
    kind: 'text',
    summary: 'Stop a cell once total time and downtime are known to within this share, such as 2%',
    value: 'SHARE',
  },
  seed: withoutDefault(experimentOptions.seed),
  memory: {
    ...withoutDefault(experimentOptions.memory),
    summary: 'Memory model: page (exact), fluid (fast) or auto (= fluid here)',
  },
  set: experimentOptions.set,
  strict: {
    kind: 'flag',
    summary: 'Refuse a cell that cannot run instead of leaving it out',
    affectsResult: false,
  },
  out: { ...experimentOptions.out, summary: 'Output folder; resumes an unfinished sweep found there' },
  format: formatOption,
  shard: {
    kind: 'text',
    summary: 'Only part i of n: i/n, or auto/n under Slurm and Kubernetes',
    value: 'I/N',
    affectsResult: false,
  },
  workers: {
    kind: 'count',
    min: 1,
    max: MOST_WORKERS,
    summary: 'Worker threads (default: one per core)',
    value: 'N',
    affectsResult: false,
  },
  json: experimentOptions.json,
});

export function formatOf(given: Given): SweepFormat {
  return read(given, { format: formatOption }, 'format');
}
