/** Scenarios by their text and the values put in, as they were loaded last: batches of one scenario come one after the other. */
import { scenarioLoader } from '../../scenario/parse.js';
import type { Scenario } from '../../scenario/scenario.js';

interface Kept {
  readonly load: (set?: readonly string[]) => Scenario;
  readonly scenarios: Map<string, Scenario>;
}

const texts = new Map<string, Kept>();
const MOST_TEXTS = 20;
const MOST_SCENARIOS = 32;

/** Throws the `UsageError` of `parseScenario`. */
export function loaded(text: string, file: string, set: readonly string[]): Scenario {
  const { load, scenarios } = kept(text, file);
  const key = set.join('\n');
  const known = scenarios.get(key);
  if (known !== undefined) return known;
  const scenario = load(set);
  const [oldest] = scenarios.keys();
  if (scenarios.size >= MOST_SCENARIOS && oldest !== undefined) scenarios.delete(oldest);
  scenarios.set(key, scenario);
  return scenario;
}

function kept(text: string, file: string): Kept {
  const key = `${file}\n${text}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const fresh = { load: scenarioLoader(text, file), scenarios: new Map<string, Scenario>() };
  if (texts.size >= MOST_TEXTS) texts.clear();
  texts.set(key, fresh);
  return fresh;
}
