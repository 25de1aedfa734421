/** What it takes to repeat an experiment to the last byte. It knows no clock and no machine. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Choice } from '../scenario/scenario.js';
import type { StrategyDefinition } from '../strategies/define.js';
import type { Comparison } from './compare.js';
import { version } from './version.js';

interface Named {
  readonly label: string;
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A file that decides the results: a strategy or policy of the user's own. The hash is hexadecimal. */
export interface SourceFile {
  readonly path: string;
  readonly sha256: string;
  readonly text: string;
}

export interface Manifest {
  readonly migsim: string;
  /** Last bits of exponentials may differ between major versions. */
  readonly node: string;
  /** The words after `migsim`, without where the output went. */
  readonly command: readonly string[];
  readonly scenario: {
    readonly name: string;
    readonly file: string | null;
    readonly sha256: string;
    readonly text: string;
  };
  /** Strategies of the user's own, given as files. */
  readonly files: readonly SourceFile[];
  readonly strategies: readonly Named[];
  readonly policy: Named;
  readonly memory: 'page' | 'fluid';
  readonly seed: number;
  /** Runs 1 to this number, of every strategy. */
  readonly runs: number;
}

export function manifestOf(
  comparison: Omit<Comparison, 'strategies'> & {
    readonly strategies: readonly { readonly strategy: Choice<StrategyDefinition> }[];
  },
  command: readonly string[],
  files: readonly SourceFile[] = [],
): Manifest {
  const { scenario, policy, memory, seed, runs, strategies } = comparison;
  return {
    migsim: version(),
    node: process.version,
    command,
    scenario: {
      name: scenario.name,
      file: scenario.file,
      sha256: sha256(scenario.text),
      text: scenario.text,
    },
    files,
    strategies: strategies.map(({ strategy }) => named(strategy)),
    policy: named(policy),
    memory,
    seed,
    runs,
  };
}

export function sourceFile(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  return { path, sha256: sha256(text), text };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function named(choice: Choice<StrategyDefinition>): Named {
  return { label: choice.label, name: choice.definition.name, options: choice.options };
}
