/** What the comparison table says, before it is laid out: the terminal and the page show the same words. */
import type { Comparison, StrategyResults } from '../../experiment/compare.js';
import { type FigureRow, cpuRow, figureRows, regretRow } from '../files/figure-rows.js';
import { probabilityText } from './kit/probability.js';
import { reasonsOf } from './kit/reasons.js';
import { BEST_OF_ONE, BEST_OF_RUNS } from './runs-table-notes.js';

export interface ComparisonRows {
  /** A name per strategy; with a note's number on the next line where it has options. */
  readonly heads: readonly string[];
  readonly rows: readonly FigureRow[];
  /** The notes, and how the figures are to be read. */
  readonly notes: readonly string[];
}

export function comparisonRows({
  strategies,
  runs,
}: Pick<Comparison, 'strategies' | 'runs'>): ComparisonRows {
  const { heads, notes } = headsOf(strategies);
  const rows = [
    outcomeRow(strategies),
    ...probabilityRow(strategies),
    ...figureRows(strategies),
    ...cpuRow(strategies),
    ...regretRow(strategies),
  ];
  return { heads, rows, notes: [...notes, ...legend(rows, runs)] };
}

/** `none did not converge: …`, of the first run that did not; null where all did, or there is nothing to say. */
export function whyNotText({ strategy, results }: StrategyResults): string | null {
  const result = results.find((candidate) => !candidate.converged);
  const reasons = result === undefined ? null : reasonsOf(result);
  if (result === undefined || reasons === null) return null;
  const where = results.length > 1 ? ` (run ${result.run})` : '';
  return `${strategy.label}${where} did not converge: ${reasons}`;
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
