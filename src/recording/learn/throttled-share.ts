/** The share of its time that a load needs, where the log itself was throttled and tells it. */
import type { MigrationLog } from '../../formats/migration-log.js';
import { learn } from './learn.js';
import { DEFAULT_CPU, type Learned, type LearnOptions } from './learned.js';
import { refined, type Refined } from './refine.js';

/** A load needs between a quarter and all of its time. */
const SHARES = [0.25, 0.4, 0.55, 0.7, 1];
/** Another share than the usual one must explain the syncs this much better. */
const BETTER = 0.8;

/**
 * Under a throttle of f a load that needs b of its time does min(1, (1 - f)/b) of its work, so syncs under different
 * throttles lie on one curve under the right b only. Where no b is clearly better, the usual one is kept: a log whose
 * throttles and passes fall together hardly tells.
 */
export function decideShare(first: Learned, log: MigrationLog, options: LearnOptions): Learned {
  if (options.cpu !== undefined || first.from !== 'log' || first.migration.throttleSteps.length === 0)
    return first;
  const usual = refined(first).misfit;
  let best: { learned: Learned; share: number; misfit: number } | null = null;
  for (const share of SHARES) {
    const learned = learn(log, { ...options, cpu: share });
    const fit: Refined | null = learned.from === 'log' ? refined(learned) : null;
    if (fit !== null && fit.misfit < BETTER * usual && fit.misfit < (best?.misfit ?? Infinity))
      best = { learned, share, misfit: fit.misfit };
  }
  if (best === null) return first;
  const percent = (value: number): string => `${(value * 100).toFixed(0)} %`;
  return {
    ...best.learned,
    assumptions: [
      ...best.learned.assumptions,
      `the load needs ${percent(best.share)} of its vCPUs' time: so the syncs under its throttles are met to ` +
        `${percent(best.misfit)}, with the usual ${percent(DEFAULT_CPU)} to ${percent(usual)}`,
    ],
  };
}
