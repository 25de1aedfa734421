/** A sweep in the terminal: cells by strategies, the first of them. */
import type { SweepCell } from '../../experiment/sweep/results.js';
import type { Shard } from '../../experiment/sweep/shard.js';
import type { SweepSpec } from '../../experiment/sweep/spec.js';
import type { SummaryRow } from '../../experiment/sweep/summary.js';
import { show } from '../../experiment/measure.js';
import { grid } from './grid.js';
import type { Page } from './style.js';
import { counted, wrap, wrapItems } from './text.js';

/** Rows of a table that people still read. */
export const SHOWN_ROWS = 24;

/** What the heading is about. */
export interface SweptRuns {
  /** Name of the scenario. */
  readonly scenario: string;
  readonly manifest: { readonly sweep: SweepSpec };
  readonly cellCount: number;
  readonly rowCount: number;
  readonly resumedRows: number;
  readonly finishedBefore: boolean;
}

/** What was run, and how. */
export function sweepHeading(swept: SweptRuns, shard: Shard | null, page: Page): string {
  const { cellCount, rowCount, resumedRows, finishedBefore } = swept;
  const spec = swept.manifest.sweep;
  const conditions = [
    counted(cellCount, 'cell'),
    `${counted(spec.runs, 'run')} of each strategy${spec.precision === null ? '' : ' at most'}`,
    ...(spec.precision === null ? [] : [`precision ${show('share', spec.precision)}`]),
    `${spec.memory} memory`,
    `seed ${spec.seed}`,
    ...(shard === null ? [] : [`shard ${shard.index} of ${shard.count}`]),
    counted(rowCount, 'row'),
    ...(resumedRows > 0 && !finishedBefore ? [`${resumedRows} of them from before`] : []),
  ];
  const title = spec.question ?? `Sweep of ${swept.scenario}`;
  return [
    ...wrap(title, page.width).map(page.style.strong),
    ...wrapItems(conditions, page.width).map(page.style.faint),
  ].join('\n');
}

/** One line a strategy of a cell; `more` says where the others are. */
export function sweepText(
  keys: readonly string[],
  cells: readonly SweepCell[],
  more: string | null,
  page: Page,
): string {
  const lines = cells.flatMap((cell) => linesOf(cell));
  const shown = lines.slice(0, SHOWN_ROWS);
  const columns = [
    ...keys.map((key) => ({ head: headOf(key), align: 'left' as const })),
    { head: 'strategy', align: 'left' as const },
    { head: 'converged' },
    { head: 'total time' },
    { head: 'blackout' },
  ];
  const table = grid(columns, shown);
  const notes = [
    ...(more !== null || lines.length > shown.length ? [more ?? '… and more: see them with --out.'] : []),
    'Medians of the runs that converged, of all runs where none did.',
  ];
  return [table, '', ...notes.flatMap((note) => wrap(note, page.width)).map(page.style.faint)].join('\n');
}

/** The last word of a key: the width is needed for figures. */
function headOf(key: string): string {
  return key.split('.').at(-1)!;
}

function linesOf({ varied, summary }: SweepCell): string[][] {
  const strategies = [...new Set(summary.map(({ strategy }) => strategy))];
  return strategies.map((strategy) => {
    const of = (measure: string): SummaryRow | undefined =>
      summary.find((row) => row.strategy === strategy && row.measure === measure);
    const share = of('converged_share')?.mean ?? null;
    const time = of('total_time_ms');
    const sign = time?.of === 'all' ? '> ' : '';
    return [
      ...Object.values(varied),
      nameIn(strategy, strategies),
      show('share', share),
      sign + show('ms', time?.median ?? null),
      // What QEMU calls downtime leaves out a guest that was stopped before.
      show('ms', of('blackout_ms')?.median ?? null),
    ];
  });
}

/** Without its options where the name alone tells it from the others. */
function nameIn(label: string, labels: readonly string[]): string {
  const nameOf = (one: string): string => one.replace(/\(.*$/s, '');
  return labels.filter((other) => nameOf(other) === nameOf(label)).length === 1 ? nameOf(label) : label;
}
