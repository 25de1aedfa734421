/** Curves in a terminal: each character of braille is two dots wide and four high. */
import { lastOf, nth } from '../../../lists.js';
import { show } from '../../../experiment/expect/measure.js';
import type { MigrationResult } from '../../../migration/result.js';
import { timelineColumns } from '../../columns/timeline.js';
import { sparkline } from './sparkline.js';
import { type Page, plainPage } from './style.js';
import { largest } from '../../../stats/extremes.js';

export interface Dot {
  readonly x: number;
  readonly y: number;
}

const DOTS_WIDE = 2;
const DOTS_HIGH = 4;
const BLANK = 0x2800;
/** Bits of the dots of a character, from the top row to the bottom one, left and right. */
const BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** Rows of text, the highest first. x goes from 0 to `right`, y from 0 to `top`; points are in the order of x. */
export function brailleCurve(
  points: readonly Dot[],
  size: { readonly columns: number; readonly rows: number },
  { right, top }: { readonly right: number; readonly top: number },
): string[] {
  const width = size.columns * DOTS_WIDE;
  const height = size.rows * DOTS_HIGH;
  const cells = Array.from({ length: size.rows }, () => new Array<number>(size.columns).fill(0));
  const place = (value: number, full: number, dots: number): number =>
    Math.min(dots - 1, Math.max(0, Math.round((value / (full > 0 ? full : 1)) * (dots - 1))));
  const set = (x: number, y: number): void => {
    const row = nth(cells, Math.floor((height - 1 - y) / DOTS_HIGH));
    const bit = nth(nth(BITS, (height - 1 - y) % DOTS_HIGH), x % DOTS_WIDE);
    const column = Math.floor(x / DOTS_WIDE);
    row[column] = nth(row, column) | bit;
  };
  let before: Dot | undefined;
  for (const point of points) {
    const end = { x: place(point.x, right, width), y: place(point.y, top, height) };
    connect(before ?? end, end, set);
    before = end;
  }
  return cells.map((row) =>
    row.map((bits) => (bits === 0 ? ' ' : String.fromCodePoint(BLANK + bits))).join(''),
  );
}

/** Every dot on the way, so that steep curves have no gaps. */
function connect(from: Dot, to: Dot, set: (x: number, y: number) => void): void {
  const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
  for (let step = 0; step <= steps; step++) {
    set(
      Math.round(from.x + ((to.x - from.x) * step) / steps),
      Math.round(from.y + ((to.y - from.y) * step) / steps),
    );
  }
}

const ROWS = 4;
const LABELS = 11;

/** One above the other what remains, the throttle and the work done, over the time of the run. Ends without a line break. */
export function runChart(result: MigrationResult, page: Page = plainPage): string {
  const { timeline, syncs } = result;
  const last = timeline.at(-1);
  if (last === undefined || timeline.length < 2) return 'The run has no timeline to draw.';
  const columns = page.width - LABELS;
  const right = last.timeMs;
  const curves = [
    curve(result, 'remaining_bytes', 'remaining', 'bytes'),
    curve(result, 'throttle_percent', 'throttle', 'percent', 100),
    curve(result, 'writers_work_share', 'writers', 'share', 1),
    curve(result, 'readers_work_share', 'readers', 'share', 1),
  ].filter((one) => one !== null);
  const blocks = curves.map(({ label, points, top, unit }) => {
    const rows = brailleCurve(points, { columns, rows: ROWS }, { right, top });
    const heads = [show(unit, top), label, ...Array<string>(ROWS - 3).fill(''), '0'];
    return rows
      .map((row, index) => `${page.style.faint(nth(heads, index).padEnd(LABELS))}${row.trimEnd()}`)
      .join('\n');
  });
  const each = vcpuLines(result, columns).map(
    ({ label, line }) => `${page.style.faint(label.padEnd(LABELS))}${line.trimEnd()}`,
  );
  const marks = Array<string>(columns).fill(' ');
  for (const { timeMs } of syncs) marks[Math.min(columns - 1, Math.floor((timeMs / right) * columns))] = '╵';
  const end = show('ms', right);
  return [
    ...blocks,
    ...each,
    page.style.faint(`${'syncs'.padEnd(LABELS)}${marks.join('').trimEnd()}`),
    page.style.faint(`${' '.repeat(LABELS)}0 s${end.padStart(columns - 3)}`),
  ].join('\n');
}

/** Lines of vCPUs that a chart has at most. */
const MOST_VCPU_LINES = 8;

/**
 * A line of blocks for each vCPU, where those of a group do not all do the same, which the means above do not show. Those
 * whose lines differ by no more than a step share one; of too many, those are shown that did least.
 */
function vcpuLines(result: MigrationResult, columns: number): { label: string; line: string }[] {
  const bundles: { group: string; ids: number[]; shares: readonly number[]; work: number }[] = [];
  for (const { id, group, workDone } of result.vcpus) {
    const shares = sharesOf(result, id, columns);
    const bundle = bundles.find((one) => one.group === group && nearlySame(one.shares, shares));
    if (bundle === undefined) bundles.push({ group, ids: [id], shares, work: workDone ?? 1 });
    else bundle.ids.push(id);
  }
  if (bundles.length === new Set(bundles.map(({ group }) => group)).size) return [];
  const least = [...bundles].sort((a, b) => a.work - b.work).slice(0, MOST_VCPU_LINES);
  return bundles
    .filter((bundle) => least.includes(bundle))
    .map(({ group, ids, shares }) => {
      const number = ids.length === 1 ? ` ${ids[0]}` : ` ×${ids.length}`;
      return {
        label: group.slice(0, LABELS - 1 - number.length) + number,
        line: sparkline(shares, columns, 1),
      };
    });
}

/** Work of a vCPU in each column: the mean of the samples that end in it, or where none does that of the column before. */
function sharesOf({ timeline }: MigrationResult, vcpu: number, columns: number): number[] {
  const right = lastOf(timeline).timeMs;
  const sums = Array.from({ length: columns }, () => ({ work: 0, count: 0 }));
  for (const { timeMs, vcpuWorkShare } of timeline) {
    const sum = nth(sums, Math.min(columns - 1, Math.floor((timeMs / right) * columns)));
    sum.work += nth(vcpuWorkShare, vcpu);
    sum.count += 1;
  }
  let before = nth(nth(timeline, 0).vcpuWorkShare, vcpu);
  return sums.map(({ work, count }) => {
    if (count > 0) before = work / count;
    return before;
  });
}

/** By no more than a block's step. */
function nearlySame(a: readonly number[], b: readonly number[]): boolean {
  return a.every((share, column) => Math.abs(share - nth(b, column)) <= 1 / 8);
}

interface Curve {
  readonly label: string;
  readonly points: readonly Dot[];
  readonly top: number;
  readonly unit: 'bytes' | 'percent' | 'share';
}

/** null where there is nothing to draw. */
function curve(
  result: MigrationResult,
  name: string,
  label: string,
  unit: Curve['unit'],
  fixedTop?: number,
): Curve | null {
  const column = timelineColumns.find((candidate) => candidate.name === name);
  const points = result.timeline.flatMap((point): Dot[] => {
    const value = column?.get({ result, point }) ?? null;
    return typeof value === 'number' ? [{ x: point.timeMs, y: value }] : [];
  });
  if (points.every(({ y }) => y === 0)) return null;
  return { label, points, top: fixedTop ?? largest(points.map(({ y }) => y)), unit };
}
