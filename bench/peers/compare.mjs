/**
 * migsim beside SimGrid in one run: plain pre-copy of a 64 GiB guest with four busy vCPUs over 10 Gbit/s, dirtying at 60 % of
 * the link. SimGrid's plugin knows coarse rounds only; migsim runs QEMU's rules. CPU time of whole processes, one core each.
 *
 *   npm run build && node bench/peers/compare.mjs      (Debian package libsimgrid-dev)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUNS = 20_000;
const REPEAT = 5;
const here = fileURLToPath(new URL('.', import.meta.url));

if (!existsSync('/usr/include/simgrid/s4u.hpp')) {
  console.log('skipped: SimGrid is not installed (apt-get install libsimgrid-dev g++)');
  process.exit(0);
}

/** Runs a second of CPU time that a command does, its start included. */
function perSecond(command, args) {
  const script = `TIMEFORMAT='%U %S'; time "$@" >/dev/null`;
  const { stderr } = spawnSync('bash', ['-c', script, 'bash', command, ...args], { encoding: 'utf8' });
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  if (!(user + system > 0)) throw new Error(`${command}: ${stderr}`);
  return RUNS / (user + system);
}

const folder = mkdtempSync(join(tmpdir(), 'migsim-peer-'));
try {
  const program = join(folder, 'simgrid-migrations');
  const built = spawnSync(
    'g++',
    ['-O2', '-std=c++17', join(here, 'simgrid-migrations.cpp'), '-o', program, '-lsimgrid'],
    {
      encoding: 'utf8',
    },
  );
  if (built.status !== 0) throw new Error(built.stderr);
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  const simgrid = [];
  const migsim = [];
  for (let i = 0; i < REPEAT; i += 1) {
    simgrid.push(perSecond(program, [String(RUNS)]));
    migsim.push(perSecond(process.execPath, [join(here, 'migsim-migrations.mjs'), String(RUNS)]));
  }
  const ratio = median(migsim.map((value, i) => value / simgrid[i]));
  console.log('| simulator | migrations/s of one core |\n| --- | --- |');
  console.log(`| SimGrid, live_migration plugin | ${Math.round(median(simgrid)).toLocaleString('en')} |`);
  console.log(`| migsim, fluid memory | ${Math.round(median(migsim)).toLocaleString('en')} |`);
  console.log(`\nmigsim / SimGrid, median of ${REPEAT} pairs: ${ratio.toFixed(2)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
