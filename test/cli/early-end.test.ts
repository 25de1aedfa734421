import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

test('a strategy that ends the program does not pass for a finished command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'migsim-early-'));
  try {
    const file = join(folder, 'leaves.mjs');
    writeFileSync(
      file,
      "export default { name: 'leaves', summary: 'ends the program', source: 'a test', rule: 'none', options: {}, start() { process.exit(0); } };\n",
    );
    const words = ['bin/migsim.js', 'run', 'scenarios/idle-guest.yaml', '--strategy', file];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      'migsim: the program ended before the command had; does a strategy of your own call process.exit?\n',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
