/** What several runs of a strategy predict of a migration from: the run with everything uncertain at its median. */
import type { ModelResiduals } from '../guest/host-profiles/residuals.js';
import type { MigrationResult } from '../migration/result.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../scenario/scenario.js';
import { simulate } from './simulate.js';

/** What a migration is predicted from, next to the runs that draw. */
export interface PredictedFrom {
  /** The first run with everything uncertain at its median: what the same comparison without several runs shows. */
  readonly median: MigrationResult;
  /** Of the host that it met; undefined: not known. */
  readonly residuals: ModelResiduals | undefined;
}

/** Whether runs draw anything: uncertain inputs, or how the host varies. Without it they differ by the simulator's dice alone. */
export function isUncertain({ setup, uncertainty }: Pick<Scenario, 'setup' | 'uncertainty'>): boolean {
  return setup.host.variability !== undefined || uncertainty.values.length > 0;
}

/** null where nothing is drawn. */
export function predictedFrom(
  scenario: Scenario,
  strategy: StrategyChoice,
  {
    runs,
    ...options
  }: {
    readonly runs: number;
    readonly seed: number;
    readonly memory: 'page' | 'fluid';
    readonly policy: PolicyChoice;
  },
): PredictedFrom | null {
  if (runs < 2 || !isUncertain(scenario)) return null;
  const median = simulate(scenario, strategy, { ...options, run: 1, draw: false, keepSyncs: false });
  return { median, residuals: scenario.setup.host.residuals };
}
