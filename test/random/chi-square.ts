/** Pearson's statistic of observed counts against expected ones, and whether it is credible. */

/**
 * A value that a chi-square variable exceeds once in some 30,000 times: the 4-sigma point of Wilson and Hilferty's
 * approximation (1931).
 */
export function chiSquareLimit(degrees: number): number {
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + 4 * Math.sqrt(part)) ** 3;
}

/** Sum of (observed - expected)^2 / expected; neighbouring cells are joined until 10 are expected in each. */
export function chiSquare(
  observed: ArrayLike<number>,
  expected: ArrayLike<number>,
): { statistic: number; degrees: number } {
  let statistic = 0;
  let cells = 0;
  let seen = 0;
  let awaited = 0;
  let lastSeen = 0;
  let lastAwaited = 0;
  const close = (): void => {
    statistic += (seen - awaited) ** 2 / awaited;
    cells += 1;
    lastSeen = seen;
    lastAwaited = awaited;
    seen = 0;
    awaited = 0;
  };
  for (let cell = 0; cell < expected.length; cell++) {
    seen += observed[cell]!;
    awaited += expected[cell]!;
    if (awaited >= 10) close();
  }
  if (awaited > 0 || seen > 0) {
    // What is left at the end joins the last full cell.
    statistic -= (lastSeen - lastAwaited) ** 2 / lastAwaited;
    cells -= 1;
    seen += lastSeen;
    awaited += lastAwaited;
    close();
  }
  return { statistic, degrees: cells - 1 };
}
