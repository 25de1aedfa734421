/** Draws from the distributions that a simulated machine needs. All exact up to rounding, none approximated by a normal. */
import type { Generator } from './generator.js';

const { abs, exp, log, log1p, sqrt } = Math;

/** An exponential with this mean (>= 0): times between independent events. */
export function exponential(generator: Generator, mean: number): number {
  return -mean * log1p(-generator.nextFloat());
}

// The ziggurat of Marsaglia and Tsang ("The Ziggurat Method for Generating Random Variables", 2000): the half bell is
// covered by layers of equal area LAYER_AREA, the lowest of which holds the tail beyond TAIL_START. Layer and position
// come from separate draws, as Doornik (2005) showed that sharing their bits correlates the results.
const LAYERS = 128;
const TAIL_START = 3.442619855899;
const LAYER_AREA = 9.91256303526217e-3;
const TWO_POW_31 = 2 ** 31;

const bell = (x: number): number => exp(-0.5 * x * x);
/** Right edge of each layer, from the lowest (drawn as wide as its area is) to the top, and the peak's 0. */
const edges = new Float64Array(LAYERS + 1);
/** Height of the bell at each edge. */
const heights = new Float64Array(LAYERS + 1);
/** Edge / 2^31: what a signed 32-bit draw is multiplied by. */
const scales = new Float64Array(LAYERS);
/** A draw below this lies under the bell at once. */
const cores = new Float64Array(LAYERS);

function buildZiggurat(): void {
  edges[0] = LAYER_AREA / bell(TAIL_START);
  edges[1] = TAIL_START;
  for (let layer = 2; layer < LAYERS; layer++) {
    const below = edges[layer - 1]!;
    edges[layer] = sqrt(-2 * log(LAYER_AREA / below + bell(below)));
  }
  edges[LAYERS] = 0;
  for (let layer = 0; layer <= LAYERS; layer++) heights[layer] = bell(edges[layer]!);
  for (let layer = 0; layer < LAYERS; layer++) {
    scales[layer] = edges[layer]! / TWO_POW_31;
    cores[layer] = (edges[layer + 1]! / edges[layer]!) * TWO_POW_31;
  }
}
buildZiggurat();

/** A standard normal: mean 0, standard deviation 1. */
export function normal(generator: Generator): number {
  const layer = generator.nextUint32() & (LAYERS - 1);
  const draw = generator.nextUint32() | 0;
  return abs(draw) < cores[layer]! ? draw * scales[layer]! : normalOutside(generator, layer, draw);
}

/** One draw in a hundred: outside the core of its layer. Apart from `normal`, which is then small enough for hot loops. */
function normalOutside(generator: Generator, layer: number, draw: number): number {
  if (layer === 0) return draw < 0 ? -normalTail(generator) : normalTail(generator);
  const x = draw * scales[layer]!;
  const low = heights[layer]!;
  if (low + generator.nextFloat() * (heights[layer + 1]! - low) < bell(x)) return x;
  return normal(generator);
}

/** Beyond `TAIL_START` (Marsaglia, "Generating a Variable from the Tail of the Normal Distribution", 1964). */
function normalTail(generator: Generator): number {
  for (;;) {
    const x = exponential(generator, 1 / TAIL_START);
    const y = exponential(generator, 1);
    if (y + y > x * x) return TAIL_START + x;
  }
}
