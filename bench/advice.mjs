/**
 * Whether advice keeps its word, over the guests of bench/grid.mjs on a link of 256 MiB/s. What `advise` recommends is run in
 * the page memory with seeds of its own: how often the first keeps what was wanted, and whether another remedy of its rank took
 * less from the guest by more than 10 %. The first guest on which a kind of remedy comes first is drawn fifty times.
 *
 *   npm run build && node bench/advice.mjs [seconds [threads]]
 *
 * seconds: of CPU time after which no further guest is begun, default: none. Guests are taken in steps all over the grid, so
 * that those of any budget are spread over it.
 */
import { isMainThread } from 'node:worker_threads';
import { Tinypool } from 'tinypool';
import { keepsAll } from '../dist/advice/outcome.js';
import { lostWorkSeconds } from '../dist/experiment/regret.js';
import { advise, compare, parseScenario } from '../dist/index.js';

/** Draws of each remedy, and of the first one of its kind. */
const DRAWS = 3;
const MANY_DRAWS = 50;
/** Remedies that are held against the first. */
const RIVALS = 3;
const DEADLINE_MS = 120_000;
/** Shares no factor with the number of guests: every guest is met once. */
const STEP = 83;

const MIXES = { '1w+3r': [[1], 3], '4w+4r': [[0.7, 0.2, 0.05, 0.05], 4], '8w+0r': [Array(8).fill(1 / 8), 0] };

function* guests() {
  for (const [mix, [shares, readers]] of Object.entries(MIXES))
    for (const pattern of ['uniform', 'sequential'])
      for (const set of [256, 1024])
        for (const times of [1.25, 3, 8])
          for (const limit of [100, 300])
            for (const ring of [1024, 4096, 65536]) {
              const vcpus = [
                ...shares.map(
                  (share) =>
                    `{ name: writer, workload: { write: ${256 * times * share}MiB/s, working-set: ${set * share}MiB, pattern: ${pattern} } }`,
                ),
                ...(readers > 0
                  ? [`{ count: ${readers}, name: reader, workload: { read: 1GiB/s, working-set: 64MiB } }`]
                  : []),
              ];
              yield {
                name: `${mix} ${pattern} ${set}MiB ${times}x ${limit}ms ring${ring}`,
                text: `
guest: { memory: 4GiB, zero-pages: 25%, dirty-ring-size: ${ring}, vcpus: [${vcpus.join(', ')}] }
link: { bandwidth: 256MiB/s, efficiency: 100% }
migration: { max-bandwidth: unlimited, downtime-limit: ${limit}ms }
`,
              };
            }
}

function draw(text, name, { set }, goals, runs) {
  const changed = parseScenario(text, name, { set });
  const strategies = changed.strategies.slice(0, 1);
  const [{ results }] = compare(changed, { runs, seed: 99, strategies }).strategies;
  return {
    good: results.filter((result) => keepsAll(result, goals)).length,
    lost: results.reduce((sum, result) => sum + lostWorkSeconds(result), 0) / runs,
  };
}

/** In a thread: the advice for one guest, and what came of it; or with `draws`, of one remedy. */
export default async function judged({ name, text, remedy, goals, draws }) {
  if (remedy !== undefined) return draw(text, name, remedy, goals, draws);
  const advice = await advise(parseScenario(text, name), { deadlineMs: DEADLINE_MS });
  const [first] = advice.remedies;
  const tried = advice.remedies
    .filter(({ price }) => price === first.price)
    .slice(0, RIVALS + 1)
    .map(({ names, price, set, outcome }) => ({
      names: names.join(' and '),
      price,
      set,
      promised: outcome.lostSeconds,
      ...draw(text, name, { set }, advice.goals, DRAWS),
    }));
  return { name, verdict: advice.verdict, goals: advice.goals, tried };
}

async function main() {
  const [seconds = Infinity, threads = 1] = process.argv.slice(2).map(Number);
  const grid = [...guests()];
  const all = grid.map((_, index) => grid[(index * STEP) % grid.length]);
  const pool = new Tinypool({ filename: import.meta.filename, maxThreads: threads });
  const firsts = new Map();
  const counts = { finishes: 0, remedy: 0, none: 0, kept: 0, ran: 0, beaten: 0 };
  let begun = 0;
  const isTime = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6 < seconds;
  const next = async () => {
    while (begun < all.length && isTime()) {
      const guest = all[begun];
      begun += 1;
      await held(guest);
    }
  };
  const held = async (guest) => {
    const { name, verdict, goals, tried } = await pool.run(guest);
    counts[verdict] += 1;
    const [first] = tried;
    if (first === undefined) return console.log(`${name}: ${verdict}`);
    if (!firsts.has(first.names)) firsts.set(first.names, { ...guest, remedy: first, goals });
    counts.kept += first.good;
    counts.ran += DRAWS;
    const rivals = tried.filter(({ good }) => good === DRAWS);
    const best = rivals.reduce((a, b) => (b.lost < a.lost ? b : a), first);
    const isBeaten = first.lost > 1.1 * best.lost;
    if (isBeaten) counts.beaten += 1;
    const mark = first.good < DRAWS ? '! ' : isBeaten ? '> ' : '  ';
    const said = `${first.names} (${first.set.at(-1)}) kept ${first.good}/${DRAWS}, lost ${first.lost.toFixed(2)} s (said ${first.promised.toFixed(2)} s)`;
    return console.log(`${mark}${name}: ${said}; best ${best.names} ${best.lost.toFixed(2)} s`);
  };
  await Promise.all(Array.from({ length: threads }, next));
  const { finishes, remedy, none, kept, ran, beaten } = counts;
  console.log(
    `${begun} of ${grid.length} guests: ${finishes} finish, ${remedy} need a remedy, ${none} have none`,
  );
  console.log(`${kept} of ${ran} draws kept what was promised; beaten by more than 10 %: ${beaten}`);
  for (const [names, task] of firsts) {
    const { good } = await pool.run({ ...task, draws: MANY_DRAWS });
    console.log(`${names}, ${task.name}: ${good} of ${MANY_DRAWS} draws kept it`);
  }
  await pool.destroy();
}

if (isMainThread) await main();
