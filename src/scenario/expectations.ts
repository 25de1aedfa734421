/** `expect:` of a scenario: who is meant and what is measured is checked here, conditions by src/experiment/expect/expect.ts. */
import { isOneOf, nth } from '../lists.js';
import type { ExpectationText } from './scenario.js';
import type { Path } from './form/problems.js';
import type { ExpectationForm } from './form/expect-section.js';
import type { ScenarioFile } from './form/schema.js';
import { expected, unknown } from '../options/wording.js';

/** What can be expected of a run: the columns of runs.csv without their units, where one is left that distinguishes them. */
export const RUN_KEYS = [
  'converges',
  'status',
  'binds',
  'total-time',
  'setup-time',
  'downtime',
  'blackout',
  'expected-downtime',
  'dirty-sync-count',
  'sent',
  'precopy',
  'downtime-bytes',
  'postcopy',
  'multifd',
  'total-ram',
  'remaining',
  'normal-pages',
  'zero-pages',
  'xbzrle-pages',
  'xbzrle',
  'xbzrle-misses',
  'xbzrle-overflows',
  'resent-pages',
  'dirty-pages-per-s',
  'bandwidth',
  'threshold',
  'max-throttle',
  'max-ring-full-sleep',
  'first-throttle-sync',
  'first-throttle',
  'postcopy-requests',
  'postcopy-time',
  'writers-work-done',
  'readers-work-done',
  'longest-stall',
  'held-time',
  'writers-work-held',
  'readers-work-held',
  'sender-cpu',
  'send-cpu',
  'encode-cpu',
  'zero-test-cpu',
  'sync-cpu',
  'receiver-cpu',
  'receive-cpu',
  'decode-cpu',
  'fault-cpu',
  'sender-memory',
  'receiver-memory',
  'stalls-at',
  'sufficient-pause',
] as const;

/** What can be expected of a group of vCPUs, as in `reader.work-done`: the columns of vcpus.csv. */
export const GROUP_KEYS = [
  'work-done',
  'write-work-done',
  'read-work-done',
  'writes',
  'reads',
  'longest-stall',
  'fault',
  'throttled',
  'ring-sleep',
  'ring-exit',
  'postcopy-blocked',
  'blackout',
  'faults',
  'ring-full-exits',
] as const;

/** The one key of `expect:` that is no strategy. */
const RELATIONS = 'relations';

const RELATION = /^(.+?)\s*(<=|>=|==|!=|<|>)\s*(.+)$/;
const FACTOR = /^\d+(?:\.\d+)?\s*\*\s*/;

/** What can be made of a measure's values over the runs: `p90(total-time)`. Without one, every run is meant. */
const STATISTICS = ['mean', 'median', 'min', 'max', 'p90'] as const;

export interface OverRuns {
  /** A word of `STATISTICS`, or `p` with a number from 0 to 100; null: each run by itself. */
  readonly statistic: string | null;
  /** What stands in the brackets, or the whole text. */
  readonly of: string;
}

/** `p90(dirty-limit.total-time)` in its two parts. Labels have brackets too, but never at the end of a measure. */
export function splitStatistic(text: string): OverRuns {
  const [, statistic, of = ''] = /^([a-z][a-z0-9.]*)\(\s*(.+?)\s*\)$/.exec(text) ?? [];
  return statistic === undefined ? { statistic: null, of: text } : { statistic, of };
}

function wrongWithStatistic(statistic: string | null): string | null {
  if (statistic === null || isOneOf(STATISTICS, statistic)) return null;
  const percent = /^p(\d+(?:\.\d+)?)$/.exec(statistic)?.[1];
  return percent !== undefined && Number(percent) <= 100 ? null : unknown('statistic', statistic, STATISTICS);
}

export interface ExpectationAt {
  readonly text: Omit<ExpectationText, 'place'>;
  readonly path: Path;
}

export type Complain = (path: Path, at: 'key' | 'value', message: string) => void;

/** Null where that section cannot be read: what its names would be is not known then. */
interface Names {
  /** Label and name of each strategy. */
  readonly strategies: readonly { readonly label: string; readonly name: string }[] | null;
  readonly groups: readonly string[] | null;
}

/** All lines of `expect:`, in the order of the file. Strategies come out by their labels. */
export function readExpectations(
  expect: ScenarioFile['expect'],
  names: Names,
  complain: Complain,
): ExpectationAt[] {
  const found: ExpectationAt[] = [];
  for (const [word, content] of Object.entries(expect)) {
    const subject = labelOf(word, names);
    if (word === RELATIONS) {
      for (const relation of readRelations(content, names, complain)) found.push(relation);
    } else if (subject === null) {
      complain(['expect', word], 'key', unknown('strategy', word, [...shortest(names), RELATIONS]));
    } else if (isList(content)) {
      const what = "a map such as { converges: true, total-time: '< 60s' }";
      complain(['expect', word], 'value', expected(what, content));
    } else {
      for (const [key, condition] of Object.entries(content)) {
        const wrong = wrongWithKey(key, names.groups);
        if (wrong !== null) complain(['expect', word, key], 'key', wrong);
        found.push({ text: { subject, key, condition }, path: ['expect', word, key] });
      }
    }
  }
  return found;
}

/** The strategy of that label, or else the only one of that name. */
function labelOf(word: string, { strategies }: Names): string | null {
  if (strategies === null) return word;
  if (strategies.some(({ label }) => label === word)) return word;
  const named = strategies.filter(({ name }) => name === word);
  return named.length === 1 ? nth(named, 0).label : null;
}

/** The shortest word for each. */
function shortest(names: Names): string[] {
  return (names.strategies ?? []).map(({ label, name }) => (labelOf(name, names) === label ? name : label));
}

function readRelations(content: ExpectationForm, names: Names, complain: Complain): ExpectationAt[] {
  if (!isList(content)) {
    complain(['expect', RELATIONS], 'value', expected(`a list of relations such as '${EXAMPLE}'`, content));
    return [];
  }
  return content.map((text, index) => {
    const path = ['expect', RELATIONS, index];
    const result = readRelation(text, names);
    if ('wrong' in result) complain(path, 'value', result.wrong);
    const key = 'wrong' in result ? text : result.text;
    return { text: { subject: null, key, condition: '' }, path };
  });
}

const EXAMPLE = 'dirty-limit.total-time < auto-converge.total-time';

type Reading = { readonly text: string } | { readonly wrong: string };

function readRelation(text: string, names: Names): Reading {
  const sides = RELATION.exec(text.trim());
  if (sides === null) return { wrong: expected(`a relation such as '${EXAMPLE}'`, text) };
  const left = readOperand(nth(sides, 1), names);
  if ('wrong' in left) return left;
  const right = readOperand(nth(sides, 3), names);
  return 'wrong' in right ? right : { text: `${left.text} ${nth(sides, 2)} ${right.text}` };
}

/** `auto-converge.total-time`, also with a factor: `0.5 * auto-converge.total-time`. */
function readOperand(text: string, names: Names): Reading {
  const factor = FACTOR.exec(text)?.[0] ?? '';
  const { statistic, of: name } = splitStatistic(text.slice(factor.length));
  const wrongStatistic = wrongWithStatistic(statistic);
  if (wrongStatistic !== null) return { wrong: wrongStatistic };
  // Labels have dots: without them nothing says where the measure begins.
  if (names.strategies === null) return { text };
  const words = names.strategies.flatMap((strategy) => [strategy.label, strategy.name]);
  const fitting = words.filter((word) => name.startsWith(`${word}.`)).sort((a, b) => b.length - a.length)[0];
  const label = fitting === undefined ? null : labelOf(fitting, names);
  if (fitting === undefined || label === null) {
    return { wrong: unknown('strategy', fitting ?? nth(name.split('.'), 0), shortest(names)) };
  }
  const key = name.slice(fitting.length + 1);
  const wrong = wrongWithMeasure(key, names.groups);
  const measure = `${label}.${key}`;
  const overRuns = statistic === null ? measure : `${statistic}(${measure})`;
  return wrong === null ? { text: `${factor}${overRuns}` } : { wrong };
}

function wrongWithKey(key: string, groups: Names['groups']): string | null {
  const { statistic, of } = splitStatistic(key);
  return wrongWithStatistic(statistic) ?? wrongWithMeasure(of, groups);
}

function wrongWithMeasure(key: string, groups: Names['groups']): string | null {
  if (isOneOf(RUN_KEYS, key)) return null;
  const dot = key.lastIndexOf('.');
  if (dot < 0)
    return unknown('measure', key, [...RUN_KEYS, ...(groups ?? []).map((group) => `${group}.work-done`)]);
  const group = key.slice(0, dot);
  if (groups?.includes(group) === false) return unknown('vCPU group', group, groups);
  const ofGroup = key.slice(dot + 1);
  return isOneOf(GROUP_KEYS, ofGroup) ? null : unknown('measure', ofGroup, GROUP_KEYS);
}

function isList(content: ExpectationForm): content is readonly string[] {
  return Array.isArray(content);
}
