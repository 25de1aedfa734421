/** Every command that writes files, on a disk that takes no byte: one line, and nothing is left. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { commands } from '../../src/cli/main.js';
import { scratch } from '../experiment/sweeps.js';
import { SMALL, inProcess } from './migsim.js';

const folder = scratch();
const empty = folder('empty');
const made = folder('made');
const shards = [0, 1].map((index) => join(made, `shard-${index}`));
const QUICK = ['--strategy', 'none', '--memory', 'fluid', '--set', 'migration.give-up-after=2s'];
const VARY = ['--vary', 'link.bandwidth=1Gbit/s,10Gbit/s', '--set', 'migration.give-up-after=2s'];
const guest = resolve(SMALL);

/** By command: what has it write. Files are named from an empty folder. */
const WRITING: Readonly<Record<string, readonly (readonly string[])[]>> = {
  init: [['init'], ['init', 'some/where/guest.yaml']],
  compare: [
    ['compare', guest, ...QUICK, '--out', 'some/where'],
    ['compare', '--preset', 'pause-iters', '--memory', 'fluid', '--out', 'preset'],
  ],
  run: [
    ['run', guest, ...QUICK, '--out', 'run'],
    ['run', guest, ...QUICK, '--guestperf', 'some/report.json'],
  ],
  sweep: [['sweep', guest, ...VARY, '--workers', '1', '--out', 'some/sweep', '--format', 'parquet']],
  search: [
    ['search', guest, 'link.bandwidth', '--find', 'smallest', '--strategy', 'auto-converge']
      .concat(['--from', '1Gbit/s', '--to', '1.1Gbit/s', '--runs', '1', '--memory', 'fluid'])
      .concat(['--out', 'search']),
  ],
  merge: [['merge', ...shards, '--out', 'some/whole']],
  check: [['check', join(made, 'quick.yaml'), '--memory', 'fluid', '--junit', 'some/check.xml']],
  baseline: [['baseline', 'save', 'mine', join(made, 'quick.yaml'), '--memory', 'fluid']],
  plot: [['plot', join(made, 'compared'), '--figure', 'timeline', '--out', 'figures']],
  report: [['report', join(made, 'compared'), '--out', 'some/report.html']],
  play: [['play', guest, '--out', 'some/play.html']],
  learn: [['learn', resolve('test/recording/fixtures/logs/hmp-7.2.txt'), '--out', 'some/guest.yaml']],
  validate: [
    ['validate', resolve('recordings/T05.json'), '--runs', '1', '--memory', 'fluid', '--plot', 'plot.svg'],
  ],
  'calibrate-host': [
    ['calibrate-host', resolve('test/recording/fixtures/recording.json'), '--out', 'some/host.json'].concat([
      '--runs',
      '1',
      '--memory',
      'fluid',
    ]),
  ],
};

beforeAll(async () => {
  for (const path of [empty, made]) mkdirSync(path);
  const text = readFileSync(SMALL, 'utf8');
  writeFileSync(join(made, 'quick.yaml'), `${text}expect: { none: { converges: false } }\n`);
  writeFileSync(join(made, 'all.mjs'), ALL);
  for (const [index, out] of shards.entries())
    await inProcess(['sweep', guest, ...VARY, '--shard', `${index}/2`, '--out', out, '--workers', '1']);
  await inProcess(['compare', guest, ...QUICK, '--out', join(made, 'compared')]);
});

/** Tested with a QEMU, or what stands in for it. */
const NEEDS_QEMU = ['measure', 'record', 'qmp'];

/** What goes before, such as the question of a preset, is no error. */
const LAST = /^(?!migsim: )([^]*\n)?[^\n]*larger than allowed\n$|^migsim: [^\n]*larger than allowed\n$/;

/** One process for all of them: most of the time is its start. */
const ALL = `
import { main } from ${JSON.stringify(pathToFileURL(resolve('dist/cli/main.js')).href)};
const ended = [];
for (const words of JSON.parse(process.argv[2])) {
  let said = '';
  const stream = { isTTY: false, on() {}, write(text) { said += text; } };
  const status = await main(words, { stdout: { ...stream, write() {} }, stderr: stream, env: {} });
  ended.push({ words, status, said });
}
process.stdout.write(JSON.stringify(ended));
process.exit(0);
`;

describe('a disk that takes no byte', () => {
  test('is known to every command that writes files', async () => {
    const writers = [];
    for (const { name, load } of commands) {
      const { options, alwaysWrites } = await load();
      const files = Object.values(options).some(({ value }) => value === 'FILE' || value === 'FOLDER');
      if (!NEEDS_QEMU.includes(name) && (files || alwaysWrites === true)) writers.push(name);
    }
    expect(Object.keys(WRITING).sort()).toEqual(writers.sort());
  });

  test('ends each with one line and status 2, and nothing is left', () => {
    const words = JSON.stringify(Object.values(WRITING).flat());
    // A limit of 0 on the size of files: files are made, and take no byte. Pipes do.
    const line = `ulimit -f 0; exec '${process.execPath}' "$1" "$2"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', line, 'bash', join(made, 'all.mjs'), words], {
      cwd: empty,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    for (const { words: given, status, said } of JSON.parse(stdout)) {
      expect([given.join(' '), status]).toEqual([given.join(' '), 2]);
      expect([given.join(' '), said]).toEqual([given.join(' '), expect.stringMatching(LAST)]);
    }
    expect(readdirSync(empty)).toEqual([]);
  });
});
