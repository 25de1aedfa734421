/** Work of every vCPU over time: a line each, writers and readers in frames of their own. */
import * as Plot from '@observablehq/plot';
import { mean, median as medianOfSample } from '../../stats/summary.js';
import { groupBy, type Row } from '../files/rows.js';
import { exact } from './kit/axes.js';
import { averaged } from './data/averaged.js';
import { textWidth } from './kit/font.js';
import { type EndLabel, endLabels, lineHeight, symbolRoom } from './kit/labels.js';
import { frames, isLowest } from './kit/layout.js';
import type { Name } from './kit/names.js';
import { type Axis, type Box, panel, tickRoom } from './kit/panel.js';
import { type Look, lookOf, type Sheet } from './kit/sheet.js';
import type { Point } from './data/thin.js';
import { got, lastOf, nth, zip } from '../../lists.js';
import { largest, smallest } from '../../stats/extremes.js';

const SHARES: Axis = { domain: [0, 100], ticks: [0, 50, 100] };
/** Lines of a group that readers can distinguish; of more, the median stands out and the extremes are named. */
const MOST_NAMED = 3;
/** An extreme is named where it lies this many percent of the work from the median. */
const APART = 3;

/** One strategy. */
export interface VcpuCurves {
  readonly name: Name;
  readonly rows: readonly Row[];
}

/** The frames from `top` on; `bottom` is where the last one ends, with its words. */
export function vcpuPanels(
  curves: readonly VcpuCurves[],
  shownS: number,
  sheet: Sheet,
  top: number,
): { readonly svg: string; readonly bottom: number } {
  const { font } = sheet;
  const rows = curves.flatMap((curve) => curve.rows);
  const groups = [...groupBy(rows, 'group').keys()];
  const looks = new Map(groups.map((group, index) => [group, lookOf(index)]));
  const kinds = [true, false].filter((writer) => rows.some((row) => isWriter(row) === writer));
  const cells = curves.flatMap((curve) =>
    kinds.map((writer) => ({
      title: kinds.length === 1 ? curve.name.short : `${curve.name.short}, ${writer ? 'writers' : 'readers'}`,
      rows: curve.rows.filter((row) => isWriter(row) === writer),
    })),
  );
  const right = symbolRoom(font) + widestLabel(rows, font) + 8;
  const margins = { left: tickRoom(SHARES, font), right, above: 1.9 * font, below: 1.9 * font };
  const low = (sheet.columns === 1 && kinds.length > 1 ? 5 : 6.5) * font;
  const width = frames(cells.length, low, margins, sheet).width;
  const filled = cells.map((cell) => ({ ...cell, groups: groupsOf(cell.rows, looks, shownS, width) }));
  const names = filled.map(({ groups: all }) => all.reduce((sum, { named }) => sum + named.length, 0));
  const height = Math.max(low, largest(names) * lineHeight(font));
  const { boxes, bottom } = frames(cells.length, height, margins, sheet, { top });
  const panels = zip(filled, boxes).map(([cell, box], index) => {
    const lowest = isLowest(index, cells.length, sheet);
    return workPanel(cell.title, cell.groups, box, shownS, lowest, sheet);
  });
  return { svg: panels.join('\n'), bottom };
}

function isWriter(row: Row): boolean {
  return row['writer'] === true;
}

/** Of all names that lines may get: those of single vCPUs, of all of a group, and of its median. */
function widestLabel(rows: readonly Row[], font: number): number {
  const names = [...groupBy(rows, 'group')].flatMap(([group, ofGroup]) => {
    const ids = [...groupBy(ofGroup, 'vcpu').keys()].map(Number);
    const whole = idsName(group, ids);
    return ids.length > MOST_NAMED ? [whole, medianName(group)] : [whole];
  });
  return largest(names.map((name) => textWidth(name, font)));
}

interface VcpuLine {
  readonly id: number;
  readonly points: readonly Point[];
}

interface Named {
  readonly words: string;
  readonly points: readonly Point[];
}

interface Group {
  readonly look: Look;
  readonly lines: readonly VcpuLine[];
  readonly named: readonly Named[];
  /** Where the lines are too many to be named. */
  readonly median: readonly Point[] | null;
}

function groupsOf(
  rows: readonly Row[],
  looks: ReadonlyMap<string, Look>,
  shownS: number,
  width: number,
): Group[] {
  return [...groupBy(rows, 'group')].map(([group, ofGroup]) => {
    const lines = linesOf(ofGroup, shownS, width);
    return { look: got(looks, group), lines, ...namedOf(group, lines) };
  });
}

const XY = { x: 'x', y: 'y' } as const;

function lineMarks({ look, lines, median }: Group): Plot.Markish[] {
  return lines.map(({ id, points }) =>
    Plot.line(points, {
      ...XY,
      stroke: look.color,
      strokeWidth: median === null ? 1.1 : 0.5,
      strokeOpacity: median === null ? 0.9 : Math.max(0.2, Math.min(0.6, 8 / lines.length)),
      ariaDescription: `vCPU ${id}`,
    }),
  );
}

function medianMarks({ look, median }: Group): Plot.Markish[] {
  if (median === null) return [];
  return [Plot.line(median, { ...XY, stroke: look.color, strokeWidth: 1.6, ariaDescription: 'median' })];
}

function symbolMarks({ look, named }: Group, index: number, groups: number): Plot.Markish[] {
  return named.map(({ points }) =>
    Plot.dot(marked(points, index, groups), { ...XY, symbol: look.symbol, fill: look.color, r: 2.4 }),
  );
}

function workPanel(
  title: string,
  groups: readonly Group[],
  box: Box,
  shownS: number,
  lowest: boolean,
  sheet: Sheet,
): string {
  const { font } = sheet;
  const drawn = panel(sheet, {
    box,
    x: exact(0, shownS, box.width / (6 * font)),
    y: SHARES,
    title,
    ...(lowest ? { xTitle: 'Time since migrate (s)' } : {}),
    marks: [
      ...groups.flatMap(lineMarks),
      ...groups.flatMap(medianMarks),
      ...groups.flatMap((group, index) => symbolMarks(group, index, groups.length)),
    ],
  });
  const labels = groups.flatMap(({ look, named }) =>
    named.map(({ words, points }): EndLabel => {
      const last = lastOf(points);
      return { lines: [words], look, x: drawn.px(last.x), y: drawn.py(last.y) };
    }),
  );
  const end = largest(labels.map(({ x }) => x));
  return drawn.svg + endLabels(labels, end + 6, box, font);
}

function linesOf(rows: readonly Row[], shownS: number, width: number): VcpuLine[] {
  return [...groupBy(rows, 'vcpu')]
    .map(([id, ofVcpu]) => ({ id: Number(id), points: averaged(ofVcpu, 'work_share', shownS, width) }))
    .filter(({ points }) => points.length > 0);
}

/**
 * What is named of a group. vCPUs whose lines lie on each other share a name; where that leaves too many, it is the median
 * and those vCPUs that did least and most, if they stand apart.
 */
function namedOf(group: string, lines: readonly VcpuLine[]): Pick<Group, 'named' | 'median'> {
  const bundles: [VcpuLine, ...VcpuLine[]][] = [];
  for (const one of lines) {
    const bundle = bundles.find(([first]) => alike(first.points, one.points));
    if (bundle === undefined) bundles.push([one]);
    else bundle.push(one);
  }
  if (bundles.length <= MOST_NAMED) {
    const named = bundles.map((bundle) => ({
      words: idsName(
        group,
        bundle.map(({ id }) => id),
      ),
      points: bundle[0].points,
    }));
    return { named, median: null };
  }
  const median = medianOf(lines);
  const centre = meanWork(median);
  const sorted = [...lines].sort((a, b) => meanWork(a.points) - meanWork(b.points));
  const extremes = [nth(sorted, 0), lastOf(sorted)].filter(
    ({ points }) => Math.abs(meanWork(points) - centre) > APART,
  );
  const named = [
    { words: medianName(group), points: median },
    ...extremes.map(({ id, points }) => ({ words: idsName(group, [id]), points })),
  ];
  return { named, median };
}

/** `writer 3`, `writer 0–1`, `writer ×4` where they do not follow each other. */
function idsName(group: string, ids: readonly number[]): string {
  const [first, last] = [nth(ids, 0), lastOf(ids)];
  return last - first === ids.length - 1 ? rangeName(group, first, last) : `${group} ×${ids.length}`;
}

function medianName(group: string): string {
  return `${group}, median`;
}

function rangeName(group: string, first: number, last: number): string {
  return first === last ? `${group} ${first}` : `${group} ${first}–${last}`;
}

/** So near to each other everywhere that a figure shows one line. */
function alike(a: readonly Point[], b: readonly Point[]): boolean {
  return a.length === b.length && zip(a, b).every(([one, other]) => Math.abs(one.y - other.y) <= 5);
}

function medianOf(lines: readonly VcpuLine[]): Point[] {
  const count = smallest(lines.map(({ points }) => points.length));
  return nth(lines, 0)
    .points.slice(0, count)
    .map(({ x }, index) => ({
      x,
      y: medianOfSample(lines.map(({ points }) => nth(points, index).y)),
    }));
}

function meanWork(points: readonly Point[]): number {
  return mean(points.map(({ y }) => y));
}

/** Four points of a line, at places of its group's own. */
function marked(points: readonly Point[], group: number, groups: number): Point[] {
  const step = points.length / 4;
  const first = step * ((group + 0.5) / groups);
  return [0, 1, 2, 3].flatMap((index) => points[Math.floor(first + index * step)] ?? []);
}
