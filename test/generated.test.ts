import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

test('every file that is made from the program is up to date; `npm run generate` writes them', () => {
  const { status, stdout, stderr } = spawnSync('node', ['scripts/generate.js', '--check'], {
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});
