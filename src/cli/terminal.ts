/** What is known of the terminal, decided once: colours and width. */
import { Chalk } from 'chalk';
import { type Page, type Style, plain } from '../report/style.js';

const WIDTH = 80;
const NARROWEST = 40;

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `color` is what --color or --no-color said, undefined when neither was given. */
export function pageFor(output: Output, color: boolean | undefined, environment: Environment): Page {
  const style = wantsColor(output, color, environment) ? coloured() : plain;
  return { width: widthOf(output), style };
}

/** --color and --no-color, then NO_COLOR (no-color.org), then FORCE_COLOR, then whether it is a terminal that can. */
export function wantsColor(output: Output, color: boolean | undefined, environment: Environment): boolean {
  if (color !== undefined) return color;
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return output.isTTY === true && TERM !== 'dumb';
}

/** 80 in files and pipes, and at most that on a terminal: lines that long are read without turning one's head. */
export function widthOf(output: Output): number {
  if (output.isTTY !== true || output.columns === undefined) return WIDTH;
  return Math.max(NARROWEST, Math.min(WIDTH, output.columns));
}

function coloured(): Style {
  // chalk would look at the environment by itself, and not at NO_COLOR.
  const chalk = new Chalk({ level: 1 });
  return { strong: chalk.bold, faint: chalk.dim, good: chalk.green, bad: chalk.red };
}
