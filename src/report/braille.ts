/** Curves in a terminal: each character of braille is two dots wide and four high. */
import { show } from '../experiment/measure.js';
import type { MigrationResult } from '../migration/result.js';
import { timelineColumns } from './columns.js';
import { type Page, plainPage } from './style.js';

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
    const row = cells[Math.floor((height - 1 - y) / DOTS_HIGH)]!;
    const bit = BITS[(height - 1 - y) % DOTS_HIGH]![x % DOTS_WIDE]!;
    const column = Math.floor(x / DOTS_WIDE);
    row[column] = row[column]! | bit;
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
      .map((row, index) => `${page.style.faint(heads[index]!.padEnd(LABELS))}${row.trimEnd()}`)
      .join('\n');
  });
  const marks = Array<string>(columns).fill(' ');
  for (const { timeMs } of syncs) marks[Math.min(columns - 1, Math.floor((timeMs / right) * columns))] = '╵';
  const end = show('ms', right);
  return [
    ...blocks,
    page.style.faint(`${'syncs'.padEnd(LABELS)}${marks.join('').trimEnd()}`),
    page.style.faint(`${' '.repeat(LABELS)}0 s${end.padStart(columns - 3)}`),
  ].join('\n');
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
  return { label, points, top: fixedTop ?? Math.max(...points.map(({ y }) => y)), unit };
}
