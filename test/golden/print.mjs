/**
 * Prints the golden numbers of all strategies: npm run golden
 * To keep them: npm run --silent golden > test/golden/strategies.json, and read the diff.
 */
import { readFileSync } from 'node:fs';
import { lostWorkSeconds } from '../../dist/experiment/regret.js';
import { runMigration } from '../../dist/migration/engine.js';
import { strategies } from '../../dist/strategies/index.js';
import { goldenRow } from './figures.mjs';

const setups = JSON.parse(readFileSync(new URL('setups.json', import.meta.url), 'utf8'));
const golden = {};
for (const [name, setup] of Object.entries(setups)) {
  golden[name] = Object.fromEntries(
    Object.values(strategies).map((definition) => [
      definition.name,
      goldenRow(definition, setup, runMigration, lostWorkSeconds),
    ]),
  );
}
// Lists on one line, as prettier has them.
const text = JSON.stringify(golden, null, 2);
console.log(
  text.replace(/\[[^[\]{}]*\]/g, (list) => list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']')),
);
