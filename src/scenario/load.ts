/** Scenario files, read from disk. */
import { scenarioLoader, type LoadOptions } from './parse.js';
import { readText } from './read-text.js';
import type { Scenario } from './scenario.js';

/** Reads a scenario file. @throws UsageError with the place, one line for each thing that is wrong */
export function loadScenario(path: string, options: LoadOptions = {}): Scenario {
  return scenarioLoader(readText(path), path)(options.set);
}
