/**
 * Speed and memory of the simulator, with what it should be beside what it is.
 *
 *   npm run bench [-- --only WORD] [--repeat 3]
 *   npm run bench -- --against COMMIT [--only WORD] [--repeat 5]
 *
 * Every case runs in a process of its own, several times; the table has the median. Times are CPU times of the process,
 * so that other work on the machine disturbs them little.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildLimit } from './limit.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    repeat: { type: 'string' },
    case: { type: 'string' },
    against: { type: 'string' },
  },
});
const self = fileURLToPath(import.meta.url);
const repeat = Number(values.repeat ?? (values.against === undefined ? 3 : 5));

/** In the child: run one case and print what it found. */
async function child(name) {
  const { cases } = await import('./cases.mjs');
  const one = cases.flatMap(({ list }) => list).find((candidate) => candidate.name === name);
  const found = one.run();
  const mib = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ ...found, mib }));
}

/** `limit`: how the machine is asked for its limit, after each run (limit.mjs); null where it cannot be asked. */
function measure(name, limit) {
  const runs = Array.from({ length: repeat }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [self, '--case', name], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
    const found = JSON.parse(stdout);
    if (found.marked === undefined || limit === null) return found;
    const { pages, writers = 1, writes = 1e6 } = found.marked;
    return { ...found, limit: (limit.measure(pages, writers) * writes) / 1e6 };
  });
  const hashes = new Set(runs.map((run) => run.hash));
  if (hashes.size > 1) throw new Error(`${name}: another result in every run`);
  const byFigure = runs.sort((a, b) => a.figure - b.figure);
  const median = byFigure[byFigure.length >> 1];
  if (median.limit === undefined) return median;
  // A pair of runs met the same machine.
  const ratios = runs.map(({ figure, limit }) => figure / limit).sort((a, b) => a - b);
  return { ...median, ratio: ratios[ratios.length >> 1] };
}

function limitText({ marked, limit, ratio }) {
  if (marked === undefined) return '';
  if (limit === undefined) return '; not compared with C: gcc is not installed';
  return `; its writes in C take ${show(limit)}, this ${ratio.toFixed(1)} times as long`;
}

function show(figure) {
  if (figure >= 1000) return Math.round(figure).toLocaleString('en');
  return figure >= 20 ? figure.toFixed(0) : figure.toFixed(1);
}

function goalText({ goal, goalMib, goalRatio }, unit, least) {
  if (goal === undefined) return '';
  const main = `${least ? '≥' : '≤'} ${goal.toLocaleString('en')} ${unit}`;
  const memory = goalMib === undefined ? '' : `, ≤ ${goalMib} MiB`;
  return `${main}${memory}${goalRatio === undefined ? '' : `, ≤ ${goalRatio} times C`}`;
}

function isMet({ goal, goalMib = Infinity, goalRatio = Infinity }, { figure, mib, ratio = 0 }, least) {
  if (goal === undefined) return '';
  const met = (least ? figure >= goal : figure <= goal) && mib <= goalMib && ratio <= goalRatio;
  return met ? 'yes' : '**no**';
}

/** What people wait for before anything runs, with the exit status that it ends with. */
const SHORT_COMMANDS = [
  { words: ['--help'], status: 0 },
  { words: ['run', 'nothere.yaml'], status: 2 },
  { words: ['run', '--strategi', 'none', 'scenarios/readers-and-writers.yaml'], status: 2 },
  { words: ['run', 'scenarios/readers-and-writers.yaml', '--set', 'link.bandwith=1Gbit/s'], status: 2 },
];
const SHORT_MS = 200;

function commandMs({ words, status }) {
  const root = new URL('..', import.meta.url);
  const launcher = fileURLToPath(new URL('bin/migsim.js', root));
  const times = Array.from({ length: 2 * repeat + 1 }, () => {
    const began = performance.now();
    const ended = spawnSync(process.execPath, [launcher, ...words], { encoding: 'utf8', cwd: root });
    if (ended.status !== status) throw new Error(`migsim ${words.join(' ')}: ${ended.stderr}`);
    return performance.now() - began;
  }).sort((a, b) => a - b);
  return times[times.length >> 1];
}

/** How many goals of the command line are missed. */
function commandCases() {
  console.log('**command line, wall time**\n\n| case | ms | goal | met |\n| --- | --- | --- | --- |');
  let missed = 0;
  for (const command of SHORT_COMMANDS) {
    const ms = commandMs(command);
    if (ms > SHORT_MS) missed += 1;
    const name = `\`migsim ${command.words.join(' ')}\``;
    console.log(`| ${name} | ${show(ms)} | ≤ ${SHORT_MS} ms | ${ms <= SHORT_MS ? 'yes' : '**no**'} |`);
  }
  console.log('');
  return missed;
}

/** How many goals of the page are missed. */
async function pageCases() {
  const { measurePage } = await import('./page.mjs');
  const found = await measurePage(repeat);
  if (found === null) {
    console.log('The page of migsim play is not measured: needs chromium (apt-get install chromium)\n');
    return 0;
  }
  const rows = [
    ['first result, loaded from disk', found.firstMs, 2000],
    ['all strategies again after a slider has moved', found.changeMs, 100],
  ];
  console.log(
    '**page of migsim play in Chromium, wall time**\n\n| case | ms | goal | met |\n| --- | --- | --- | --- |',
  );
  for (const [name, ms, goal] of rows)
    console.log(`| ${name} | ${show(ms)} | ≤ ${show(goal)} ms | ${ms <= goal ? 'yes' : '**no**'} |`);
  console.log('');
  return rows.filter(([, ms, goal]) => ms > goal).length;
}

async function parent() {
  const { cases } = await import('./cases.mjs');
  const wanted = (name) => values.only === undefined || name.includes(values.only);
  console.log(
    `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores\n`,
  );
  const limit = buildLimit();
  let missed = 0;
  for (const { group, unit, least = false, perDecision = false, list } of cases) {
    const chosen = list.filter(({ name }) => wanted(`${group} ${name}`));
    if (chosen.length === 0) continue;
    console.log(`**${group}**\n`);
    console.log(
      `| case | ${unit} | goal | met | RSS MiB | what it did | hash |\n| --- | --- | --- | --- | --- | --- | --- |`,
    );
    for (const one of chosen) {
      const found = measure(one.name, limit);
      const met = isMet(one, found, least);
      if (met === '**no**') missed += 1;
      const each = perDecision ? ` (${(found.figure / found.decisions).toFixed(2)} a sync)` : '';
      console.log(
        `| ${one.name} | ${show(found.figure)}${each} | ${goalText(one, unit, least)} | ${met} | ${found.mib.toFixed(0)} | ${found.text}${limitText(found)} | ${found.hash} |`,
      );
    }
    console.log('');
  }
  limit?.remove();
  if (wanted('command line --help')) missed += commandCases();
  if (wanted('page first result, change')) missed += await pageCases();
  console.log(missed === 0 ? 'All goals met.' : `${missed} goals missed.`);
}

if (values.case !== undefined) await child(values.case);
else if (values.against === undefined) await parent();
else {
  const { compareWith } = await import('./against.mjs');
  await compareWith({ against: values.against, only: values.only, repeat });
}
