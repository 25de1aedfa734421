/**
 * Whether advice keeps its word: for a part of the guests of bench/grid.mjs each remedy that `advise` recommends is run in the
 * page memory, with seeds of its own. Printed: how often the first keeps what was wanted, and how much less the guest would
 * have lost by the best remedy of the same price. node bench/advice.mjs [every]: one guest of so many, default 7.
 */
import { availableParallelism } from 'node:os';
import { advise, compare, parseScenario } from '../dist/index.js';
import { keepsAll } from '../dist/advice/outcome.js';
import { lostWorkSeconds } from '../dist/experiment/regret.js';

const every = Number(process.argv[2] ?? 7);
const RUNS = 5;

function* guests() {
  for (const [who, vcpus] of [
    ['1w+3r', (w, set, pattern) => [group(1, 'writer', w, set, pattern), readers(3)]],
    ['8w', (w, set, pattern) => [group(8, 'writer', w / 8, set / 8, pattern)]],
  ])
    for (const pattern of ['uniform', 'sequential'])
      for (const set of [256, 1024])
        for (const times of [1.25, 3, 8])
          for (const limit of [100, 300])
            yield {
              name: `${who}, ${pattern}, ${set} MiB, ${times}x, ${limit} ms`,
              text: `
guest: { memory: 4GiB, zero-pages: 25%, dirty-ring-size: 4096, vcpus: [${vcpus(256 * times, set, pattern).join(', ')}] }
link: { bandwidth: 10Gbit/s }
migration: { max-bandwidth: 256MiB/s, downtime-limit: ${limit}ms }
`,
            };
}

function group(count, name, write, set, pattern) {
  return `{ count: ${count}, name: ${name}, workload: { write: ${write}MiB/s, working-set: ${set}MiB, pattern: ${pattern} } }`;
}

function readers(count) {
  return `{ count: ${count}, name: reader, workload: { read: 1GiB/s, working-set: 64MiB } }`;
}

let [kept, ran, beaten] = [0, 0, 0];
const all = [...guests()].filter((_, index) => index % every === 0);
for (const { name, text } of all) {
  const scenario = parseScenario(text, name);
  const advice = await advise(scenario, { runs: 8, workers: availableParallelism() });
  const measured = advice.remedies.map(({ names, price, set }) => {
    const changed = parseScenario(text, name, { set });
    const [{ results }] = compare(changed, {
      runs: RUNS,
      seed: 99,
      strategies: changed.strategies.slice(0, 1),
    }).strategies;
    const good = results.filter((result) => keepsAll(result, advice.goals)).length;
    const lost = results.reduce((sum, result) => sum + lostWorkSeconds(result), 0) / RUNS;
    return { names: names.join(' and '), price, good, lost };
  });
  const [first] = measured;
  if (first === undefined) {
    console.log(`${name}: ${advice.verdict}`);
    continue;
  }
  kept += first.good;
  ran += RUNS;
  const rivals = measured.filter(({ price, good }) => price === first.price && good === RUNS);
  const best = rivals.reduce((a, b) => (b.lost < a.lost ? b : a), first);
  if (first.lost > 1.1 * best.lost) beaten += 1;
  console.log(
    `${name}: ${first.names} kept ${first.good}/${RUNS}, lost ${first.lost.toFixed(2)} s; best ${best.names} ${best.lost.toFixed(2)} s`,
  );
}
console.log(
  `${kept} of ${ran} runs kept what was promised; beaten by more than 10 % on ${beaten} of ${all.length} guests`,
);
