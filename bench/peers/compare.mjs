/**
 * migsim and SimGrid in turn: plain pre-copy of a 64 GiB guest with four busy vCPUs over 10 Gbit/s, dirtying at 60 % of the
 * link. SimGrid's plugin knows coarse rounds of bytes only; migsim runs QEMU's rules.
 *
 *   npm run build && node bench/peers/compare.mjs [PAIRS]      (Debian packages libsimgrid-dev and g++)
 *
 * What counts is `migsim sweep` as people type it, on one thread: start, runs, and its CSV files. Both sides are measured by the
 * user CPU time of whole processes, one after the other in each round; a ratio is of one round. SimGrid simulates 5,000
 * migrations per process, because it becomes slower with more of them. The engine without the command is a row of its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SIMGRID_RUNS = 5000;
const RUNS = 20_000;
const rounds = Number(process.argv[2] ?? 5);
const here = fileURLToPath(new URL('.', import.meta.url));

if (!existsSync('/usr/include/simgrid/s4u.hpp')) {
  console.log('skipped: SimGrid is not installed (apt-get install libsimgrid-dev g++)');
  process.exit(0);
}

/** Seconds of user CPU time of a process, its start included. */
function userSeconds(command, args) {
  const script = `TIMEFORMAT=%U; time "$@" >/dev/null`;
  const { stderr } = spawnSync('bash', ['-c', script, 'bash', command, ...args], { encoding: 'utf8' });
  const seconds = Number(stderr.trim().split('\n').at(-1));
  if (!(seconds > 0)) throw new Error(`${command}: ${stderr}`);
  return seconds;
}

function sweep(out, variability) {
  rmSync(out, { recursive: true, force: true });
  const options = `--runs ${RUNS} --vary link.bandwidth=10Gbit/s --strategy none --memory fluid --workers 1`;
  const set = ['--set', `host.variability=${variability}`, '--out', out];
  const program = fileURLToPath(new URL('../../bin/migsim.js', import.meta.url));
  return userSeconds(process.execPath, [
    program,
    'sweep',
    join(here, 'peer.yaml'),
    ...options.split(' '),
    ...set,
  ]);
}

function built(folder) {
  const program = join(folder, 'simgrid-migrations');
  const words = ['-O2', '-std=c++17', join(here, 'simgrid-migrations.cpp'), '-o', program, '-lsimgrid'];
  const { status, stderr } = spawnSync('g++', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return program;
}

const sorted = (values) => values.toSorted((a, b) => a - b);
const median = (values) => sorted(values)[values.length >> 1];

const folder = mkdtempSync(join(tmpdir(), 'migsim-peer-'));
try {
  const simgrid = built(folder);
  const out = join(folder, 'out');
  const contestants = [
    {
      name: 'SimGrid, live_migration plugin',
      runs: SIMGRID_RUNS,
      run: () => userSeconds(simgrid, [`${SIMGRID_RUNS}`]),
    },
    { name: '`migsim sweep`, every run the same guest', runs: RUNS, goal: 3, run: () => sweep(out, 'none') },
    {
      name: '`migsim sweep`, every run draws its host',
      runs: RUNS,
      goal: 2,
      run: () => sweep(out, 'profile'),
    },
    {
      name: "migsim's engine alone, in a loop",
      runs: RUNS,
      run: () => userSeconds(process.execPath, [join(here, 'migsim-migrations.mjs'), `${RUNS}`]),
    },
  ];
  const rates = contestants.map(() => []);
  for (let round = 0; round < rounds; round += 1)
    contestants.forEach(({ runs, run }, index) => rates[index].push(runs / run()));
  console.log('| whole process | migrations | per s of user CPU | times SimGrid, median | range | goal |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  contestants.forEach(({ name, runs, goal }, index) => {
    const ratios = sorted(rates[index].map((rate, round) => rate / rates[0][round]));
    const found =
      index === 0
        ? ' | '
        : `${median(ratios).toFixed(2)} | ${ratios[0].toFixed(2)} to ${ratios.at(-1).toFixed(2)}`;
    const rate = Math.round(median(rates[index])).toLocaleString('en');
    console.log(
      `| ${name} | ${runs.toLocaleString('en')} | ${rate} | ${found} | ${goal === undefined ? '' : `≥ ${goal}`} |`,
    );
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
