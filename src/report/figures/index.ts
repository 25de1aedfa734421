/** All figures, in the order in which a report shows them. A new one is a file in this folder and a line here. */
import { type Row, textIn } from '../files/rows.js';
import { cdf } from './cdf.js';
import { convergence } from './convergence.js';
import type { Drawing, Figure } from './kit/figure.js';
import { guestWork } from './guest-work.js';
import { guestSpeed } from './guestperf.js';
import { namesIn, slugOf } from './kit/names.js';
import { pareto } from './pareto.js';
import { passes } from './passes.js';
import { predicted } from './predicted.js';
import type { Results } from './data/results.js';
import type { Sheet } from './kit/sheet.js';
import { strategiesFigure } from './kit/strategies.js';
import { success } from './success.js';
import { sweep } from './sweep.js';
import { timeline } from './timeline.js';
import { vcpuTime } from './vcpu-time.js';

export const figures: readonly Figure[] = [
  strategiesFigure,
  sweep,
  pareto,
  success,
  cdf,
  convergence,
  guestWork,
  vcpuTime,
  timeline,
  passes,
  predicted,
  guestSpeed,
];

/** Every drawing that the data allow: of each scenario by itself, which then opens the names. */
export function drawAll(chosen: readonly Figure[], results: Results, sheet: Sheet): Drawing[] {
  const names = namesIn(results);
  const scenarios = scenariosIn(results);
  if (scenarios.length < 2) return chosen.flatMap((figure) => figure.draw(results, sheet, names));
  return scenarios.flatMap((scenario) => {
    const part = partOf(results, scenario);
    const drawings = chosen.flatMap((figure) => figure.draw(part, sheet, names));
    return drawings.map((drawing) => ({ ...drawing, name: `${slugOf(scenario)}-${drawing.name}` }));
  });
}

function scenariosIn({ runs, vcpus, syncs, timeline: samples, vcpuTimeline }: Results): string[] {
  const labels = [runs, vcpus, syncs, samples, vcpuTimeline].flatMap((rows) =>
    rows.map((row) => textIn(row, 'scenario')),
  );
  return [...new Set(labels)];
}

function partOf(results: Results, scenario: string): Results {
  const of = (rows: readonly Row[]): Row[] => rows.filter((row) => textIn(row, 'scenario') === scenario);
  const { runs, vcpus, syncs, timeline: samples, vcpuTimeline } = results;
  return {
    ...results,
    runs: of(runs),
    vcpus: of(vcpus),
    syncs: of(syncs),
    timeline: of(samples),
    vcpuTimeline: of(vcpuTimeline),
  };
}
