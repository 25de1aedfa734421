/** Which colour says what. */
import { Chalk } from 'chalk';
import type { Style } from '../report/terminal/kit/style.js';

// chalk would look at the environment by itself, and not at NO_COLOR; src/cli/terminal.ts decides.
const chalk = new Chalk({ level: 1 });

// chalk's functions join all that they are given: as a callback of map they would print the index and the whole list, too.
export const colours: Style = {
  strong: (text) => chalk.bold(text),
  faint: (text) => chalk.dim(text),
  good: (text) => chalk.green(text),
  bad: (text) => chalk.red(text),
};
