/** Commands that take any number of scenario files. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { allOf, UsageError } from '../../errors.js';
import { statusOf } from '../../files.js';
import { got } from '../../lists.js';
import type { Scenario } from '../../scenario/scenario.js';
import type { Positional } from '../command.js';
import { readText } from '../../scenario/read-text.js';

const FOLDER = 'scenarios';

export const scenarioFiles: Positional = {
  name: 'files',
  describe: `Scenario files, or folders of them; ${FOLDER}/ when none is given`,
  takes: 'any number',
};

/** Files as given; of a folder, all of its scenarios in the order of their names. Throws `UsageError`. */
export function namedFiles(names: readonly string[]): string[] {
  return (names.length === 0 ? [FOLDER] : names).flatMap((name) => {
    const folder = statusOf(name)?.isDirectory() ?? false;
    if (!folder && names.length === 0) {
      throw new UsageError(`there is no folder ${FOLDER}/ here; expected it, or the names of scenario files`);
    }
    return folder ? filesIn(name) : [name];
  });
}

function filesIn(folder: string): string[] {
  const files = readdirSync(folder).filter((file) => /\.ya?ml$/.test(file));
  if (files.length === 0) throw new UsageError('no scenario files (*.yaml) in it', { file: folder });
  return files.sort().map((file) => join(folder, file));
}

/**
 * Reads every file before anything runs. Throws one `UsageError` with a line for each thing that is wrong in any of them.
 * `refusal` loads what looks for more in a scenario; it is not asked for where no file holds one.
 */
export async function loadAll(
  files: readonly string[],
  refusal?: () => Promise<(scenario: Scenario) => void>,
): Promise<Scenario[]> {
  const wrong = new Map<string, UsageError>();
  const scenarios = new Map<string, Scenario>();
  for (const file of files) {
    await noting(wrong, file, async () => {
      const text = readText(file);
      const { parseScenario } = await import('../../scenario/parse.js');
      scenarios.set(file, parseScenario(text, file));
    });
  }
  if (refusal !== undefined && scenarios.size > 0) {
    const refuse = await refusal();
    for (const [file, scenario] of scenarios) await noting(wrong, file, () => refuse(scenario));
  }
  const errors = files.flatMap((file) => wrong.get(file) ?? []);
  const [first, ...others] = errors;
  if (first !== undefined) throw others.length > 0 ? allOf(errors) : first;
  return files.map((file) => got(scenarios, file));
}

async function noting(
  wrong: Map<string, UsageError>,
  file: string,
  read: () => Promise<void> | void,
): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    wrong.set(file, error);
  }
}
