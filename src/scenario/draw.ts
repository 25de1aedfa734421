/** What a run meets of everything uncertain. */
import type { MigrationSetup } from '../migration/setup.js';
import { onDrawnHost } from '../migration/drawn-host.js';
import { drawOf } from '../random/draws.js';
import type { Scenario } from './scenario.js';

/** Setups of a scenario that were drawn, by seed and run: every strategy asks for the same ones. */
const drawnSetups = new WeakMap<Scenario['uncertainty'], Map<string, MigrationSetup>>();
const MOST_KEPT = 1024;

function drawnSetup({ uncertainty }: Scenario, seed: number, run: number): MigrationSetup {
  const known = drawnSetups.get(uncertainty) ?? new Map<string, MigrationSetup>();
  drawnSetups.set(uncertainty, known);
  const name = `${seed} ${run}`;
  const kept = known.get(name);
  if (kept !== undefined) return kept;
  const drawn = uncertainty.setupAt((key) => drawOf(key, seed, run));
  if (known.size >= MOST_KEPT) known.clear();
  known.set(name, drawn);
  return drawn;
}

/**
 * The setup of one run, with every uncertain value drawn; parts of `scenario.setup` that a program changed after loading
 * stay as they are. Throws `UsageError` where drawn values do not go together, such as working sets larger than RAM.
 */
export function drawSetup(scenario: Scenario, seed: number, run: number): MigrationSetup {
  const { setup, uncertainty } = scenario;
  if (uncertainty.values.length === 0) return onDrawnHost(setup, seed, run);
  const drawn = drawnSetup(scenario, seed, run);
  const kept = <Part extends 'guest' | 'host' | 'link' | 'migration'>(part: Part): MigrationSetup[Part] =>
    setup[part] === uncertainty.median[part] ? drawn[part] : setup[part];
  const met = {
    ...setup,
    guest: kept('guest'),
    host: kept('host'),
    link: kept('link'),
    migration: kept('migration'),
  };
  return onDrawnHost(met, seed, run);
}
