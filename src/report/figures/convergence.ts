/** What remains after each bitmap sync, all strategies in one frame: who gets there, who settles where. */
import * as Plot from '@observablehq/plot';
import { groupBy, hasConverged, numberIn, type Row, textIn } from '../files/rows.js';
import { optionsOf } from '../terminal/kit/strategy-names.js';
import { exact, logarithmic } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { endLabels, symbolRoom } from './kit/labels.js';
import { frames } from './kit/layout.js';
import { linesOf, type Name, smallPrint, widthOf } from './kit/names.js';
import { BELOW_WITH_TITLE, panel, tickRoom } from './kit/panel.js';
import type { Results } from './data/results.js';
import type { Sheet } from './kit/sheet.js';
import { picture } from './kit/svg.js';
import type { Point } from './data/thin.js';
import { largest } from '../../stats/extremes.js';
import { isNonEmpty, lastOf, type NonEmpty, nth } from '../../lists.js';
import { MIB } from '../../units.js';

/** More syncs than this have no symbols of their own. */
const MOST_SYMBOLS = 40;

export const convergence: Figure = {
  name: 'convergence',
  summary: 'memory that remains after each bitmap sync, all strategies in one frame',
  needs: 'syncs.csv with two strategies or more',
  draw(results, sheet, names) {
    const curves = [...groupBy(results.syncs, 'strategy')].flatMap(([label, rows]): Curve[] => {
      const points = pointsOf(rows);
      return isNonEmpty(points) && points.length > 1 ? [{ name: names.of(label), points }] : [];
    });
    return curves.length < 2 ? [] : [drawing(curves, shownSeconds(results), sheet)];
  },
};

interface Curve {
  readonly name: Name;
  readonly points: NonEmpty<Point>;
}

function pointsOf(rows: readonly Row[]): Point[] {
  return rows.flatMap((row) => {
    const time = numberIn(row, 'time_ms');
    const remaining = numberIn(row, 'remaining_bytes');
    return time === null || remaining === null || remaining === 0
      ? []
      : [{ x: time / 1e3, y: remaining / MIB }];
  });
}

/** Until the last run that converged: one that was given up after ten minutes must not press the others together. */
export function shownSeconds({ runs, timeline, syncs, vcpuTimeline }: Results): number {
  const all = [timeline, syncs, vcpuTimeline].find((rows) => rows.length > 0) ?? [];
  const converged = new Set(runs.filter((row) => hasConverged(row)).map((row) => textIn(row, 'strategy')));
  const rows = all.filter((row) => converged.has(textIn(row, 'strategy')));
  return largest((rows.length > 0 ? rows : all).map((row) => numberIn(row, 'time_ms') ?? 0)) / 1e3;
}

function curveMarks({ name: { look, short }, points }: Curve): Plot.Markish[] {
  const own = { x: 'x', y: 'y' } as const;
  return [
    Plot.line(points, { ...own, stroke: look.color, strokeWidth: 1.2, ariaDescription: short }),
    Plot.dot(points.length > MOST_SYMBOLS ? [lastOf(points)] : points, {
      ...own,
      symbol: look.symbol,
      fill: look.color,
      r: 2.6,
    }),
  ];
}

function drawing(curves: readonly Curve[], shownS: number, sheet: Sheet): Drawing {
  const { font } = sheet;
  const shown = curves.flatMap(({ name, points }): Curve[] => {
    const before = points.filter(({ x }) => x <= shownS);
    return isNonEmpty(before) ? [{ name, points: before }] : [];
  });
  const y = logarithmic(
    shown.flatMap(({ points }) => points.map((point) => point.y)),
    5,
  );
  const margins = {
    left: tickRoom(y, font),
    right:
      widthOf(
        shown.map(({ name }) => linesOf(name, 20)),
        font,
      ) +
      symbolRoom(font) +
      12,
    above: 2.2 * font,
    below: BELOW_WITH_TITLE * font,
  };
  const { boxes, bottom } = frames(1, 17 * font, margins, sheet, { columns: 1 });
  const box = nth(boxes, 0);
  const drawn = panel(sheet, {
    box,
    x: exact(0, shownS, box.width / (6 * font)),
    y,
    title: 'Remaining after each sync (MiB)',
    xTitle: 'Time since migrate (s)',
    marks: shown.flatMap(curveMarks),
  });
  const labels = shown.map(({ name, points }) => {
    const last = lastOf(points);
    return { lines: linesOf(name, 20), look: name.look, x: drawn.px(last.x), y: drawn.py(last.y) };
  });
  const clipped = curves.some(({ points }) => lastOf(points).x > shownS);
  const notes = smallPrint(
    [
      optionsOf(shown.map(({ name }) => name)),
      clipped ? 'Runs that did not converge go on to the right of what is shown.' : null,
    ],
    bottom,
    sheet,
  );
  return {
    name: 'convergence',
    caption:
      'Memory that remains to be sent after each bitmap sync. A strategy works when its line falls; where it stays level, as much is dirtied as is sent.',
    svg: picture(sheet, bottom + notes.height + 2, 'Remaining memory over time', [
      drawn.svg,
      endLabels(labels, box.x + box.width + 8, box, font),
      notes.svg,
    ]),
  };
}
