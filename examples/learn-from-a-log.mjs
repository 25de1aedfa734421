// A migration was given up, and all that is left is a log of query-migrate. Which strategy would have saved it?
import { readFileSync } from 'node:fs';
import { compare, learnFromLog, parseScenario } from 'migsim';

const file = 'examples/stuck-migration.log'; // of four vCPUs that each write 40 MiB/s to 60 MiB, over 1 Gbit/s
const { scenario, check } = learnFromLog(readFileSync(file, 'utf8'), file);
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const [median, largest] = [percent(check.medianDeviation), percent(check.largestDeviation)];
console.log(
  `Learned a guest: its passes differ from the log by ${median} in the median, ${largest} at most.`,
);

// Since QEMU 8.1 it could have had a dirty ring, and with it strategies that hold back single vCPUs.
const set = [
  'guest.dirty-ring-size=4096',
  'strategies=[none, auto-converge, dirty-restraint, predictive-restraint]',
];
const { strategies } = compare(parseScenario(scenario, 'learned', { set }), { memory: 'fluid' });

for (const { results } of strategies) {
  const [{ strategy, converged, totalTimeMs, downtimeMs, why }] = results;
  const ended = converged
    ? `done after ${Math.round(totalTimeMs / 1000)} s, downtime ${downtimeMs} ms`
    : `given up: ${why.text}`;
  console.log(`${strategy}: ${ended}`);
}
