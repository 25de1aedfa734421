/**
 * The fluid memory against the page memory, scenario by scenario: prints the table of docs/fidelity.md.
 *
 *   npm run agree [-- --seeds 20] [--only WORD]
 *
 * Ends with status 1 when a scenario does not agree.
 */
import { parseOptions } from '../dist/options/read.js';
import { parseArgs } from 'node:util';
import { compare, nameOf, scenarios } from './agreement.mjs';

const { bareMetal } = await import('../dist/guest/host-profiles/default.js');
const { runMigration } = await import('../dist/migration/engine.js');
const { strategies } = await import('../dist/strategies/index.js');

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '20' }, only: { type: 'string' } },
});

function simulate(setup, name, given) {
  const definition = strategies[name];
  const options = parseOptions(definition.options, given);
  const prepared = definition.prepare?.(options, setup) ?? setup;
  return runMigration({ ...prepared, host: bareMetal }, { strategy: name, policy: 'wait' }, (migration) =>
    definition.start(options, migration),
  );
}

const percent = (off) => `${off >= 0 ? '+' : '−'}${Math.abs(off * 100).toFixed(2)} %`;
const band = ({ page, low, high, off }, scale, digits) => {
  const spread = low === high ? '' : ` (${(low / scale).toFixed(digits)}–${(high / scale).toFixed(digits)})`;
  return `${(page / scale).toFixed(digits)}${spread} | ${percent(off)}`;
};

console.log(
  'Page memory: median over the seeds, in brackets the band of 90 % of its runs; fluid memory: its difference.\n',
);
console.log('| scenario | total s | fluid | syncs | fluid | sent GB | fluid | verdict, ladder | agree |');
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
let count = 0;
let agreed = 0;
const began = performance.now();
for (const one of scenarios()) {
  if (values.only !== undefined && !nameOf(one).includes(values.only)) continue;
  const judged = compare(one, simulate, Number(values.seeds));
  count += 1;
  if (judged.agrees) agreed += 1;
  const ladder =
    judged.ladder.page === judged.ladder.fluid
      ? judged.ladder.page
      : `${judged.ladder.page} / ${judged.ladder.fluid}`;
  const verdict =
    judged.verdict.page === judged.verdict.fluid
      ? judged.verdict.page
      : `${judged.verdict.page} / ${judged.verdict.fluid}`;
  const sleep =
    judged.sleep.page > 0
      ? `, sleep ${Math.round(judged.sleep.page / 1000)} ms ${percent(judged.sleep.off)}`
      : '';
  console.log(
    `| ${nameOf(one)} | ${band(judged.time, 1000, 2)} | ${band(judged.syncs, 1, 0)} | ${band(judged.sent, 1e9, 2)} | ` +
      `${verdict}${ladder === '' ? '' : `, ${ladder} %`}${sleep} | ${judged.agrees ? 'yes' : '**no**'} |`,
  );
}
console.log(`\n${agreed} of ${count} scenarios agree, ${values.seeds} seeds each.`);
console.error(`${((performance.now() - began) / 1000).toFixed(0)} s`);
if (agreed < count) process.exitCode = 1;
