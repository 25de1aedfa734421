/** Which colour says what. */
import { Chalk } from 'chalk';
import type { Style } from '../report/terminal/kit/style.js';

// chalk would look at the environment by itself, and not at NO_COLOR; src/cli/terminal.ts decides.
const chalk = new Chalk({ level: 1 });

export const colours: Style = {
  strong: chalk.bold,
  faint: chalk.dim,
  good: chalk.green,
  bad: chalk.red,
};
