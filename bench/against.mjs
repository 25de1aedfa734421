/**
 * This tree against another commit: npm run bench -- --against <commit> [--only WORD] [--repeat 5]
 *
 * Absolute figures of a shared machine mean little. Both trees are built in scratch folders and run in turn, so that a pair of
 * runs meets the same machine; what is printed is the ratio of each pair, as its median and its range.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const git = (...words) => execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' }).trim();

function run(program, words, cwd) {
  const { status, stderr, stdout } = spawnSync(program, words, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${[program, ...words].join(' ')} in ${cwd}: ${stderr || stdout}`);
  return stdout;
}

/** The tree as it lies here, uncommitted changes included. */
function copyHere(folder) {
  for (const part of [
    'src',
    'bin',
    'bench',
    'scenarios',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ])
    cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
}

function copyCommit(folder, commit) {
  const archive = execFileSync('git', ['archive', '--format=tar', commit], { cwd: ROOT, maxBuffer: 2 ** 30 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
}

/** Dependencies are shared with this checkout where the lock files agree, and installed where they do not. */
function build(folder) {
  const lock = (where) => readFileSync(path.join(where, 'package-lock.json'), 'utf8');
  if (lock(folder) === lock(ROOT))
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  else run('npm', ['ci', '--silent', '--no-audit', '--no-fund'], folder);
  run(process.execPath, [path.join(folder, 'node_modules/typescript-native/bin/tsc'), '-p', '.'], folder);
}

async function casesOf(folder) {
  const { cases } = await import(pathToFileURL(path.join(folder, 'bench/cases.mjs')).href);
  return cases.flatMap(({ group, unit, least = false, list }) =>
    list.map(({ name }) => ({ group, unit, least, name })),
  );
}

function once(folder, name) {
  return JSON.parse(run(process.execPath, [path.join(folder, 'bench/bench.mjs'), '--case', name], folder));
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Times as fast as the other tree: above 1 is faster, whether the figure counts time or runs per second. */
function speedups(name, least, here, there, repeat) {
  once(here, name);
  once(there, name);
  const hashes = new Set();
  const ratios = Array.from({ length: repeat }, (_, pair) => {
    // The order changes from pair to pair: whoever runs second may find a warmer machine.
    const [first, second] = pair % 2 === 0 ? [here, there] : [there, here];
    const found = new Map([
      [first, once(first, name)],
      [second, once(second, name)],
    ]);
    for (const { hash } of found.values()) hashes.add(hash);
    const [mine, other] = [found.get(here).figure, found.get(there).figure];
    return least ? mine / other : other / mine;
  });
  return { ratios, sameResults: hashes.size === 1 };
}

/** @param {{ against: string, only?: string, repeat: number }} options */
export async function compareWith({ against, only, repeat }) {
  const commit = git('rev-parse', '--verify', `${against}^{commit}`);
  const scratch = mkdtempSync(path.join(tmpdir(), 'migsim-bench-'));
  const [here, there] = ['here', 'there'].map((name) => path.join(scratch, name));
  try {
    for (const folder of [here, there]) execFileSync('mkdir', ['-p', folder]);
    copyHere(here);
    copyCommit(there, commit);
    if (!existsSync(path.join(there, 'bench/bench.mjs'))) throw new Error(`${commit} has no bench`);
    for (const folder of [here, there]) build(folder);
    const known = new Set((await casesOf(there)).map(({ name }) => name));
    const chosen = (await casesOf(here)).filter(
      ({ group, name }) => known.has(name) && (only === undefined || `${group} ${name}`.includes(only)),
    );
    console.log(`This tree compared with ${commit.slice(0, 12)}, ${repeat} pairs of runs per case\n`);
    console.log('| case | times as fast, median | range | results |\n| --- | --- | --- | --- |');
    for (const { name, least } of chosen) {
      const { ratios, sameResults } = speedups(name, least, here, there, repeat);
      const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
      const results = sameResults ? 'the same' : '**differ**';
      console.log(`| ${name} | ${median(ratios).toFixed(2)} | ${range} | ${results} |`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
