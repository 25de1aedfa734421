/** Strategies side by side, for people: what the migration took, and what the guest felt. */
import type { Comparison, StrategyResults } from '../../experiment/compare.js';
import { type FigureRow, cpuRow, figureRows, regretRow } from '../files/figure-rows.js';
import { certaintyLines } from './certainty.js';
import { heading } from './heading.js';
import { BEST_OF_ONE, BEST_OF_RUNS } from './runs-table-notes.js';
import { probabilityText } from './probability.js';
import { reasonsOf } from './reasons.js';
import { type Page, type Style, plainPage } from './style.js';
import { grid } from './grid.js';
import { counted, wrap } from './text.js';
import { largest } from '../../stats/extremes.js';

const GAP = 1;
const STAR = 1;

/** Ends without a line break. At most `page.width` wide, unless a single strategy needs more. */
export function comparisonTable(comparison: Comparison, page: Page = plainPage): string {
  const { strategies, scenario, runs } = comparison;
  const { heads, notes } = headsOf(strategies);
  const rows = [
    outcomeRow(strategies),
    ...probabilityRow(strategies),
    ...figureRows(strategies),
    ...cpuRow(strategies),
    ...regretRow(strategies),
  ];
  const runsText = counted(runs, 'run') + (strategies.length > 1 ? ' of each strategy' : '');
  const small = [...notes, ...legend(rows, runs)].flatMap((line) => wrap(line, page.width, '  '));
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

/** Names as headings of narrow columns; what does not fit there goes into numbered notes. */
function headsOf(strategies: readonly StrategyResults[]): { heads: string[]; notes: string[] } {
  const notes: string[] = [];
  const heads = strategies.map(({ strategy }) => {
    const { name } = strategy.definition;
    if (strategy.label === name) return name;
    notes.push(`[${notes.length + 1}] ${strategy.label}`);
    return `${name}\n[${notes.length}]`;
  });
  return { heads, notes };
}

function outcomeRow(strategies: readonly StrategyResults[]): FigureRow {
  return { label: 'converged', cells: strategies.map(outcome) };
}

function outcome({ results }: StrategyResults): FigureRow['cells'][number] {
  const converged = results.filter((result) => result.converged).length;
  const bad = converged < results.length;
  if (results.length > 1) return { text: `${converged} of ${results.length}`, best: false, bad };
  const status = results[0]?.status;
  const word = status === 'cancelled' || status === 'failed' ? status : 'no';
  return { text: bad ? word : 'yes', best: false, bad };
}

/** Of several runs: between which shares the probability to converge lies. */
function probabilityRow(strategies: readonly StrategyResults[]): FigureRow[] {
  if (strategies.every(({ results }) => results.length < 2)) return [];
  const cells = strategies.map(({ results }) => ({ text: probabilityText(results), best: false }));
  return [{ label: 'probability', cells }];
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
    const texts = [head, ...rows.map((row) => row.cells[index]!.text)];
    return largest(texts.flatMap((text) => text.split('\n').map((line) => line.length))) + STAR + GAP;
  });
  for (let count = 1; count < heads.length; count++) {
    const size = Math.ceil(heads.length / count);
    const split = Array.from({ length: count }, (_, part) =>
      [...heads.keys()].slice(part * size, (part + 1) * size),
    );
    if (split.every((part) => part.reduce((sum, index) => sum + widths[index]!, 0) <= room)) return split;
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
  const columns = part.map((index) => ({ head: heads[index]!.replace(/$/gm, ' ') }));
  const lines = rows.map((row) => [row.label, ...part.map((index) => cellText(row.cells[index]!, style))]);
  return grid([{ head: '', align: 'left' }, ...columns], lines, GAP);
}

function cellText({ text, best, bad }: FigureRow['cells'][number], style: Style): string {
  const [first = '', ...rest] = text.split('\n');
  const lines = [first + (best ? '*' : ' '), ...rest.map((line) => `${line} `)];
  if (best) return lines.map(style.good).join('\n');
  return (bad === true ? lines.map(style.bad) : lines).join('\n');
}

function legend(rows: readonly FigureRow[], runs: number): string[] {
  const starred = rows.some((row) => row.cells.some((cell) => cell.best));
  const star = starred ? `* ${runs > 1 ? BEST_OF_RUNS : BEST_OF_ONE}. ` : '';
  const lines = [
    `${star}Work is relative to the same guest without migration. CPU is that of QEMU at the source + at the destination, without vCPUs.`,
  ];
  if (rows.some(({ label }) => label === 'regret')) {
    lines.push("Regret: guest work lost beyond the oracle's, in seconds of one vCPU.");
  }
  if (runs > 1) {
    lines.push('Probability: of converging, 95 % interval of Wilson.');
    lines.push(
      'Mean ± standard deviation over the runs that converged, over all where none did; no ± where it would not show.',
    );
  }
  return lines;
}

function whyNot(entry: StrategyResults, page: Page): string[] {
  const result = entry.results.find((candidate) => !candidate.converged);
  if (result === undefined) return [];
  const reasons = reasonsOf(result);
  if (reasons === null) return [];
  const where = entry.results.length > 1 ? ` (run ${result.run})` : '';
  const [first = '', ...rest] = wrap(
    `${entry.strategy.label}${where} did not converge: ${reasons}`,
    page.width,
    '  ',
  );
  return [page.style.bad(first), ...rest];
}
