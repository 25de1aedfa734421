/** The golden numbers of all strategies. After a change of a rule, read how they differ. */
import { readFileSync } from 'node:fs';
import { lostWorkSeconds } from '../../dist/experiment/regret.js';
import { runMigration } from '../../dist/migration/engine.js';
import { parseOptions } from '../../dist/options/read.js';
import { strategies } from '../../dist/strategies/index.js';
import { close, goldenRow } from '../../test/golden/figures.mjs';

const SETUPS = new URL('../../test/golden/setups.json', import.meta.url);

export function files() {
  const setups = Object.entries(JSON.parse(readFileSync(SETUPS, 'utf8')));
  const golden = Object.fromEntries(setups.map(([name, setup]) => [name, rowsOf(setup)]));
  return { 'test/golden/strategies.json': JSON.stringify(golden, null, 2) };
}

/** Last bits may differ between versions of Node.js. */
export function same(before, after) {
  return close(JSON.parse(after), JSON.parse(before));
}

function rowsOf(setup) {
  return Object.fromEntries(
    Object.values(strategies).map((definition) => [
      definition.name,
      goldenRow(definition, setup, { parseOptions, runMigration, lostWorkSeconds }),
    ]),
  );
}
