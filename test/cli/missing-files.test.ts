/** A path that leads nowhere, in every command that takes one: one line, and what was meant. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { noSuchFile } from '../../src/files.js';
import { scratch } from '../experiment/sweeps.js';
import { SMALL, inProcess } from './migsim.js';

const folder = scratch();
beforeAll(() => {
  mkdirSync(folder('results/first'), { recursive: true });
  for (const name of ['guest.yaml', 'migration.log', 'mine.mjs', 'policy.yaml', 'results/first/runs.csv'])
    writeFileSync(folder(name), '');
});

/** [words with the wrong path last but for options, what was meant] */
test.each<[string[], string]>([
  [['compare', 'gest.yaml'], 'guest.yaml'],
  [['run', 'gest.yaml'], 'guest.yaml'],
  [['sweep', 'gest.yaml', '--vary', 'guest.memory=1GiB,2GiB'], 'guest.yaml'],
  [['search', 'gest.yaml', 'migration.downtime-limit', '--find', 'smallest'], 'guest.yaml'],
  [['drain', 'gest.yaml'], 'guest.yaml'],
  [['check', 'gest.yaml'], 'guest.yaml'],
  [['play', 'gest.yaml'], 'guest.yaml'],
  [['learn', 'migraton.log'], 'migration.log'],
  [['advise', 'migraton.log'], 'migration.log'],
  [['validate', 'reslts'], 'results'],
  [['calibrate-host', 'reslts'], 'results'],
  [['plot', 'results/frist'], 'results/first'],
  [['report', 'reslts/first'], 'results/first'],
  [['diff', 'results/frist'], 'results/first'],
  [['merge', 'results/frist', '--out', folder('merged')], 'results/first'],
])('%j', async (words, meant) => {
  const wrong = words[1]!;
  const { status, stdout, stderr } = await inProcess(words.with(1, folder(wrong)));
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(
    new RegExp(`^${folder(wrong)}: no such [a-z ]+; did you mean ${folder(meant)}\\?\n$`),
  );
});

test.each([
  ['--strategy', 'mnie.mjs', 'mine.mjs'],
  ['--policy', 'polciy.yaml', 'policy.yaml'],
])('%s', async (option, wrong, meant) => {
  const { stderr } = await inProcess(['compare', SMALL, option, folder(wrong)]);
  expect(stderr).toBe(`${folder(wrong)}: no such file; did you mean ${folder(meant)}?\n`);
});

describe('what is near', () => {
  test('is looked for where the path goes wrong first', () => {
    expect(noSuchFile(folder('reslts/frist/runs.csv'), 'a CSV')).toBe(
      `no such file; did you mean ${folder('results/first/runs.csv')}?`,
    );
  });

  test('is not guessed where nothing is near', () => {
    expect(noSuchFile(folder('elsewhere/guest.yaml'), 'a scenario')).toBe(
      'no such file; expected a scenario',
    );
    expect(noSuchFile(join(folder('guest.yaml'), 'x'), 'a scenario')).toBe(
      'no such file; expected a scenario',
    );
  });

  test('a log says where else it can come from', async () => {
    const { stderr } = await inProcess(['learn', folder('xyz')]);
    expect(stderr).toBe(
      `${folder('xyz')}: no such file; expected the log of a migration, or - for standard input\n`,
    );
  });
});
