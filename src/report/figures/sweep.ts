/** How results change with a parameter: a line a strategy, its band the 95 % interval of the mean. */
import { lastOf, nth, zip } from '../../lists.js';
import * as Plot from '@observablehq/plot';
import { groupBy, hasConverged, numberIn, type Row, textIn } from '../files/rows.js';
import { optionsOf } from '../terminal/kit/strategy-names.js';
import { fitting, isWide } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { textWidth } from './kit/font.js';
import { endLabels, symbolRoom } from './kit/labels.js';
import { frames, isLowest } from './kit/layout.js';
import { linesOf, type Name, type Names, namesIn, slugOf, smallPrint, widthOf } from './kit/names.js';
import { type Axis, BELOW, BELOW_WITH_TITLE, type Box, panel, tickRoom } from './kit/panel.js';
import { asNumbers } from './data/quantities.js';
import type { Sheet } from './kit/sheet.js';
import { column, estimate } from './kit/statistics.js';
import { picture, text } from './kit/svg.js';
import { type SweptCell, cellsBy, sweepKeys } from './data/sweep-keys.js';
import { largest, smallest } from '../../stats/extremes.js';

interface Measure {
  readonly title: string;
  /** null where no run converged. */
  value(
    rows: readonly Row[],
  ): { readonly mean: number; readonly interval: readonly [number, number] | null } | null;
  readonly axis?: Axis;
}

const WHOLE: Axis = { domain: [0, 100], ticks: [0, 25, 50, 75, 100] };

function ofConverged(value: (row: Row) => number | null): Measure['value'] {
  return (rows) => {
    const one = estimate(rows, value);
    return one?.converged === true ? one : null;
  };
}

function lost(name: string): (row: Row) => number | null {
  return (row) => {
    const work = numberIn(row, name);
    return work === null ? null : Math.max(0, 100 * (1 - work));
  };
}

const MEASURES: readonly Measure[] = [
  { title: 'Total time (s)', value: ofConverged(column('total_time_ms', 1e3)) },
  { title: 'Downtime (ms)', value: ofConverged(column('downtime_ms')) },
  {
    title: 'Runs that converged (%)',
    axis: WHOLE,
    value: (rows) => ({
      mean: (100 * rows.filter((row) => hasConverged(row)).length) / rows.length,
      interval: null,
    }),
  },
  { title: 'Work lost by writers (%)', value: ofConverged(lost('writers_work_done_share')) },
  { title: 'Work lost by readers (%)', value: ofConverged(lost('readers_work_done_share')) },
];

export const sweep: Figure = {
  name: 'sweep',
  summary: 'results over a varied parameter, a line with its 95 % band a strategy',
  needs: 'runs.csv with a column of a parameter that was varied',
  draw(results, sheet) {
    const keys = sweepKeys(results.runs);
    const values = (key: string): number => new Set(results.runs.map((row) => row[key])).size;
    const [x, ...others] = [...keys].sort((a, b) => values(b) - values(a));
    if (x === undefined) return [];
    const together = others.filter((key) => moveTogether(results.runs, x, key));
    const apart = others.filter((key) => !together.includes(key));
    const title = [x, ...together].join(' + ');
    return cellsBy(results.runs, apart).map(({ what, rows }) => {
      const runs = withoutVariedOptions(rows, x);
      return drawing({ key: x, title, what, rows: runs }, sheet, namesIn({ ...results, runs }));
    });
  },
};

/** Whether `other` has one value for each value of `key`: they are one parameter with two names. */
function moveTogether(runs: readonly Row[], key: string, other: string): boolean {
  return [...groupBy(runs, key).values()].every((rows) => new Set(rows.map((row) => row[other])).size === 1);
}

/**
 * Where an option of a strategy is what is varied, its labels differ from value to value. Labels of one name that never meet
 * at the same value are one line, under that name.
 */
function withoutVariedOptions(rows: readonly Row[], key: string): Row[] {
  const nameOf = (row: Row): string => textIn(row, 'strategy').replace(/\(.*\)$/s, '');
  const labelsOf = (some: readonly Row[]): Map<string, Set<string>> => {
    const labels = new Map<string, Set<string>>();
    for (const row of some) {
      const name = nameOf(row);
      labels.set(name, (labels.get(name) ?? new Set()).add(textIn(row, 'strategy')));
    }
    return labels;
  };
  const several = [...labelsOf(rows)].filter(([, labels]) => labels.size > 1).map(([name]) => name);
  const meeting = [...groupBy(rows, key).values()].flatMap((some) =>
    [...labelsOf(some)].filter(([, labels]) => labels.size > 1).map(([name]) => name),
  );
  const varied = several.filter((name) => !meeting.includes(name));
  return rows.map((row) => (varied.includes(nameOf(row)) ? { ...row, strategy: nameOf(row) } : row));
}

interface Sweep extends SweptCell {
  /** On the x axis. */
  readonly key: string;
  /** With the keys that move with it. */
  readonly title: string;
}

function drawing({ key, title, what, rows }: Sweep, sheet: Sheet, names: Names): Drawing {
  const { font } = sheet;
  const places = placesOf(rows, key);
  const groups = [...groupBy(rows, 'strategy')].map(([label, runs]) => ({ name: names.of(label), runs }));
  const shown = MEASURES.map((measure) => ({
    ...measure,
    lines: groups.map(({ name, runs }) => ({ name, points: pointsOf(runs, key, places, measure) })),
  })).filter(({ lines }) => lines.some(({ points }) => points.some(({ y }) => y !== null)));
  const axes = shown.map(({ axis, lines }) => axis ?? fitting(lines.flatMap(endsOf), 4));
  const words = groups.map(({ name }) => linesOf(name, 20));
  const margins = {
    left: largest(axes.map((axis) => tickRoom(axis, font))),
    right: widthOf(words, font) + symbolRoom(font) + 10,
    above: 2.2 * font,
    below: (BELOW + 0.1) * font,
  };
  const top = what === '' ? 0 : 1.4 * font;
  const height = Math.max(10.5, 1.3 * groups.length) * font;
  const { boxes, bottom } = frames(shown.length, height, margins, sheet, { top });
  const panels = zip(zip(shown, axes), boxes).map(([[measure, axis], box], index) =>
    measurePanel(measure, axis, xAxis(places, box, font), box, sheet, {
      xTitle: isLowest(index, shown.length, sheet) ? title : undefined,
    }),
  );
  const several = shown.some(({ lines }) =>
    lines.some(({ points }) => points.some(({ low, high }) => high > low)),
  );
  const end = bottom + (BELOW_WITH_TITLE - BELOW) * font;
  const notes = smallPrint(
    [
      optionsOf(groups.map(({ name }) => name)),
      `Means over the runs that converged${several ? '; bands are 95\u00a0% confidence intervals of the mean' : ''}. A line has a gap where no run converged.`,
    ],
    end,
    sheet,
  );
  return {
    name: `sweep-${slugOf(title)}${what === '' ? '' : `-${slugOf(what)}`}`,
    caption: `Results over ${title}${what === '' ? '' : ` (${what})`}, means of the runs that converged.`,
    svg: picture(sheet, end + notes.height + 2, `Sweep over ${title}`, [
      what === '' ? '' : text(0.5 * font, 1.1 * font, what),
      ...panels,
      notes.svg,
    ]),
  };
}

/** A value of the parameter: as it is written, and where it stands. */
interface Place {
  readonly text: string;
  readonly x: number;
}

/** In rising order; words stand side by side in the order in which they come. */
function placesOf(rows: readonly Row[], key: string): Place[] {
  const texts = [...new Set(rows.map((row) => textIn(row, key)))];
  const numbers = asNumbers(texts);
  const places = texts.map((word, index) => ({ text: word, x: numbers?.[index] ?? index }));
  return places.sort((a, b) => a.x - b.x);
}

interface Point {
  readonly x: number;
  readonly y: number | null;
  readonly low: number;
  readonly high: number;
}

function pointsOf(runs: readonly Row[], key: string, places: readonly Place[], { value }: Measure): Point[] {
  const byValue = groupBy(runs, key);
  return places.map(({ text: word, x }) => {
    const rows = byValue.get(word) ?? [];
    const one = rows.length === 0 ? null : value(rows);
    const [low, high] = one?.interval ?? [one?.mean ?? NaN, one?.mean ?? NaN];
    return { x, y: one?.mean ?? null, low, high };
  });
}

function endsOf({ points }: { readonly points: readonly Point[] }): number[] {
  return points.flatMap(({ y, low, high }) => (y === null ? [] : [Math.max(low, y / 10), y, high]));
}

/** With the parameter's own values as ticks, as many as there is room for. */
function xAxis(places: readonly Place[], box: Box, font: number): Axis {
  const values = places.map(({ x }) => x);
  const log = isWide(values) && smallest(values) > 0;
  const low = nth(values, 0);
  const high = lastOf(values);
  const room = log ? (high / low) ** 0.04 : (high - low) * 0.04 || 1;
  const domain = log ? ([low / room, high * room] as const) : ([low - room, high + room] as const);
  const position = (x: number): number =>
    (log
      ? Math.log(x / domain[0]) / Math.log(domain[1] / domain[0])
      : (x - domain[0]) / (domain[1] - domain[0])) * box.width;
  let free = -Infinity;
  const ticks = places.filter(({ text: word, x }) => {
    const half = textWidth(word, font) / 2;
    if (position(x) - half < free) return false;
    free = position(x) + half + 0.7 * font;
    return true;
  });
  const words = new Map(places.map(({ text: word, x }) => [x, word]));
  return { domain, log, ticks: ticks.map(({ x }) => x), format: (x) => words.get(x) ?? '' };
}

function measurePanel(
  {
    title,
    lines,
  }: {
    readonly title: string;
    readonly lines: readonly { readonly name: Name; readonly points: readonly Point[] }[];
  },
  y: Axis,
  x: Axis,
  box: Box,
  sheet: Sheet,
  { xTitle }: { readonly xTitle: string | undefined },
): string {
  const { font } = sheet;
  const inside = (value: number): number => Math.min(Math.max(value, y.domain[0]), y.domain[1]);
  const drawn = panel(sheet, {
    box,
    x,
    y,
    title,
    ...(xTitle === undefined ? {} : { xTitle }),
    marks: [
      ...lines.map(({ name, points }) =>
        Plot.areaY(
          points.map((point) => ({ x: point.x, low: inside(point.low), high: inside(point.high) })),
          {
            x: 'x',
            y1: 'low',
            y2: 'high',
            fill: name.look.color,
            fillOpacity: 0.2,
            ariaDescription: 'interval',
          },
        ),
      ),
      ...lines.flatMap(({ name, points }) => [
        Plot.line(points, {
          x: 'x',
          y: (point: Point) => point.y ?? NaN,
          stroke: name.look.color,
          strokeWidth: 1.4,
          ariaDescription: name.short,
        }),
        Plot.dot(
          points.filter((point) => point.y !== null),
          { x: 'x', y: 'y', symbol: name.look.symbol, fill: name.look.color, r: 2.8 },
        ),
      ]),
    ],
  });
  const labels = lines.flatMap(({ name, points }) => {
    const last = points.findLast((point) => point.y !== null);
    if (last === undefined) return [];
    return [{ lines: linesOf(name, 20), look: name.look, x: drawn.px(last.x), y: drawn.py(last.y ?? 0) }];
  });
  return drawn.svg + endLabels(labels, box.x + box.width + 8, box, font);
}
