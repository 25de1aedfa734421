/** A dirty curve that a scenario can hold: the sets behind its points have room in the guest's memory. */
import { fitDirtyCurve, type DirtyPoint } from '../../guest/dirty-curve.js';

const { floor, max, min, round } = Math;

/** Behind the last point so many times its length, and so much of the room that is full by then at most. */
const FAR = [4, 16, 64];
/** A scenario takes points up to here, us. */
export const LONGEST_POINT_US = 24 * 3600e6;
const FULL = 0.9;

/**
 * The points themselves where the sets that a scenario finds in them have room. Where those would need more, points far
 * behind `longestUs` say where they end.
 *
 * @param points rising in both; at least one
 */
export function fittingRoom(
  points: readonly DirtyPoint[],
  longestUs: number,
  roomPages: number,
): readonly DirtyPoint[] {
  let fitting = points;
  for (let full = FULL; full > 0 && !fits(fitting, roomPages); full -= 0.1) {
    const most = max(1, floor(full * roomPages));
    const near = points.map((point) => ({ ...point, pages: min(point.pages, most) }));
    const far = FAR.map((times, at) => ({
      durationUs: min(LONGEST_POINT_US - FAR.length + at, round(times * longestUs) + points.length),
      pages: most,
    }));
    fitting = [...near, ...far];
  }
  return fitting;
}

function fits(points: readonly DirtyPoint[], roomPages: number): boolean {
  return fitDirtyCurve(points).classes.reduce((sum, { pages }) => sum + pages, 0) <= roomPages;
}
