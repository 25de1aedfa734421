/** Any guest of which a dirty curve is known: from a log, from calc-dirty-rate at several calc-times, from a paper. */
import { defineWorkload } from './define.js';
import { INTENSITY, planFromCurve } from './fitted.js';

export const dirtyCurve = defineWorkload({
  name: 'dirty-curve',
  summary: 'dirties the given amounts in the given times',
  source: 'D(τ) = Σ Wᵢ (1 - e^(-λᵢτ)): a sum of uniformly written sets, by non-negative least squares',
  scaling: 'the points are of the whole group: count shares them out, guest.memory does not change them',
  fittedTo: 'the points given',
  options: {
    points: {
      kind: 'curve',
      summary:
        'what the whole group dirties: a list of [duration, size], such as [[1s, 100MiB], [10s, 400MiB]]',
    },
    intensity: INTENSITY,
  },
  plan: ({ points, intensity }, surroundings) =>
    planFromCurve(points, intensity, { busy: 0.5, catchesUp: false }, surroundings),
});
