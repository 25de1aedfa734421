/** A sweep in the terminal: cells by strategies, the first of them. */
import { lastOf, nth } from '../../lists.js';
import type { SweepCell } from '../../experiment/sweep/folder/results.js';
import type { Shard } from '../../experiment/sweep/shard.js';
import type { SweepSpec } from '../../experiment/sweep/spec.js';
import type { SummaryRow } from '../../experiment/sweep/summary.js';
import { show } from '../../experiment/expect/measure.js';
import { grid, type GridColumn } from './kit/grid.js';
import type { Page } from './kit/style.js';
import { counted, wrap, wrapItems } from './kit/text.js';

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
  const lines = cells.flatMap((cell) => linesOf(cell)).slice(0, SHOWN_ROWS + 1);
  const shown = lines.slice(0, SHOWN_ROWS);
  // A price of 0 in every cell has no column.
  const streams = keys.some((key) => key.startsWith('migration.stream'));
  const priced = PRICES.filter(
    ({ ofStream }, index) =>
      (streams || ofStream !== true) && shown.some(({ prices }) => prices[index] !== NOTHING),
  );
  const banded = shown.some(({ band }) => band !== null);
  const columns = [
    ...keys.map((key) => ({ head: headOf(key), align: 'left' as const })),
    { head: 'strategy', align: 'left' as const },
    { head: 'success' },
    { head: 'total\ntime' },
    ...(banded ? [{ head: BAND }] : []),
    ...priced.map(({ head }) => ({ head })),
  ];
  const rows = shown.map(({ texts, band, prices }) => [
    ...texts,
    ...(banded ? [band ?? NOTHING] : []),
    ...prices.filter((_, index) => priced.includes(nth(PRICES, index))),
  ]);
  const { table, heads } = fitting(columns, rows, page.width, keys.length);
  const notes = [
    ...(more !== null || lines.length > shown.length ? [more ?? '… and more: see them with --out.'] : []),
    ...(heads.includes(BAND)
      ? [
          '90 % band: holds the total time of a migration in nine of ten cases; the 95 % interval of the mean is in summary.csv.',
        ]
      : []),
    `Medians of the runs that converged, of all runs where none did.${workText(heads)}`,
  ];
  return [table, '', ...notes.flatMap((note) => wrap(note, page.width)).map(page.style.faint)].join('\n');
}

function workText(heads: readonly string[]): string {
  if (!heads.includes(WORK)) return '';
  const held = heads.includes(HELD) ? '; while held: from when a vCPU is held back up to the switchover' : '';
  return ` Work: of the vCPUs that write, against a guest that is not migrated${held}.`;
}

/** Columns that always stay next to the varied values: strategy, success and total time. */
const LEAST = 3;
/** A varied value of more, such as the options of a stream, is broken into lines. */
const VALUE_WIDTH = 24;

/**
 * Two spaces between columns, else one, then with long values in lines of their own. What is wider than the page even so
 * goes without columns that summary.csv has, the least missed first: a table that a terminal breaks cannot be read.
 */
function fitting(
  columns: readonly GridColumn[],
  rows: readonly (readonly string[])[],
  width: number,
  keys: number,
): { table: string; heads: string[] } {
  const broken = rows.map((row) =>
    row.map((text, at) => (at < keys ? wrap(text, VALUE_WIDTH, ' ').join('\n') : text)),
  );
  let kept = columns.map((_, index) => index);
  const made = (from: readonly (readonly string[])[], gap: number): string =>
    grid(
      kept.map((index) => nth(columns, index)),
      from.map((row) => kept.map((index) => nth(row, index))),
      gap,
    );
  const fits = (table: string): boolean => table.split('\n').every((line) => line.length <= width);
  const headsOf = (): string[] => kept.map((index) => nth(columns, index).head);
  for (;;) {
    const tables = [made(rows, 2), made(rows, 1), made(broken, 1)];
    const table = tables.find(fits) ?? (kept.length <= keys + LEAST ? tables.at(-1) : undefined);
    if (table !== undefined) return { table, heads: headsOf() };
    const missed = LEAST_MISSED.find((head) => headsOf().includes(head)) ?? headsOf().at(-1);
    kept = kept.filter((index) => nth(columns, index).head !== missed);
  }
}

/** What a sweep leaves out, as `sweep` of src/api has it. */
export interface LeftOut {
  readonly varied: Readonly<Record<string, string>>;
  readonly strategy: string | null;
  readonly reason: string;
}

/** Cells that cannot be, then each strategy that refuses cells: how many, and one of them with its reason. */
export function leftOutText(leftOut: readonly LeftOut[], cellCount: number, page: Page): string {
  const nameOf = ({ strategy }: LeftOut): string => strategy?.replace(/\(.*$/s, '') ?? '';
  const names = [...new Set(leftOut.map(nameOf))].sort((a, b) => Number(a !== '') - Number(b !== ''));
  const sentences = names.flatMap((name) => {
    const group = leftOut.filter((one) => nameOf(one) === name);
    const [first] = group;
    if (first === undefined) return [];
    const at = Object.entries(first.varied).map(([key, value]) => `${key}=${value}`);
    const such = group.length === 1 ? '' : 'such as ';
    const count = `${group.length} of ${counted(cellCount, 'cell')}`;
    const what = name === '' ? `Left out: ${count}` : `${name} left out in ${count}`;
    return [`${what}, ${such}${at.join(' ')}: ${first.reason}.`];
  });
  return sentences.flatMap((sentence) => wrap(sentence, page.width, '  ')).join('\n');
}

/** The last word of a key: the width is needed for figures. */
function headOf(key: string): string {
  return lastOf(key.split('.'));
}

/** What the guest pays. */
const BAND = '90 %\nband';
const BLACKOUT = 'blackout';
const WORK = 'work';
const HELD = 'while\nheld';
const STALL = 'longest\nstall';
/** The blackout is nearly always the longest stall, and the work includes both and that while held. */
const LEAST_MISSED = [BLACKOUT, HELD, STALL];
const PRICES: readonly {
  readonly head: string;
  readonly measure: string;
  readonly unit: 'ms' | 'share';
  readonly ofStream?: true;
}[] = [
  // What QEMU calls downtime leaves out a guest that was stopped before.
  { head: BLACKOUT, measure: 'blackout_ms', unit: 'ms' },
  { head: STALL, measure: 'longest_stall_ms', unit: 'ms' },
  { head: WORK, measure: 'writers_work_done_share', unit: 'share' },
  { head: HELD, measure: 'writers_work_held_share', unit: 'share' },
  { head: 'in post-\ncopy', measure: 'postcopy_time_ms', unit: 'ms' },
  // Where streams are compared: what other keys change of it goes with the time.
  { head: 'sender\nCPU', measure: 'sender_cpu_ms', unit: 'ms', ofStream: true },
  { head: 'receiver\nCPU', measure: 'receiver_cpu_ms', unit: 'ms', ofStream: true },
];
const NOTHING = '-';

interface Line {
  readonly texts: readonly string[];
  /** Of the total time. */
  readonly band: string | null;
  readonly prices: readonly string[];
}

function linesOf({ varied, summary }: SweepCell): Line[] {
  const strategies = [...new Set(summary.map(({ strategy }) => strategy))];
  return strategies.map((strategy) => {
    const of = (measure: string): SummaryRow | undefined =>
      summary.find((row) => row.strategy === strategy && row.measure === measure);
    const share = of('converged_share')?.mean ?? null;
    const time = of('total_time_ms');
    const sign = time?.of === 'all' ? '> ' : '';
    return {
      texts: [
        ...Object.values(varied),
        nameIn(strategy, strategies),
        show('share', share),
        sign + show('ms', time?.median ?? null),
      ],
      band: time?.bandLow == null || time.bandHigh == null ? null : bandText(time.bandLow, time.bandHigh),
      prices: PRICES.map(({ measure, unit }) => {
        const value = of(measure)?.median ?? null;
        return measure === 'postcopy_time_ms' && value === 0 ? NOTHING : show(unit, value);
      }),
    };
  });
}

/** `26.2–29.5 s`: the width is needed. */
function bandText(low: number, high: number): string {
  const [from, fromUnit] = show('ms', low).split(' ');
  const to = show('ms', high);
  return to.endsWith(` ${fromUnit}`) ? `${from}–${to}` : `${from} ${fromUnit}–${to}`;
}

/** Without its options where the name alone is unique. */
function nameIn(label: string, labels: readonly string[]): string {
  const nameOf = (one: string): string => one.replace(/\(.*$/s, '');
  return labels.filter((other) => nameOf(other) === nameOf(label)).length === 1 ? nameOf(label) : label;
}
