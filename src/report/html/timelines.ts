/** The samples of each run as the page's script draws them. */
import { nth } from '../../lists.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Names } from '../figures/kit/names.js';
import type { Results } from '../figures/data/results.js';
import { BLUE, GREEN, INK, PURPLE, VERMILLION } from '../figures/kit/sheet.js';
import { thin } from '../figures/data/thin.js';
import { groupBy, numberIn, type Row } from '../files/rows.js';
import { largest } from '../../stats/extremes.js';
import { MIB, GIB } from '../../units.js';

export interface TimelinePanel {
  readonly title: string;
  readonly log: boolean;
  /** Top of the axis where it is fixed; otherwise null. */
  readonly top: number | null;
  readonly series: readonly {
    readonly name: string;
    readonly color: string;
    readonly dash: readonly number[] | null;
    readonly values: readonly (number | null)[];
  }[];
}

export interface Timeline {
  /** Of the strategy, with the run. */
  readonly label: string;
  /** s, as are syncs and steps. */
  readonly time: readonly number[];
  readonly panels: readonly TimelinePanel[];
  readonly syncs: readonly number[];
  /** When a brake was put on or changed. */
  readonly steps: readonly number[];
}

/** Number of parts of the time that keep their first, lowest, highest and last sample. */
const BINS = 700;

export function timelinesOf(results: Results, names: Names): Timeline[] {
  const syncs = groupBy(results.syncs, 'strategy');
  return [...groupBy(results.timeline, 'strategy')]
    .filter(([, rows]) => rows.length > 1)
    .map(([label, rows]) =>
      timelineOf(
        `${names.of(label).label}, run ${numberIn(nth(rows, 0), 'run') ?? 1}`,
        rows,
        syncs.get(label) ?? [],
      ),
    );
}

function timelineOf(label: string, all: readonly Row[], syncs: readonly Row[]): Timeline {
  const rows = thinned(all);
  const column = (name: string, scale: number): (number | null)[] =>
    rows.map((row) => short(numberIn(row, name), scale));
  const most = largest(rows.map((row) => numberIn(row, 'remaining_bytes') ?? 0));
  const [unit, bytes] = most >= GIB ? (['GiB', GIB] as const) : (['MiB', MIB] as const);
  const limit = held(rows, syncs, (sync) => pauseMs(sync, 'threshold_bytes'));
  const sleep = held(rows, syncs, (sync) => short(numberIn(sync, 'max_ring_full_sleep_us'), 1e3));
  const panels: TimelinePanel[] = [
    panel(`Remaining (${unit})`, [['remaining', BLUE, column('remaining_bytes', bytes)]]),
    panel('Rates (MiB/s)', [
      ['bandwidth', BLUE, column('bandwidth_bytes_per_s', MIB)],
      ['dirty rate', VERMILLION, column('dirty_pages_per_s', MIB / PAGE_BYTES)],
    ]),
    panel(
      'Implied downtime (ms)',
      [
        ['implied', BLUE, rows.map((row) => pauseMs(row, 'remaining_bytes'))],
        ['limit', INK, limit, [4, 3]],
      ],
      { log: true },
    ),
    panel('CPU throttle (%)', [['throttle', PURPLE, column('throttle_percent', 1)]], { top: 100 }),
    panel('Sleep at a full ring (ms)', [['sleep', GREEN, sleep]]),
    panel(
      'Work done (%)',
      [
        ['writers', VERMILLION, column('writers_work_share', 0.01)],
        ['readers', BLUE, column('readers_work_share', 0.01)],
      ],
      { top: 105 },
    ),
  ];
  const drawn = panels
    .map((one) => ({
      ...one,
      series: one.series.filter(({ values }) => values.some((value) => value !== null && value !== 0)),
    }))
    .filter(({ series }) => series.length > 0);
  return {
    label,
    time: rows.map((row) => (numberIn(row, 'time_ms') ?? 0) / 1e3),
    panels: drawn,
    syncs: syncs.map((sync) => (numberIn(sync, 'time_ms') ?? 0) / 1e3),
    steps: stepTimes(syncs),
  };
}

type SeriesSpec = readonly [
  name: string,
  color: string,
  values: readonly (number | null)[],
  dash?: readonly number[],
];

function panel(
  title: string,
  series: readonly SeriesSpec[],
  { log = false, top = null }: { readonly log?: boolean; readonly top?: number | null } = {},
): TimelinePanel {
  return {
    title,
    log,
    top,
    series: series.map(([name, color, values, dash = null]) => ({ name, color, dash, values })),
  };
}

/** Peaks and edges of what remains stay; with fewer samples, all do. */
function thinned(rows: readonly Row[]): Row[] {
  const points = rows.map((row, index) => ({ x: index, y: numberIn(row, 'remaining_bytes') ?? 0 }));
  return thin(points, BINS).map(({ x }) => nth(rows, x));
}

/** A value that a sync sets holds until the next one. */
function held(
  rows: readonly Row[],
  syncs: readonly Row[],
  value: (sync: Row) => number | null,
): (number | null)[] {
  let next = 0;
  let current: number | null = null;
  return rows.map((row) => {
    const time = numberIn(row, 'time_ms') ?? 0;
    while (next < syncs.length && (numberIn(nth(syncs, next), 'time_ms') ?? 0) <= time) {
      current = value(nth(syncs, next));
      next += 1;
    }
    return current;
  });
}

/** How long sending `column` takes at the row's bandwidth, ms. */
function pauseMs(row: Row, column: string): number | null {
  const bandwidth = numberIn(row, 'bandwidth_bytes_per_s') ?? 0;
  const bytes = numberIn(row, column) ?? 0;
  return bandwidth > 0 && bytes > 0 ? short((bytes / bandwidth) * 1e3, 1) : null;
}

function stepTimes(syncs: readonly Row[]): number[] {
  const brake = (sync: Row): string =>
    `${numberIn(sync, 'throttle_percent') ?? 0} ${(numberIn(sync, 'max_ring_full_sleep_us') ?? 0) > 0}`;
  return syncs.flatMap((sync, index) => {
    const before = index === 0 ? '0 false' : brake(nth(syncs, index - 1));
    return brake(sync) === before ? [] : [(numberIn(sync, 'time_ms') ?? 0) / 1e3];
  });
}

/** Five digits are more than a screen can show. */
function short(value: number | null, scale: number): number | null {
  return value === null ? null : Number((value / scale).toPrecision(5));
}
