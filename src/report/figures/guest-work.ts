/**
 * How much of its work the guest did while it was migrated: a line a vCPU, or where the results have no more than that the
 * means of writers and readers.
 */
import { lastOf, zip } from '../../lists.js';
import * as Plot from '@observablehq/plot';
import { groupBy, numberIn, type Row } from '../files/rows.js';
import { optionsOf } from '../terminal/kit/strategy-names.js';
import { averaged } from './data/averaged.js';
import { exact } from './kit/axes.js';
import { shownSeconds } from './convergence.js';
import type { Drawing, Figure } from './kit/figure.js';
import { textWidth } from './kit/font.js';
import { type EndLabel, endLabels } from './kit/labels.js';
import { frames, isLowest } from './kit/layout.js';
import { type Name, smallPrint } from './kit/names.js';
import { type Axis, type Box, panel, tickRoom } from './kit/panel.js';
import { BLUE, INK, type Sheet, VERMILLION } from './kit/sheet.js';
import { picture, text } from './kit/svg.js';
import type { Point } from './data/thin.js';
import { vcpuPanels } from './vcpu-work.js';
import { largest } from '../../stats/extremes.js';

const GROUPS = [
  { name: 'writers', column: 'writers_work_share', color: VERMILLION, width: 1.4 },
  { name: 'readers', column: 'readers_work_share', color: BLUE, width: 1.4 },
  { name: 'slowest', column: 'lowest_work_share', color: INK, width: 0.6 },
] as const;
const SHARES: Axis = { domain: [0, 100], ticks: [0, 50, 100] };

export const guestWork: Figure = {
  name: 'guest-work',
  summary: 'work done by each vCPU over time, writers and readers apart',
  needs: 'vcpu-timeline.csv or timeline.csv',
  draw(results, sheet, names) {
    const { vcpuTimeline, timeline } = results;
    const ofEach = vcpuTimeline.length > 0;
    const curves = [...groupBy(ofEach ? vcpuTimeline : timeline, 'strategy')]
      .filter(([, rows]) => rows.length > 1 && rows.some(hasWork))
      .map(([label, rows]) => ({ name: names.of(label), rows, endS: endOf(rows) }));
    return curves.length === 0 ? [] : [drawing(curves, ofEach, shownSeconds(results), sheet)];
  },
};

/** What a recorded guest did is not known. */
function hasWork(row: Row): boolean {
  return ['work_share', ...GROUPS.map(({ column }) => column)].some((name) => numberIn(row, name) !== null);
}

interface Curve {
  readonly name: Name;
  readonly rows: readonly Row[];
  readonly endS: number;
}

function endOf(rows: readonly Row[]): number {
  return largest(rows.map((row) => numberIn(row, 'time_ms') ?? 0)) / 1e3;
}

function drawing(curves: readonly Curve[], ofEach: boolean, shownS: number, sheet: Sheet): Drawing {
  const { font } = sheet;
  const top = 1.6 * font;
  const drawn = ofEach ? vcpuPanels(curves, shownS, sheet, top) : groupPanels(curves, shownS, sheet, top);
  const end = drawn.bottom + 1.5 * font;
  const clipped = curves.some(({ endS }) => endS > shownS);
  const notes = smallPrint(
    [
      optionsOf(curves.map(({ name }) => name)),
      clipped ? 'Runs that did not converge go on to the right of what is shown.' : null,
    ],
    end,
    sheet,
  );
  const what = ofEach
    ? 'Work done by each vCPU, those that write and those that only read in frames of their own'
    : 'Work done by the vCPUs that write and by those that only read';
  return {
    name: 'guest-work',
    caption: `${what}, as a share of their work without a migration${ofEach ? '' : '; the thin line is the vCPU that did least'}.`,
    svg: picture(sheet, end + notes.height + 2, 'Guest work during the migration', [
      text(0.5 * font, 1.1 * font, 'Work done (% of an unmigrated guest)'),
      drawn.svg,
      notes.svg,
    ]),
  };
}

function groupPanels(
  curves: readonly Curve[],
  shownS: number,
  sheet: Sheet,
  top: number,
): { readonly svg: string; readonly bottom: number } {
  const { font } = sheet;
  const right = textWidth(`and ${GROUPS[0].name}`, font) + 8;
  const margins = { left: tickRoom(SHARES, font), right, above: 1.9 * font, below: 1.9 * font };
  const { boxes, bottom } = frames(curves.length, 6.5 * font, margins, sheet, { top });
  const panels = zip(curves, boxes).map(([curve, box], index) =>
    workPanel(curve, box, shownS, isLowest(index, curves.length, sheet), sheet),
  );
  return { svg: panels.join('\n'), bottom };
}

function workPanel(curve: Curve, box: Box, shownS: number, lowest: boolean, sheet: Sheet): string {
  const { font } = sheet;
  const shown = together(
    GROUPS.map(({ name, column, color, width }) => {
      return { lines: [name], color, width, points: averaged(curve.rows, column, shownS, box.width) };
    }).filter(({ points }) => points.length > 0),
  );
  const drawn = panel(sheet, {
    box,
    x: exact(0, shownS, box.width / (6 * font)),
    y: SHARES,
    title: curve.name.short,
    ...(lowest ? { xTitle: 'Time since migrate (s)' } : {}),
    marks: [...shown].reverse().map(({ points, color, width, lines }) =>
      Plot.line(points, {
        x: 'x',
        y: 'y',
        stroke: color,
        strokeWidth: width,
        ariaDescription: lines.join(' '),
      }),
    ),
  });
  const labels = shown.map(({ lines, color, points }): EndLabel => {
    const last = lastOf(points);
    return { lines, fill: color, x: drawn.px(last.x), y: drawn.py(last.y) };
  });
  const end = largest(labels.map(({ x }) => x));
  return drawn.svg + endLabels(labels, end + 5, box, font);
}

interface Group {
  readonly lines: readonly string[];
  readonly color: string;
  readonly width: number;
  readonly points: readonly Point[];
}

/** Curves that lie on each other are drawn once, under both names; the slowest vCPU is named only where it stands apart. */
function together(groups: readonly Group[]): Group[] {
  const [writers, readers, slowest] = [groups[0], ...groups.slice(1)];
  if (writers === undefined || readers === undefined) return [...groups];
  if (slowest === undefined) return alike(writers, readers) ? [writers] : [writers, readers];
  const both = alike(writers, readers)
    ? [{ ...writers, color: INK, lines: [...writers.lines, `and ${readers.lines[0]}`] }]
    : [writers, readers];
  return both.some((group) => alike(group, slowest)) ? both : [...both, slowest];
}

/** Within two percent of the work everywhere. */
function alike(a: Group, b: Group): boolean {
  return (
    a.points.length === b.points.length &&
    zip(a.points, b.points).every(([one, other]) => Math.abs(one.y - other.y) <= 2)
  );
}
