/** A curve in one line of text. */
import { largest } from '../../../stats/extremes.js';

const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * At most `width` characters; where several values share one, the highest shows. The full block is `top`; the lowest one
 * stands for everything up to an eighth of it, and 0 is a space.
 */
export function sparkline(values: readonly number[], width: number, top = largest(values)): string {
  const length = Math.min(width, values.length);
  let text = '';
  for (let index = 0; index < length; index++) {
    const from = Math.floor((index * values.length) / length);
    const to = Math.max(from + 1, Math.floor(((index + 1) * values.length) / length));
    const value = largest(values.slice(from, to));
    const level = Math.ceil((value / top) * LEVELS.length);
    text += value > 0 ? LEVELS[Math.min(Math.max(level, 1), LEVELS.length) - 1] : ' ';
  }
  return text;
}
