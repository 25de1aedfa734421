/** A guest's scenario under what was in force while a migration was recorded. */
import { settingsInForce, strategyText } from '../../recording/in-force.js';
import { exactRate } from '../../recording/learn/answer/scenario-text.js';
import type { UnknownMap } from '../../lists.js';
import { parseScenario } from '../../scenario/parse.js';
import { writtenValue } from '../../scenario/overrides.js';
import type { Scenario } from '../../scenario/scenario.js';

const { max, round } = Math;

/** Settings of a migration and what was done while it ran. Times in ms since `migrate`. */
export interface Conditions {
  /** `7.2.22`. */
  readonly qemu: string;
  readonly parameters: UnknownMap;
  readonly capabilities: readonly string[];
  /** Parameters as they were from an instant on, in order. */
  readonly changes: readonly { readonly afterMs: number; readonly parameters: UnknownMap }[];
  /** When post-copy began; null: it did not. */
  readonly postcopyMs: number | null;
  /** When it ended without completing; null: it completed, or its end is not known. */
  readonly givenUpMs: number | null;
}

/** The scenario that is simulated, and what the file says otherwise. */
export interface ScenarioUnder {
  readonly scenario: Scenario;
  /** `max-bandwidth: 128MiB/s in the file, 1GiB/s in force`. */
  readonly differences: readonly string[];
  /** In force, but not simulated: by QEMU's names. */
  readonly ignored: readonly string[];
}

const SWITCHES = ['return-path', 'pause-before-switchover', 'postcopy-ram', 'postcopy-preempt'] as const;

/** Such a long time is none that a recorded migration took: only what never completes is ended by it. */
const GIVE_UP_FACTOR = 20;
const LEAST_GIVE_UP_MS = 600_000;

/** @throws UsageError when the file is no scenario, or what was in force cannot be simulated on it */
export function scenarioUnder(
  text: string,
  file: string,
  conditions: Conditions,
  lengthMs = 0,
): ScenarioUnder {
  const { parameters, capabilities, qemu, givenUpMs } = conditions;
  const { migration, strategy, ignored } = settingsInForce(parameters, capabilities);
  const has = (key: string): boolean => migration.some((one) => one.key === key);
  const giveUpMs = givenUpMs ?? max(LEAST_GIVE_UP_MS, GIVE_UP_FACTOR * lengthMs);
  const at = scheduleOf(conditions);
  const set = [
    `migration.qemu='${qemu.split('.').slice(0, 2).join('.')}'`,
    ...SWITCHES.filter((key) => !has(key)).map((key) => `migration.${key}=false`),
    ...(has('stream') ? [] : ['migration.stream=plain']),
    ...migration.map(({ key, yaml }) => `migration.${key}=${yaml}`),
    `migration.give-up-after=${max(1, round(giveUpMs))}ms`,
    `migration.at=[${at.join(', ')}]`,
    `strategies=[${strategyOf(strategyText(strategy))}]`,
    'policy=wait',
    'expect={}',
  ];
  const asWritten = parseScenario(text, file);
  const differences = migration.flatMap(({ key, yaml }) => {
    const written = writtenValue(asWritten, `migration.${key}`);
    return written === null || written === yaml ? [] : [`${key}: ${written} in the file, ${yaml} in force`];
  });
  return { scenario: parseScenario(text, file, { set }), differences, ignored };
}

/** `name: { … }` is a map of its own in a list in brackets. */
function strategyOf(text: string): string {
  return text.includes(':') ? `{ ${text} }` : text;
}

function scheduleOf({ changes, postcopyMs, parameters }: Conditions): string[] {
  const entries: { readonly afterMs: number; readonly text: string }[] = [];
  let before = parameters;
  for (const { afterMs, parameters: now } of changes) {
    const set = changed(before, now);
    if (set.length > 0) entries.push({ afterMs, text: `set: { ${set.join(', ')} }` });
    before = now;
  }
  if (postcopyMs !== null) entries.push({ afterMs: postcopyMs, text: 'do: start-postcopy' });
  return entries
    .sort((a, b) => a.afterMs - b.afterMs)
    .map(({ afterMs, text }) => `{ after: ${max(0, round(afterMs))}ms, ${text} }`);
}

function changed(before: UnknownMap, now: UnknownMap): string[] {
  const rate = (key: string): string[] => {
    const value = now[key];
    if (typeof value !== 'number' || value === before[key]) return [];
    return [`${key}: ${value === 0 ? 'unlimited' : exactRate(value)}`];
  };
  const limit = now['downtime-limit'];
  return [
    ...rate('max-bandwidth'),
    ...rate('max-postcopy-bandwidth'),
    ...(typeof limit === 'number' && limit !== before['downtime-limit']
      ? [`downtime-limit: ${limit}ms`]
      : []),
  ];
}
