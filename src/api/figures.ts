/** Figures for programs and for `migsim plot`. */
import { UsageError } from '../errors.js';
import type { Drawing, Figure } from '../report/figures/kit/figure.js';
import { drawAll, figures as allFigures } from '../report/figures/index.js';
import { readResults } from '../report/figures/data/results.js';
import { SHEETS } from '../report/figures/kit/sheet.js';
import { unknown } from '../options/wording.js';

/** What is drawn; all have defaults. */
export interface FigureOptions {
  /** Names as `migsim plot --help` has them, such as `pareto`; default: all that the data allow. */
  readonly figures?: readonly string[];
  /** Labels of strategies; default: all. */
  readonly strategies?: readonly string[];
  /** The run that timelines show, from 1; default: the first that the files have. */
  readonly run?: number;
  /** For `one` (85 mm) or `two` (178 mm) columns of a paper; default `two`. */
  readonly width?: 'one' | 'two';
}

/**
 * Draws figures from result files; nothing runs again, and the same files give the same bytes.
 *
 * @param path a folder that `--out` or `sweep` wrote, one of its CSV files, a report of guestperf or a folder of them
 * @throws UsageError when it has no results, a name is unknown, or there is nothing to draw in it
 */
export async function drawFigures(path: string, options: FigureOptions = {}): Promise<Drawing[]> {
  const { figures: names = [], strategies = [], run, width = 'two' } = options;
  const known = allFigures.map(({ name }) => name);
  for (const name of names) if (!known.includes(name)) throw new UsageError(unknown('figure', name, known));
  const chosen = names.length === 0 ? allFigures : allFigures.filter(({ name }) => names.includes(name));
  const results = await readResults(path, { strategies, ...(run === undefined ? {} : { run }) });
  const drawings = drawAll(chosen, results, SHEETS[width]);
  if (drawings.length === 0) throw nothingToDraw(path, chosen);
  return drawings;
}

function nothingToDraw(file: string, chosen: readonly Figure[]): UsageError {
  const [only, ...others] = chosen;
  const needs =
    only !== undefined && others.length === 0 ? `${only.name} needs ${only.needs}` : 'nothing to draw in it';
  return new UsageError(needs, { file });
}
