/** Distributions over runs: which share had converged within a time, and which had no more than a downtime. */
import * as Plot from '@observablehq/plot';
import { groupBy, hasConverged, type Row } from '../files/rows.js';
import { optionsOf } from '../terminal/kit/strategy-names.js';
import { around, isWide, logarithmic } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { endLabels, symbolRoom } from './kit/labels.js';
import { frames } from './kit/layout.js';
import { linesOf, type Name, smallPrint, widthOf } from './kit/names.js';
import { type Axis, BELOW_WITH_TITLE, type Box, panel, tickRoom } from './kit/panel.js';
import type { Sheet } from './kit/sheet.js';
import { column } from './kit/statistics.js';
import { picture } from './kit/svg.js';
import { isSweep } from './data/sweep-keys.js';
import { lastOf, nth, zip } from '../../lists.js';

const FEWEST_RUNS = 3;
/** With room for the symbols at 100 %. */
const SHARES: Axis = { domain: [0, 106], ticks: [0, 25, 50, 75, 100] };

interface Measure {
  readonly title: string;
  readonly xTitle: string;
  readonly value: (row: Row) => number | null;
}

const totalTime = column('total_time_ms', 1e3);
const MEASURES: readonly Measure[] = [
  {
    title: 'Runs that converged (%)',
    xTitle: 'within (s)',
    value: (row) => (hasConverged(row) ? totalTime(row) : null),
  },
  { title: 'Runs (%)', xTitle: 'with a downtime of at most (ms)', value: column('downtime_ms') },
];

export const cdf: Figure = {
  name: 'cdf',
  summary: 'distributions over runs: time to converge (the success ratio of any deadline) and downtime',
  needs: `runs.csv with ${FEWEST_RUNS} runs of a strategy that came to a switchover`,
  draw(results, sheet, names) {
    if (isSweep(results.runs)) return [];
    const strategies = [...groupBy(results.runs, 'strategy')]
      .filter(([, rows]) => rows.length >= FEWEST_RUNS)
      .map(([label, rows]) => ({ name: names.of(label), rows }));
    const distributions = MEASURES.map((measure) => ({
      ...measure,
      curves: strategies
        .map(({ name, rows }) => curveOf(name, rows, measure))
        .filter(({ values }) => values.length > 0),
    })).filter(({ curves }) => curves.length > 0);
    const without = strategies.filter(({ rows }) => rows.every((row) => !hasConverged(row)));
    return distributions.length === 0
      ? []
      : [
          drawing(
            distributions,
            without.map(({ name }) => name.short),
            sheet,
          ),
        ];
  },
};

interface Curve {
  readonly name: Name;
  /** In rising order. */
  readonly values: readonly number[];
  /** Of all, those that have no value included. */
  readonly runs: number;
}

interface Distribution extends Measure {
  readonly curves: readonly Curve[];
}

function curveOf(name: Name, rows: readonly Row[], { value }: Measure): Curve {
  const values = rows.map(value).filter((one) => one !== null);
  return { name, values: values.sort((a, b) => a - b), runs: rows.length };
}

function drawing(distributions: readonly Distribution[], without: readonly string[], sheet: Sheet): Drawing {
  const { font } = sheet;
  const names = nth(distributions, 0).curves.map(({ name }) => name);
  const words = names.map((name) => linesOf(name, 20));
  const margins = {
    left: tickRoom(SHARES, font),
    right: widthOf(words, font) + symbolRoom(font) + 10,
    above: 2.2 * font,
    below: (BELOW_WITH_TITLE + 0.5) * font,
  };
  const height = Math.max(13, 1.6 * names.length) * font;
  const { boxes, bottom } = frames(distributions.length, height, margins, sheet);
  const panels = zip(distributions, boxes).map(([distribution, box]) =>
    distributionPanel(distribution, box, sheet),
  );
  const notes = smallPrint(
    [optionsOf(names), without.length === 0 ? null : `Without a run that converged: ${without.join(', ')}.`],
    bottom,
    sheet,
  );
  return {
    name: 'cdf',
    caption:
      'Share of the runs that had converged when so much time had passed, and share of those with a switchover whose downtime, as QEMU reports it, was at most so long.',
    svg: picture(sheet, bottom + notes.height + 2, 'Distributions over runs', [...panels, notes.svg]),
  };
}

function distributionPanel({ title, xTitle, curves }: Distribution, box: Box, sheet: Sheet): string {
  const { font } = sheet;
  const all = curves.flatMap(({ values }) => values);
  const ticks = box.width / (5 * font);
  const x = isWide(all) ? logarithmic(all, ticks) : around(all, ticks);
  const [start, end] = x.domain;
  const drawn = panel(sheet, {
    box,
    x,
    y: SHARES,
    title,
    xTitle,
    marks: curves.flatMap(({ name, values, runs }) => {
      const steps = values.map((value, index) => ({ x: value, y: (100 * (index + 1)) / runs }));
      const line = [{ x: start, y: 0 }, ...steps, { x: end, y: lastOf(steps).y }];
      const { color, symbol } = name.look;
      return [
        Plot.line(line, {
          x: 'x',
          y: 'y',
          curve: 'step-after',
          stroke: color,
          strokeWidth: 1.4,
          ariaDescription: name.short,
        }),
        Plot.dot(marked(steps), { x: 'x', y: 'y', symbol, fill: color, r: 2.8 }),
      ];
    }),
  });
  const order = [...curves].sort((a, b) => middle(a) - middle(b));
  const labels = order.map(({ name }) => ({
    lines: linesOf(name, 20),
    look: name.look,
    x: box.x + box.width,
    y: box.y,
  }));
  return drawn.svg + endLabels(labels, box.x + box.width + 8, box, font);
}

function middle({ values }: Curve): number {
  return nth(values, Math.floor(values.length / 2));
}

/** Symbols at the quartiles and at the end distinguish curves without colours. */
function marked<Point>(points: readonly Point[]): Point[] {
  const last = points.length - 1;
  const places = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * last));
  return [...new Set(places)].map((place) => nth(points, place));
}
