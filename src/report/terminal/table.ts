/** Strategies side by side, for people: what the migration took, and what the guest felt. */
import { nth } from '../../lists.js';
import type { Comparison, StrategyResults } from '../../experiment/compare.js';
import type { FigureRow } from '../files/figure-rows.js';
import { certaintyLines } from './kit/certainty.js';
import { comparisonRows, whyNotText } from './comparison-rows.js';
import { heading } from './kit/heading.js';
import { type Page, type Style, plainPage } from './kit/style.js';
import { grid } from './kit/grid.js';
import { counted, wrap } from './kit/text.js';
import { largest } from '../../stats/extremes.js';

const GAP = 1;
const STAR = 1;

/** Ends without a line break. At most `page.width` wide, unless a single strategy needs more. */
export function comparisonTable(comparison: Comparison, page: Page = plainPage): string {
  const { strategies, scenario, runs } = comparison;
  const { heads, rows, notes } = comparisonRows(comparison);
  const runsText = counted(runs, 'run') + (strategies.length > 1 ? ' of each strategy' : '');
  const small = notes.flatMap((line) => wrap(line, page.width, '  '));
  const parts = [
    heading(
      scenario,
      comparison,
      strategies.flatMap(({ results }) => results),
      runsText,
      page,
    ),
    ...blocks(rows, heads, page),
    small.map((line) => page.style.faint(line)).join('\n'),
    certaintyLines(comparison)
      .flatMap((line) => wrap(line, page.width, '  '))
      .join('\n'),
    strategies.flatMap((entry) => whyNot(entry, page)).join('\n'),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** As many strategies next to each other as fit, the others below in parts of about the same size. */
function blocks(rows: readonly FigureRow[], heads: readonly string[], page: Page): string[] {
  const oneLine = parts(rows, heads, page.width);
  if (oneLine.length < 2) return oneLine.map((part) => block(rows, heads, part, page.style));
  // A spread may stand under its mean.
  const cells = (row: FigureRow): FigureRow['cells'] =>
    row.cells.map((cell) => ({ ...cell, text: cell.text.replace(' ±', '\n±') }));
  const narrow = rows.map((row) => ({ ...row, cells: cells(row) }));
  return parts(narrow, heads, page.width).map((part) => block(narrow, heads, part, page.style));
}

/** Indexes of the strategies of each part. */
function parts(rows: readonly FigureRow[], heads: readonly string[], width: number): number[][] {
  const room = width - largest(rows.map((row) => row.label.length));
  const widths = heads.map((head, index) => {
    const texts = [head, ...rows.map((row) => nth(row.cells, index).text)];
    return largest(texts.flatMap((text) => text.split('\n').map((line) => line.length))) + STAR + GAP;
  });
  for (let count = 1; count < heads.length; count++) {
    const size = Math.ceil(heads.length / count);
    const split = Array.from({ length: count }, (_, part) =>
      [...heads.keys()].slice(part * size, (part + 1) * size),
    );
    if (split.every((part) => part.reduce((sum, index) => sum + nth(widths, index), 0) <= room)) return split;
  }
  return [...heads.keys()].map((index) => [index]);
}

function block(
  rows: readonly FigureRow[],
  heads: readonly string[],
  part: readonly number[],
  style: Style,
): string {
  // Behind every figure there is room for the star of the best one.
  const columns = part.map((index) => ({ head: nth(heads, index).replace(/$/gm, ' ') }));
  const lines = rows.map((row) => [
    row.label,
    ...part.map((index) => cellText(nth(row.cells, index), style)),
  ]);
  return grid([{ head: '', align: 'left' }, ...columns], lines, GAP);
}

function cellText({ text, best, bad }: FigureRow['cells'][number], style: Style): string {
  const [first = '', ...rest] = text.split('\n');
  const lines = [first + (best ? '*' : ' '), ...rest.map((line) => `${line} `)];
  if (best) return lines.map(style.good).join('\n');
  return (bad === true ? lines.map(style.bad) : lines).join('\n');
}

function whyNot(entry: StrategyResults, page: Page): string[] {
  const text = whyNotText(entry);
  if (text === null) return [];
  const [first = '', ...rest] = wrap(text, page.width, '  ');
  return [page.style.bad(first), ...rest];
}
