/** Every program in examples/ runs against what `npm run build` made, and prints what its first line promises. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const PRINTS: Readonly<Record<string, readonly RegExp[]>> = {
  'compare-strategies.mjs': [
    /^none: 0 of 3 converged, 120\.\d s, readers did 100 %$/m,
    /^auto-converge: 3 of 3 converged, /m,
    /^dirty-limit\(vcpu-dirty-limit=20MiB\/s\): 3 of 3 converged, /m,
  ],
  // A pass ends in the pause when less is dirtied than fits: near the 112 MiB/s that TCP leaves of 1 Gbit/s.
  'find-the-limit.mjs': [/^Plain pre-copy converges up to 1[01]\d MiB\/s\.$/m],
  'own-strategy.mjs': [
    /^auto-converge: completed after /m,
    /^half-speed: completed after /m,
    /^ {2}at \d+\.\d s half-speed: sync \d+: throttle 80 %$/m,
  ],
};

test.each(Object.entries(PRINTS))('examples/%s', (file, expected) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`examples/${file}`], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const line of expected) expect(stdout).toMatch(line);
});

test('all of them are tested: those in TypeScript with the package', () => {
  const packaged = readFileSync('test/package.test.ts', 'utf8');
  const files = readdirSync('examples').sort();
  expect(files.filter((file) => !(file in PRINTS) && !packaged.includes(`examples/${file}`))).toEqual([]);
});

test('each says in its first line what it is for', () => {
  for (const file of readdirSync('examples'))
    expect([file, readFileSync(`examples/${file}`, 'utf8')]).toEqual([
      file,
      expect.stringMatching(/^\/\/ [A-Z].{20,}[.?]/),
    ]);
});
