/** The convergence map: where each strategy ends, for all pairs of two inputs; coarse first. */
import { UsageError } from '../errors.js';
import { simulate } from '../experiment/simulate.js';
import { scenarioLoader } from '../scenario/parse.js';
import type { Scenario } from '../scenario/scenario.js';
import type { Answer, AskMap, Ending } from './protocol.js';

/** A cell, and how many cells to each side it stands for until they have been run. */
export interface MapCell {
  readonly x: number;
  readonly y: number;
  readonly span: number;
}

/** All cells of a map, each once: every eighth first, then those between. */
export function mapOrder(columns: number, rows: number): MapCell[] {
  const seen = new Set<number>();
  const cells: MapCell[] = [];
  for (const span of [8, 4, 2, 1]) {
    for (let y = 0; y < rows; y += span) {
      for (let x = 0; x < columns; x += span) {
        const key = y * columns + x;
        if (seen.has(key)) continue;
        seen.add(key);
        cells.push({ x, y, span });
      }
    }
  }
  return cells;
}

export function* mapAnswers({ text, file, seed, memory, x, y }: AskMap): Generator<Answer> {
  const load = scenarioLoader(text, file);
  const labels = load().strategies.map(({ label }) => label);
  const cells = mapOrder(x.values.length, y.values.length);
  for (const [done, cell] of cells.entries()) {
    const set = [`${x.path}=${x.values[cell.x]}`, `${y.path}=${y.values[cell.y]}`];
    const scenario = attempt(() => load(set));
    const endings: Ending[] = [];
    for (const index of labels.keys()) {
      const ending = typeof scenario === 'string' ? scenario : endingOf(scenario, index, { seed, memory });
      endings.push(ending);
      yield { kind: 'progress', labels, done, simulatedS: 0 };
    }
    yield { kind: 'cell', ...cell, endings, labels, share: (done + 1) / cells.length };
  }
}

function endingOf(
  scenario: Scenario,
  index: number,
  how: { readonly seed: number; readonly memory: 'fluid' | 'page' },
): Ending {
  const strategy = scenario.strategies[index];
  if (strategy === undefined) return 'it is not among the strategies here';
  return attempt(() => {
    const result = simulate(scenario, strategy, { ...how, draw: false, keepSyncs: false });
    return result.converged ? result.totalTimeMs / 1e3 : null;
  });
}

/** What comes of it, or why it cannot be. */
function attempt<Result>(make: () => Result): Result | string {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}
