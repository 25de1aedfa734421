/** All that the page shows follows from this one plain object, which a link carries in its fragment. */
import { isMap } from '../lists.js';

/** The two inputs of the convergence map, as `--set` names them. */
export interface MapAxes {
  readonly x: string;
  readonly y: string;
}

export interface PlayState {
  /** What the scenario is called in errors, commands and files: `guest.yaml`. */
  readonly file: string;
  /** The scenario, as a file has it. */
  readonly text: string;
  /** Unsigned 32-bit. */
  readonly seed: number;
  /** Whether the page memory runs as well: it draws each write, and takes longer. */
  readonly exact: boolean;
  /** Runs that the bands come from; 0: none. */
  readonly runs: number;
  /** null: none was drawn. */
  readonly map: MapAxes | null;
}

export const MOST_RUNS = 100;
/** Characters of a scenario that a link or a dropped file may have. */
export const MOST_TEXT = 65_536;

const OPENING = '#1.';
const MOST_FRAGMENT = 4 * MOST_TEXT;
const FILE = /^[\w][\w .-]{0,80}\.ya?ml$/;
const PATH = /^[\w-]+(\.[\w-]+){0,8}$/;

/** The fragment of a link, `#` included. */
export function fragmentOf(state: PlayState): string {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  let letters = '';
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return OPENING + btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The state that a fragment carries; null where it is none, or is not exactly one. */
export function stateOf(fragment: string): PlayState | null {
  if (!fragment.startsWith(OPENING) || fragment.length > MOST_FRAGMENT) return null;
  try {
    const letters = atob(fragment.slice(OPENING.length).replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    return checkedState(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return null;
  }
}

/** Exactly the known keys, each within its bounds; null otherwise. */
export function checkedState(value: unknown): PlayState | null {
  if (!isMap(value) || Object.keys(value).length !== 6) return null;
  const { file, text, seed, exact, runs, map } = value;
  if (typeof file !== 'string' || !FILE.test(file)) return null;
  if (typeof text !== 'string' || text.length > MOST_TEXT) return null;
  if (!isWhole(seed, 2 ** 32 - 1) || !isWhole(runs, MOST_RUNS) || typeof exact !== 'boolean') return null;
  const axes = map === null ? null : checkedAxes(map);
  return axes === undefined ? null : { file, text, seed, exact, runs, map: axes };
}

function checkedAxes(value: unknown): MapAxes | undefined {
  if (!isMap(value) || Object.keys(value).length !== 2) return undefined;
  const { x, y } = value;
  const known = typeof x === 'string' && typeof y === 'string' && PATH.test(x) && PATH.test(y);
  return known ? { x, y } : undefined;
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= most;
}
