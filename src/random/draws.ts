/** What a run meets of what is drawn once per run. */
import { firstFloats, stream } from './streams.js';

/** The quantile (0 .. 1) at which a run meets an uncertain value: the same for every strategy, whatever else is uncertain. */
export function drawOf(key: string, seed: number, run: number): number {
  return stream(seed, run, `draw ${key}`).nextFloat();
}

/** `drawOf` of `${key} 0`, `${key} 1` … `${key} ${count - 1}`. */
export function drawsOf(key: string, count: number, seed: number, run: number): number[] {
  return firstFloats(seed, run, `draw ${key} `, count);
}
