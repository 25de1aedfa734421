/** Where results come from: the manifest of a results folder, of a comparison or of a sweep. */
import { counted } from '../terminal/kit/text.js';
import { isMap } from '../../lists.js';
import { readManifestJson } from './manifest-file.js';

/** null: the manifest does not say. */
export interface Provenance {
  readonly migsim: string;
  readonly node: string;
  /** The words after `migsim`. */
  readonly command: readonly string[];
  /** Of a sweep. */
  readonly question: string | null;
  readonly scenario: { readonly name: string | null; readonly text: string; readonly sha256: string | null };
  /** What `--set` and a sweep's `set` changed in the scenario, as `path=value`. */
  readonly changes: readonly string[];
  /** Strategies and policies of the user's own. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Strategies, then the policy, with all their options. */
  readonly choices: readonly {
    readonly label: string;
    readonly options: Readonly<Record<string, unknown>>;
  }[];
  readonly memory: string | null;
  readonly seed: number | null;
  readonly runs: number | null;
}

/** null where there is no manifest, or one of something else. Throws `UsageError` for what is no JSON. */
export function readProvenance(folder: string): Provenance | null {
  return provenanceOf(readManifestJson(folder));
}

/** `manifest`: as it is written, or as it is read back. A sweep has what a comparison has under `sweep`. */
export function provenanceOf(manifest: unknown): Provenance | null {
  if (!isMap(manifest)) return null;
  const experiment = isMap(manifest['sweep']) ? manifest['sweep'] : manifest;
  const { scenario } = experiment;
  const [migsim, node] = [textOf(manifest['migsim']), textOf(manifest['node'])];
  if (!isMap(scenario) || migsim === null || node === null) return null;
  const text = textOf(scenario['text']);
  if (text === null) return null;
  const [, named] = /^name:\s*(\S.*?)\s*$/m.exec(text) ?? [];
  const command = listOf(manifest['command']).map(String);
  return {
    migsim,
    node,
    command,
    question: textOf(experiment['question']),
    scenario: {
      name: textOf(scenario['name']) ?? named ?? null,
      text,
      sha256: textOf(scenario['sha256']),
    },
    changes: isMap(manifest['sweep']) ? listOf(experiment['set']).map(String) : setIn(command),
    files: listOf(experiment['files']).filter(isMap).flatMap(fileOf),
    choices: [...listOf(experiment['strategies']), experiment['policy']].filter(isMap).flatMap(choiceOf),
    memory: textOf(experiment['memory']),
    seed: numberOf(experiment['seed']),
    runs: numberOf(experiment['runs']),
  };
}

/** Enough to make a table or a figure again, in two lines. */
export function provenanceLines({ migsim, node, scenario, command, ...how }: Provenance): string[] {
  const hash = scenario.sha256 === null ? '' : ` (SHA-256 ${scenario.sha256})`;
  return [
    `migsim ${migsim}, Node.js ${node}${scenario.name === null ? '' : `; scenario ${scenario.name}`}${hash}`,
    `${conditionsOf(how)}: migsim ${command.join(' ')}`,
  ];
}

/** `page memory, seed 1, 20 runs of each strategy`. */
export function conditionsOf({ memory, seed, runs }: Pick<Provenance, 'memory' | 'seed' | 'runs'>): string {
  return [
    memory === null ? '' : `${memory} memory`,
    seed === null ? '' : `seed ${seed}`,
    runs === null ? '' : `${counted(runs, 'run')} of each strategy`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** The values of `--set`, in both ways of giving them. */
function setIn(command: readonly string[]): string[] {
  return command.flatMap((word, index) => {
    if (word.startsWith('--set=')) return [word.slice('--set='.length)];
    return command[index - 1] === '--set' ? [word] : [];
  });
}

type JsonObject = Readonly<Record<string, unknown>>;

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function fileOf({ path, text }: JsonObject): Provenance['files'][number][] {
  return typeof path === 'string' && typeof text === 'string' ? [{ path, text }] : [];
}

function choiceOf({ label, options }: JsonObject): Provenance['choices'][number][] {
  return typeof label === 'string' && isMap(options) ? [{ label, options }] : [];
}
