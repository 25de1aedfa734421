/** Commands that take any number of scenario files. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { allOf, UsageError } from '../../errors.js';
import { statusOf } from '../../files.js';
import type { Scenario } from '../../scenario/scenario.js';
import type { Positional } from '../command.js';
import { loadScenario } from '../../scenario/load.js';

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

/** Reads every file before anything runs. Throws one `UsageError` with a line for each thing that is wrong in any of them. */
export function loadAll(
  files: readonly string[],
  alsoRefuse: (scenario: Scenario) => void = () => undefined,
): Scenario[] {
  const wrong: UsageError[] = [];
  const scenarios = files.flatMap((file) => {
    try {
      const scenario = loadScenario(file);
      alsoRefuse(scenario);
      return [scenario];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      wrong.push(error);
      return [];
    }
  });
  if (wrong.length > 1) throw allOf(wrong);
  if (wrong[0] !== undefined) throw wrong[0];
  return scenarios;
}
