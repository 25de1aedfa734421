/**
 * Non-negative least squares: the x >= 0 that minimises |Ax - b|, by the active-set method of Lawson and Hanson
 * (Solving Least Squares Problems, 1974, chapter 23).
 */
const { max, sqrt } = Math;

/** What is smaller than this share of the data's own scale is rounding. */
const EPSILON = 1e-12;

/**
 * @param columns the matrix A, column by column, each as long as `target`
 * @param target b
 * @returns x, one entry a column, each at least 0
 */
export function nnls(columns: readonly (readonly number[])[], target: readonly number[]): number[] {
  const x = columns.map(() => 0);
  const tolerance = EPSILON * norm(target) * columns.reduce((most, column) => max(most, norm(column)), 0);
  let passive: number[] = [];
  let refused = new Set<number>();

  // Every turn either lets a column in for good, or finds that one brings nothing; Lawson and Hanson stop at 3n.
  for (let turn = 0; turn < 3 * columns.length + 3; turn++) {
    const entering = steepest(columns, residualOf(columns, target, x), passive, refused, tolerance);
    if (entering === -1) return x;

    const tried = [...passive, entering];
    let solution = leastSquares(pick(columns, tried), target);
    if (solution === null || solution[tried.length - 1]! <= 0) {
      refused.add(entering); // dependent on those already in, up to rounding
      continue;
    }
    refused = new Set();
    passive = tried;
    while (solution !== null && solution.some((value) => value <= 0)) {
      passive = stepTowards(x, passive, solution);
      solution = leastSquares(pick(columns, passive), target);
    }
    if (solution === null) return x;
    passive.forEach((column, i) => (x[column] = solution[i]!));
  }
  return x;
}

/** The column along which the residual falls fastest, or -1 when none that is out would help. */
function steepest(
  columns: readonly (readonly number[])[],
  residual: readonly number[],
  passive: readonly number[],
  refused: ReadonlySet<number>,
  tolerance: number,
): number {
  let best = -1;
  let bestSlope = tolerance;
  for (let j = 0; j < columns.length; j++) {
    if (passive.includes(j) || refused.has(j)) continue;
    const slope = dot(columns[j]!, residual);
    if (slope > bestSlope) {
      best = j;
      bestSlope = slope;
    }
  }
  return best;
}

/** Goes from x towards the solution until the first entry reaches 0; that entry leaves. Returns those that stay. */
function stepTowards(x: number[], passive: readonly number[], solution: readonly number[]): number[] {
  let step = 1;
  let leaving = -1;
  passive.forEach((column, i) => {
    if (solution[i]! > 0) return;
    const reach = x[column]! / (x[column]! - solution[i]!);
    if (reach <= step) {
      step = reach;
      leaving = column;
    }
  });
  passive.forEach((column, i) => (x[column]! += step * (solution[i]! - x[column]!)));
  return passive.filter((column) => {
    const stays = column !== leaving && x[column]! > 0;
    if (!stays) x[column] = 0;
    return stays;
  });
}

/** Least squares by Householder reflections; null when the columns are dependent. */
function leastSquares(columns: readonly (readonly number[])[], target: readonly number[]): number[] | null {
  const rows = target.length;
  const count = columns.length;
  if (count > rows) return null;
  const r = columns.map((column) => [...column]);
  const b = [...target];
  for (let k = 0; k < count; k++) {
    const pivot = r[k]!;
    const length = norm(pivot.slice(k));
    if (length <= EPSILON * norm(columns[k]!)) return null;
    const alpha = pivot[k]! > 0 ? -length : length;
    const mirror = pivot.slice(k);
    mirror[0]! -= alpha;
    const square = dot(mirror, mirror);
    for (let j = k; j < count; j++) reflect(r[j]!, mirror, square, k);
    reflect(b, mirror, square, k);
  }
  const solution = new Array<number>(count).fill(0);
  for (let k = count - 1; k >= 0; k--) {
    let sum = b[k]!;
    for (let j = k + 1; j < count; j++) sum -= r[j]![k]! * solution[j]!;
    solution[k] = sum / r[k]![k]!;
  }
  return solution;
}

function reflect(vector: number[], mirror: readonly number[], square: number, from: number): void {
  let along = 0;
  for (let i = 0; i < mirror.length; i++) along += mirror[i]! * vector[from + i]!;
  for (let i = 0; i < mirror.length; i++) vector[from + i]! -= ((2 * along) / square) * mirror[i]!;
}

function residualOf(
  columns: readonly (readonly number[])[],
  target: readonly number[],
  x: readonly number[],
): number[] {
  const residual = [...target];
  columns.forEach((column, j) => {
    if (x[j]! === 0) return;
    for (let i = 0; i < residual.length; i++) residual[i]! -= x[j]! * column[i]!;
  });
  return residual;
}

function pick<T>(all: readonly T[], indices: readonly number[]): T[] {
  return indices.map((index) => all[index]!);
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function norm(vector: readonly number[]): number {
  return sqrt(dot(vector, vector));
}
