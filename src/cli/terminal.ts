/** What is known of the terminal, decided once: colours and width. */
import { type Page, plain } from '../report/terminal/kit/style.js';

const WIDTH = 80;
const NARROWEST = 40;

/** What is asked of stdout and stderr. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
}

type Screen = Pick<Output, 'isTTY' | 'columns'>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** `color` is what --color or --no-color said, undefined when neither was given. */
export async function pageFor(
  output: Screen,
  color: boolean | undefined,
  environment: Environment,
): Promise<Page> {
  const wanted = wantsColor(output, color, environment);
  const style = wanted ? (await import('./colours.js')).colours : plain;
  return { width: widthOf(output), style };
}

/** --color and --no-color, then NO_COLOR (no-color.org), then FORCE_COLOR, then whether it is a terminal that can. */
export function wantsColor(output: Screen, color: boolean | undefined, environment: Environment): boolean {
  if (color !== undefined) return color;
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return output.isTTY === true && TERM !== 'dumb';
}

/** 80 in files and pipes, and at most that on a terminal: lines that long are read without turning one's head. */
export function widthOf(output: Screen): number {
  if (output.isTTY !== true || output.columns === undefined) return WIDTH;
  return Math.max(NARROWEST, Math.min(WIDTH, output.columns));
}
