/** What a loop adds up that adds the same number over and over, to the last bit, without the loop. */
const { clz32, floor, min } = Math;

/** Fewer additions than this are made one by one. */
const FEW = 8;
const TWO_POW_31 = 2 ** 31;
const TWO_POW_32 = 2 ** 32;

/**
 * `start` (>= 0) after `step` (> 0) was added to it `count` times.
 *
 * Between two powers of two all doubles lie on one grid. From one point of it each addition is rounded by the same amount, so
 * that many are a product, which has no more digits than the grid. The exception are steps that end in the middle of two
 * points: they are rounded to the even one, from which all further ones go on alike. Two equal steps in a row show that.
 */
export function repeatedSum(start: number, step: number, count: number): number {
  let sum = start;
  let left = count;
  while (left > FEW && sum >= 1 && sum < TWO_POW_32) {
    const next = sum + step;
    const rounded = next - sum;
    const border = (TWO_POW_31 >>> clz32(sum)) * 2;
    // The last of them stays a step below the border.
    const times = min(left, floor((border - sum) / rounded) - 1);
    if (times > 0 && next + step - next === rounded) {
      sum += times * rounded;
      left -= times;
    } else {
      sum = next;
      left -= 1;
    }
  }
  for (; left > 0; left -= 1) sum += step;
  return sum;
}
