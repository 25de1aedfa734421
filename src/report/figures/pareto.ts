/** What a strategy costs the guest against what it takes: those at the lower left are worth choosing from. */
import { nth, zip } from '../../lists.js';
import * as Plot from '@observablehq/plot';
import { mean } from '../../stats/summary.js';
import { groupBy, hasConverged, numberIn, type Row } from '../files/rows.js';
import { optionsOf } from '../terminal/kit/strategy-names.js';
import { around, exact, isWide, logarithmic } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { endLabels, pointLabels, symbolRoom } from './kit/labels.js';
import { frames, isLowest } from './kit/layout.js';
import { linesOf, type Name, type Names, slugOf, smallPrint, widthOf } from './kit/names.js';
import { type Axis, BELOW_WITH_TITLE, type Box, type Panel, panel, tickRoom } from './kit/panel.js';
import type { Sheet } from './kit/sheet.js';
import { picture, text } from './kit/svg.js';
import { type SweptCell, cellsBy, sweepKeys } from './data/sweep-keys.js';
import { largest } from '../../stats/extremes.js';

/** A sweep with more cells gets no figures: they would be too many to look at. */
const MOST_CELLS = 24;

const GROUPS = [
  { who: 'writers', column: 'writers_work_done_share' },
  { who: 'readers', column: 'readers_work_done_share' },
] as const;

export const pareto: Figure = {
  name: 'pareto',
  summary: 'guest work lost against total time, with the strategies that no other beats in both',
  needs: `runs.csv with two strategies that converged; of a sweep, in one of at most ${MOST_CELLS} cells`,
  draw(results, sheet, names) {
    const cells = cellsBy(results.runs, sweepKeys(results.runs));
    return cells.length > MOST_CELLS ? [] : cells.flatMap((cell) => ofCell(cell, sheet, names));
  },
};

/** Runs of a sweep are not alike: each cell has a figure of its own. */
function ofCell({ what, rows: all }: SweptCell, sheet: Sheet, names: Names): Drawing[] {
  const converged = all.filter((row) => hasConverged(row));
  const strategies = [...groupBy(converged, 'strategy')].map(([label, rows]) => ({
    name: names.of(label),
    rows,
  }));
  const panels = GROUPS.map(({ who, column }) => ({
    who,
    points: strategies.flatMap(({ name, rows }) => pointsOf(name, rows, column)),
  })).filter(({ points }) => points.length > 1);
  return panels.length === 0 ? [] : [drawing(panels, what, sheet)];
}

interface Point {
  readonly name: Name;
  /** Means over the runs: s, and percent of the work. */
  readonly time: number;
  readonly lost: number;
  readonly runs: readonly { readonly time: number; readonly lost: number }[];
}

interface Group {
  readonly who: string;
  readonly points: readonly Point[];
}

function pointsOf(name: Name, rows: readonly Row[], column: string): Point[] {
  const runs = rows.flatMap((row) => {
    const time = numberIn(row, 'total_time_ms');
    const work = numberIn(row, column);
    return time === null || work === null ? [] : [{ time: time / 1e3, lost: Math.max(0, 100 * (1 - work)) }];
  });
  if (runs.length === 0) return [];
  return [{ name, runs, time: mean(runs.map(({ time }) => time)), lost: mean(runs.map(({ lost }) => lost)) }];
}

function drawing(groups: readonly Group[], what: string, sheet: Sheet): Drawing {
  const { font } = sheet;
  const left = largest(groups.map(({ points }) => tickRoom(lostAxis(lossesOf(points)), font)));
  const names = nth(groups, 0).points.map(({ name }) => name);
  const right = isCrowded(names) ? widthOf(names.map(keyLines), font) + symbolRoom(font) + 10 : 8;
  const margins = { left, right, above: 2.2 * font, below: BELOW_WITH_TITLE * font };
  const top = what === '' ? 0 : 1.4 * font;
  const { boxes, bottom } = frames(groups.length, 17 * font, margins, sheet, { top });
  const panels = zip(groups, boxes).map(([group, box], index) =>
    groupPanel(group, box, isLowest(index, groups.length, sheet), sheet),
  );
  const several = groups.some(({ points }) => points.some(({ runs }) => runs.length > 1));
  const joins = groups.some(({ points }) => frontOf(points).length > 1);
  const notes = smallPrint(
    [
      optionsOf(names),
      `${joins ? 'The line joins the strategies that no other beats in both. ' : ''}${several ? 'Large symbols are means; small ones are runs, which a mean hides where they are alike. ' : ''}Only runs that converged.`,
    ],
    bottom,
    sheet,
  );
  return {
    name: what === '' ? 'pareto' : `pareto-${slugOf(what)}`,
    caption:
      `${what === '' ? '' : `At ${what}. `}` +
      'Work that the guest lost during the migration against what the migration took: lower and further left is better, and no strategy beats one on the line in both.',
    svg: picture(sheet, bottom + notes.height + 2, 'Guest work lost against total time', [
      what === '' ? '' : text(0.5 * font, 1.1 * font, what),
      ...panels,
      notes.svg,
    ]),
  };
}

function groupPanel({ who, points }: Group, box: Box, lowest: boolean, sheet: Sheet): string {
  const { font } = sheet;
  const runs = points.flatMap(({ name, runs: all }) =>
    all.length < 2 ? [] : all.map((run) => ({ ...run, ...name.look })),
  );
  const times = [...points, ...runs].map(({ time }) => time);
  const means = points.map(({ name, time, lost: y }) => ({ time, lost: y, ...name.look }));
  const ticks = box.width / (6 * font);
  const front = frontOf(points);
  const drawn = panel(sheet, {
    box,
    x: isWide(times) ? logarithmic(times, ticks) : around(times, ticks),
    y: lostAxis(lossesOf(points)),
    title: `Work lost by ${who} (%)`,
    ...(lowest ? { xTitle: 'Total time (s)' } : {}),
    marks: [
      Plot.line(front, {
        x: 'time',
        y: 'lost',
        curve: 'step-after',
        strokeOpacity: 0.5,
        strokeDasharray: '3,2',
        ariaDescription: 'front',
      }),
      ...runs.map(({ time, lost: y, color, symbol }) =>
        Plot.dot([{ time, lost: y }], {
          x: 'time',
          y: 'lost',
          symbol,
          fill: color,
          fillOpacity: 0.35,
          r: 1.8,
        }),
      ),
      ...means.map(({ time, lost: y, color, symbol }) =>
        Plot.dot([{ time, lost: y }], {
          x: 'time',
          y: 'lost',
          symbol,
          fill: color,
          r: 4,
          ariaDescription: 'mean',
        }),
      ),
    ],
  });
  const words = isCrowded(points) ? key(points, box, font) : namesBeside(points, runs, front, drawn, font);
  return drawn.svg + words;
}

/** This many names find their places next to their points; more stand in a list. */
const MOST_BESIDE = 6;

function isCrowded(all: readonly unknown[]): boolean {
  return all.length > MOST_BESIDE;
}

function keyLines(name: Name): string[] {
  return linesOf(name, 20);
}

/** In the order of time. */
function key(points: readonly Point[], box: Box, font: number): string {
  const sorted = [...points].sort((a, b) => a.time - b.time);
  const labels = sorted.map(({ name }) => ({
    lines: keyLines(name),
    look: name.look,
    x: box.x + box.width,
    y: box.y,
  }));
  return endLabels(labels, box.x + box.width + 8, box, font);
}

function namesBeside(
  points: readonly Point[],
  runs: readonly { readonly time: number; readonly lost: number }[],
  front: readonly Point[],
  drawn: Panel,
  font: number,
): string {
  const places = points.map(({ name, time, lost }) => ({
    words: name.short,
    x: drawn.px(time),
    y: drawn.py(lost),
  }));
  const others = runs.map((run) => ({ x: drawn.px(run.time), y: drawn.py(run.lost) }));
  const corners = front.flatMap(({ time, lost }, index) => {
    const corner = { x: drawn.px(time), y: drawn.py(lost) };
    const before = front[index - 1];
    return before === undefined ? [corner] : [{ x: corner.x, y: drawn.py(before.lost) }, corner];
  });
  return pointLabels(places, { points: [...places, ...others], lines: [corners] }, drawn.box, font);
}

function lossesOf(points: readonly Point[]): number[] {
  return points.flatMap(({ lost, runs }) => [lost, ...runs.map((run) => run.lost)]);
}

/** From nothing lost, with room for words above, but not beyond all of the work. */
function lostAxis(lost: readonly number[]): Axis {
  const most = largest(lost) || 1;
  return exact(0, Math.min(104, 1.2 * most), Math.max(4, most / 25));
}

/** Those that no other strategy beats in time and in work, in the order of time. */
function frontOf(points: readonly Point[]): Point[] {
  const beaten = (point: Point): boolean =>
    points.some(
      (other) =>
        other.time <= point.time &&
        other.lost <= point.lost &&
        (other.time < point.time || other.lost < point.lost),
    );
  return points.filter((point) => !beaten(point)).sort((a, b) => a.time - b.time);
}
