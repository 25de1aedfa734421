/** Which values a key takes, found out by trying them. */
import { UsageError } from '../../errors.js';
import { scenarioLoader } from '../../scenario/parse.js';
import type { Scenario } from '../../scenario/scenario.js';
import type { AcceptsOf } from './variation.js';

/** By loading the scenario with a value in it. */
export function acceptsIn({
  text,
  file,
  name,
  set,
}: Pick<Scenario, 'text' | 'file' | 'name' | 'set'>): AcceptsOf {
  const load = scenarioLoader(text, file ?? name);
  return (key) => (value) => {
    try {
      load([...set, `${key}=${value}`]);
      return true;
    } catch (error) {
      if (error instanceof UsageError) return false;
      throw error;
    }
  };
}
