/** A curve with no more points than a figure can show. */

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
  const start = points[0]!.x;
  const width = (points.at(-1)!.x - start) / bins;
  const kept: Point[] = [];
  let from = 0;
  while (from < points.length) {
    const bin = Math.floor((points[from]!.x - start) / width);
    let to = from;
    let low = from;
    let high = from;
    while (to < points.length && Math.floor((points[to]!.x - start) / width) === bin) {
      if (points[to]!.y < points[low]!.y) low = to;
      if (points[to]!.y > points[high]!.y) high = to;
      to += 1;
    }
    const chosen = [...new Set([from, low, high, to - 1])].sort((a, b) => a - b);
    for (const index of chosen) kept.push(points[index]!);
    from = to;
  }
  return kept;
}
