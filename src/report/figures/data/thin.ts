/** A curve with no more points than a figure can show. */
import { lastOf, nth } from '../../../lists.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Of each of `bins` equal parts of the x axis, the first, lowest, highest and last point: peaks and edges stay where they are.
 * Points must be in the order of x.
 */
export function thin(points: readonly Point[], bins: number): Point[] {
  if (points.length <= 4 * bins) return [...points];
  const start = nth(points, 0).x;
  const width = (lastOf(points).x - start) / bins;
  const binOf = ({ x }: Point): number => Math.floor((x - start) / width);
  const parts: [Point, ...Point[]][] = [];
  for (const point of points) {
    const part = parts.at(-1);
    if (part !== undefined && binOf(part[0]) === binOf(point)) part.push(point);
    else parts.push([point]);
  }
  return parts.flatMap((part) => {
    const low = part.reduce((least, point) => (point.y < least.y ? point : least));
    const high = part.reduce((most, point) => (point.y > most.y ? point : most));
    const chosen = new Set([part[0], low, high, lastOf(part)]);
    return part.filter((point) => chosen.has(point));
  });
}
