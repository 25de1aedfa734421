/** How values are chosen: outwards until the answer is bracketed, then inwards; for the best, around the best so far. */
import { lastOf, nth, pairs } from '../../lists.js';
import { between, firstValues, rounded } from './scale.js';
import type { Found, SearchPoint, Trying } from './point.js';

const { abs } = Math;

/** Doublings beyond the first values, at most. */
const FARTHEST = 24;
const AT_ONCE = 4;

/** Goes on in the direction in which an answer can lie until a value holds and one beyond it does not, or no more is taken. */
export async function bracketed(trying: Trying, find: 'smallest' | 'largest'): Promise<void> {
  if (trying.scale.ends !== null) {
    await crossed(trying);
    return;
  }
  const outwards = find === 'smallest' ? -1 : 1;
  let points = await crossed(trying);
  if (!points.some(({ holds }) => holds))
    points = await extend(trying, -outwards, (seen) => seen.some(({ holds }) => holds));
  if (!points.some(({ holds }) => holds))
    points = await extend(trying, outwards, (seen) => seen.some(({ holds }) => holds));
  if (!points.some(({ holds }) => holds)) points = await crossed(trying);
  if (!points.some(({ holds }) => holds)) return;
  await extend(trying, outwards, (seen) => !outermost(seen, outwards).holds);
}

/**
 * Conditions that pull in two directions may all hold between two neighbours of which each lacks some: between them it is
 * looked for until a value holds, or the neighbours cannot be told apart.
 */
async function crossed(trying: Trying): Promise<readonly SearchPoint[]> {
  let points = await trying.run([]);
  while (!points.some(({ holds }) => holds)) {
    const crossing = [...pairs(points)].find(([a, b]) => isCrossing(a, b));
    if (crossing === undefined) break;
    const values = between(trying.scale, crossing[0].value, crossing[1].value, INSIDE);
    const before = points.length;
    points = await trying.run(values.filter((value) => trying.accepts(value)));
    if (points.length === before) break;
  }
  return points;
}

function isCrossing(a: SearchPoint, b: SearchPoint): boolean {
  return !a.lacks.some((lack) => b.lacks.includes(lack));
}

async function extend(
  trying: Trying,
  direction: number,
  isEnough: (points: readonly SearchPoint[]) => boolean,
): Promise<readonly SearchPoint[]> {
  let points = await trying.run([]);
  for (let taken = 0; taken < FARTHEST && !isEnough(points); taken += AT_ONCE) {
    const next = outward(trying, outermost(points, direction).value, direction);
    if (next.length === 0) break;
    points = await trying.run(next);
  }
  return points;
}

function outermost(points: readonly SearchPoint[], direction: number): SearchPoint {
  return direction < 0 ? nth(points, 0) : lastOf(points);
}

/** The next values, and where the key takes no more of them the last that it takes. */
function outward(trying: Trying, end: number, direction: number): number[] {
  const { scale, accepts } = trying;
  const values: number[] = [];
  let last = end;
  for (let step = 1; step <= AT_ONCE; step++) {
    const value = rounded(scale, end * 2 ** (direction * step));
    if (value === last) break;
    if (!accepts(value)) {
      const edge = lastAccepted(trying, last, value);
      if (edge !== last) values.push(edge);
      break;
    }
    values.push(value);
    last = value;
  }
  return values;
}

function lastAccepted({ scale, accepts }: Trying, good: number, bad: number): number {
  let [inside, outside] = [good, bad];
  for (;;) {
    const middle = rounded(scale, (inside + outside) / 2);
    if (middle === inside || middle === outside) return inside;
    if (accepts(middle)) inside = middle;
    else outside = middle;
  }
}

/** Values that are tried at once between two: with three, each round leaves a quarter. */
const INSIDE = 3;

export async function bisected(trying: Trying, find: 'smallest' | 'largest'): Promise<Found> {
  let points = await trying.run([]);
  for (;;) {
    const { answer, beyond } = edge(points, find);
    if (answer === null || beyond === null) return { answer, beyond, points, notes: notesOf(points, find) };
    const [low, high] = [Math.min(answer.value, beyond.value), Math.max(answer.value, beyond.value)];
    const values = between(trying.scale, low, high, INSIDE).filter((value) => trying.accepts(value));
    const before = points.length;
    if (values.length > 0) points = await trying.run(values);
    if (points.length === before) return { answer, beyond, points, notes: notesOf(points, find) };
  }
}

/** The outermost value that holds, and the next one outwards. */
function edge(
  points: readonly SearchPoint[],
  find: 'smallest' | 'largest',
): Pick<Found, 'answer' | 'beyond'> {
  const at =
    find === 'smallest' ? points.findIndex(({ holds }) => holds) : points.findLastIndex(({ holds }) => holds);
  if (at < 0) return { answer: null, beyond: null };
  return { answer: nth(points, at), beyond: points[find === 'smallest' ? at - 1 : at + 1] ?? null };
}

/** Where it holds at one value and not at one farther inside, a value between two that hold need not hold. */
function notesOf(points: readonly SearchPoint[], find: 'smallest' | 'largest'): string[] {
  const inwards = find === 'smallest' ? points : points.toReversed();
  const inside = inwards.slice(inwards.findIndex(({ holds }) => holds));
  const gaps = inside.filter(({ holds }) => !holds);
  if (gaps.length === 0 || inside[0]?.holds !== true) return [];
  const again = inside.findLastIndex(({ holds }) => !holds);
  const after = inside[again + 1];
  const side = find === 'smallest' ? 'larger' : 'smaller';
  const named = gaps.slice(0, MOST_NAMED).map(({ text }) => text);
  const more = gaps.length > named.length ? ` and ${gaps.length - named.length} more` : '';
  const end = after === undefined ? '' : `; it holds at every value tried from ${after.text} on`;
  return [`A ${side} value does not always hold: it does not at ${named.join(', ')}${more}${end}`];
}

const MOST_NAMED = 4;

const ROUNDS = 4;

/** The value with the smallest score among those that hold: all over first, then closer and closer around it. */
export async function bestOf(trying: Trying, start: number): Promise<Found> {
  const { scale, limits } = trying;
  const around = firstValues(scale, start).filter((value) => trying.accepts(value));
  // A range that lies elsewhere is begun at its ends.
  const ends = limits.filter((value) => value !== null).filter((value) => trying.accepts(value));
  const first = around.length > 0 ? around : ends;
  if (first.length === 0) return { answer: null, beyond: null, points: [], notes: [] };
  await trying.run(first);
  let points = await crossed(trying);
  const some = (seen: readonly SearchPoint[]): boolean => seen.some(({ holds }) => holds);
  if (scale.ends === null && !some(points)) {
    await extend(trying, 1, some);
    await extend(trying, -1, some);
    points = await crossed(trying);
  }
  let last = Infinity;
  for (let round = 0; round < ROUNDS + FARTHEST / AT_ONCE; round++) {
    const best = bestIn(points);
    if (best === null || (round > 0 && last - best.score <= trying.asGood * abs(last))) break;
    last = best.score;
    const [below, above] = [points[best.at - 1], points[best.at + 1]];
    const next = [
      ...(below === undefined
        ? outwardOf(trying, best.value, -1)
        : between(scale, below.value, best.value, 2)),
      ...(above === undefined
        ? outwardOf(trying, best.value, 1)
        : between(scale, best.value, above.value, 2)),
    ].filter((value) => trying.accepts(value));
    const before = points.length;
    if (next.length > 0) points = await trying.run(next);
    if (points.length === before) break;
  }
  const best = bestIn(points);
  const notes = best === null ? [] : hollows(points, best, trying.asGood);
  return { answer: best === null ? null : nth(points, best.at), beyond: null, points, notes };
}

function outwardOf(trying: Trying, end: number, direction: number): number[] {
  return trying.scale.ends === null ? outward(trying, end, direction) : [];
}

interface Best {
  readonly at: number;
  readonly value: number;
  readonly score: number;
}

function bestIn(points: readonly SearchPoint[]): Best | null {
  let best: Best | null = null;
  for (const [at, { holds, value, score }] of points.entries()) {
    if (holds && score !== null && (best === null || score < best.score)) best = { at, value, score };
  }
  return best;
}

/** As good as the best, and lows that are apart from it: between them the curve rises. */
function hollows(points: readonly SearchPoint[], { at, score: best }: Best, asGood: number): string[] {
  const near = asGood * abs(best);
  const alike = points.filter(({ holds, score }) => holds && score !== null && score - best <= near);
  const notes = [];
  if (alike.length > 1) {
    notes.push(
      `Values from ${nth(alike, 0).text} to ${lastOf(alike).text} are as good, within ${Number((asGood * 100).toFixed(1))} %`,
    );
  }
  const scored = points.flatMap(({ text, score }) => (score === null ? [] : [{ text, score }]));
  const lows = scored.filter(({ score, text }, i) => {
    const [before, after] = [scored[i - 1]?.score ?? Infinity, scored[i + 1]?.score ?? Infinity];
    const apart = [score - best, before - score, after - score].every((more) => more > near);
    return text !== points[at]?.text && apart;
  });
  if (lows.length > 0) {
    const named = lows.map(({ text }) => text).join(', ');
    notes.push(`The curve has more than one low: also at ${named}, between which a better one may lie`);
  }
  return notes;
}
