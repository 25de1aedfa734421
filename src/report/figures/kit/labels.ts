/** Words next to what they name, where they do not cover each other. */
import { pairs, zip } from '../../../lists.js';
import { textWidth } from './font.js';
import type { Box } from './panel.js';
import type { Look } from './sheet.js';
import { line, text } from './svg.js';
import { symbolAt } from './symbols.js';

export interface EndLabel {
  readonly lines: readonly string[];
  /** Default: the colour of all text. */
  readonly fill?: string;
  /** Its symbol stands before the words, and no line is needed. */
  readonly look?: Look;
  /** Where the series ends. */
  readonly x: number;
  readonly y: number;
}

/** Room for a symbol before the words. */
export function symbolRoom(font: number): number {
  return 1.1 * font;
}

/** Next to the right end of each series, at `x`; moved up or down to have room, with a thin line to where it belongs. */
export function endLabels(labels: readonly EndLabel[], x: number, box: Box, font: number): string {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  const tops = apart(sorted, box, font);
  return zip(sorted, tops)
    .map(([label, top]) => {
      const middle = top + heightOf(label, font) / 2;
      const { look, fill } = label;
      const leader = look === undefined ? leaderLine(label, x, middle, font) : '';
      const symbol =
        look === undefined ? '' : symbolAt(look, x + 0.35 * font, top + 0.5 * lineHeight(font), 0.32 * font);
      const start = look === undefined ? x : x + symbolRoom(font);
      const words = label.lines.map((one, row) =>
        text(start, top + (row + 0.82) * lineHeight(font), one, fill === undefined ? {} : { fill }),
      );
      return leader + symbol + words.join('');
    })
    .join('\n');
}

/** Tops of labels in the order of their places: as near to them as can be, none over another, none below the frame. */
function apart(sorted: readonly EndLabel[], box: Box, font: number): number[] {
  const tops: number[] = [];
  let free = -Infinity;
  for (const label of sorted) {
    const top = Math.max(label.y - heightOf(label, font) / 2, free);
    tops.push(top);
    free = top + heightOf(label, font);
  }
  const all = sorted.reduce((sum, label) => sum + heightOf(label, font), 0);
  let limit = Math.max(box.y + box.height, box.y + all);
  const raised: number[] = [];
  for (const [label, top] of zip(sorted, tops).toReversed()) {
    limit = Math.min(top, limit - heightOf(label, font));
    raised.unshift(limit);
  }
  return raised;
}

function heightOf(label: EndLabel, font: number): number {
  return label.lines.length * lineHeight(font) + (label.lines.length > 1 ? 0.3 * font : 0);
}

function leaderLine(label: EndLabel, x: number, middle: number, font: number): string {
  const far = x - label.x > 1.6 * font || Math.abs(middle - label.y) > 0.5 * font;
  return far ? line(label.x + 4, label.y, x - 2, middle, 'stroke-width="0.6" stroke-opacity="0.5"') : '';
}

export function lineHeight(font: number): number {
  return 1.15 * font;
}

export interface PointLabel {
  readonly words: string;
  readonly x: number;
  readonly y: number;
}

interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Next to points: each label goes where it covers least of points, lines, other labels and borders; near places first. */
export function pointLabels(
  labels: readonly PointLabel[],
  { points, lines }: { readonly points: readonly Place[]; readonly lines: readonly (readonly Place[])[] },
  box: Box,
  font: number,
): string {
  const things: Area[] = [
    ...points.map((place) => areaAround(place, 4)),
    ...lines.flatMap(placesOn).map((place) => areaAround(place, 1.5)),
  ];
  const words: Area[] = [];
  const leaders: Area[] = [];
  return labels
    .map((label) => {
      const choices = placesAround(label, font).map((area, order) => {
        const leader = leaderTo(area, label, font);
        const dots = leader === null ? [] : placesOn(leader).map((place) => areaAround(place, 1));
        const covered = covering(area, things) + 4 * covering(area, words) + 2 * covering(area, leaders);
        const crossed = dots.reduce((sum, dot) => sum + covering(dot, words), 0);
        return { area, leader, dots, cost: covered + 4 * crossed + outside(area, box) + 0.01 * order };
      });
      const best = choices.reduce((least, one) => (one.cost < least.cost ? one : least));
      words.push(best.area);
      for (const dot of best.dots) leaders.push(dot);
      const [from, to] = best.leader ?? [];
      const joined =
        from === undefined || to === undefined
          ? ''
          : line(from.x, from.y, to.x, to.y, 'stroke-width="0.6" stroke-opacity="0.5"');
      return joined + text(best.area.left, best.area.bottom - 0.25 * font, label.words);
    })
    .join('\n');
}

function areaAround({ x, y }: Place, reach: number): Area {
  return { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach };
}

/** Every three pixels of a line. */
function placesOn(corners: readonly Place[]): Place[] {
  return [...pairs(corners)].flatMap(([start, end]) => {
    const count = Math.ceil(Math.hypot(end.x - start.x, end.y - start.y) / 3);
    return Array.from({ length: count + 1 }, (_, step) => ({
      x: start.x + ((end.x - start.x) * step) / Math.max(1, count),
      y: start.y + ((end.y - start.y) * step) / Math.max(1, count),
    }));
  });
}

/** A label that does not touch its point is joined to it: both ends of the line, or null. */
function leaderTo(area: Area, { x, y }: Place, font: number): [Place, Place] | null {
  const near = {
    x: Math.min(Math.max(x, area.left), area.right),
    y: Math.min(Math.max(y, area.top), area.bottom),
  };
  const distance = Math.hypot(near.x - x, near.y - y);
  if (distance < 0.9 * font) return null;
  const part = 5 / distance;
  return [{ x: x + (near.x - x) * part, y: y + (near.y - y) * part }, near];
}

function placesAround({ words, x, y }: PointLabel, font: number): Area[] {
  const width = textWidth(words, font);
  const height = lineHeight(font);
  const gap = 6;
  const at = (left: number, top: number): Area => ({ left, top, right: left + width, bottom: top + height });
  const near = [
    at(x + gap, y - height / 2),
    at(x - gap - width, y - height / 2),
    at(x - width / 2, y - gap - height),
    at(x - width / 2, y + gap),
    at(x + gap, y - gap - height),
    at(x + gap, y + gap),
    at(x - gap - width, y - gap - height),
    at(x - gap - width, y + gap),
  ];
  const far = [1, 2, 3, 4].flatMap((rows) => {
    const shift = gap + rows * 1.1 * height;
    return [x + gap, x - gap - width].flatMap((left) => [at(left, y - shift - height), at(left, y + shift)]);
  });
  return [...near, ...far];
}

function covering(area: Area, others: readonly Area[]): number {
  return others.reduce((sum, other) => sum + overlap(area, other), 0);
}

/** What lies beyond the frame counts thrice. */
function outside(area: Area, box: Box): number {
  const frame = { left: box.x, top: box.y - 4, right: box.x + box.width + 4, bottom: box.y + box.height };
  return 3 * (size(area) - overlap(area, frame));
}

function size(area: Area): number {
  return (area.right - area.left) * (area.bottom - area.top);
}

function overlap(a: Area, b: Area): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}
