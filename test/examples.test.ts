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
  'find-the-limit.mjs': [/^Plain pre-copy converges up to 1[01]\dMiB\/s\.$/m],
  'learn-from-a-log.mjs': [
    /^Learned a guest: .* [\d.]+ % in the median, [\d.]+ % at most/,
    // 160 MiB/s are written to 240 MiB, and the link carries 112 MiB/s.
    /^none: given up: each pass leaves [\d.]+ MiB unsent/m,
    /^auto-converge: done after \d+ s, downtime \d+ ms$/m,
    /^predictive-restraint: done after \d+ s, downtime \d+ ms$/m,
  ],
  // What it does to a real QEMU is tested with one.
  'measure-and-record.mjs': [/^Give the QMP socket of a guest/],
  'own-strategy.mjs': [
    /^auto-converge: completed after /m,
    /^half-speed: completed after /m,
    /^ {2}at \d+\.\d s half-speed: sync \d+: throttle 80 %$/m,
  ],
  'smallest-downtime-limit.mjs': [
    /^working set {4}1Gbit\/s {2}2\.5Gbit\/s {3}10Gbit\/s$/m,
    // 256 MiB need about the 2.3 s in which the 112 MiB/s that TCP leaves carry them; 10 Gbit/s is faster than the writer.
    /^ {5}256MiB +(?:1[5-9]|2[0-3])\d\dms +3\d\dms +\dms$/m,
  ],
  // Two writers go over 96 MiB each; what is left of them at 256 MiB/s fits into some 0.6 s.
  'test-a-policy.mjs': [
    /^an easy guest: completed at a downtime limit of 50 ms, stopped for \d\d ms$/m,
    /^a borderline guest: completed at a downtime limit of 600 ms, stopped for [3-6]\d\d ms$/m,
    /^a hopeless guest: cancelled at a downtime limit of 1200 ms$/m,
    /^a guest for post-copy: completed at a downtime limit of 1200 ms, stopped for \d\d ms$/m,
  ],
  'validate-a-recording.mjs': [
    /^384 MiB guest, 1 vCPU, auto-converge, on QEMU 10\.0\.2$/m,
    /^ended: completed, predicted: completed$/m,
    /^totalTimeMs: 38496, predicted: \d+ \(\d+ to \d+\)$/m,
    /^The total time is \d+\.\d % off\.$/m,
  ],
};

/** Beside them lies what they read. */
function programs(): string[] {
  return readdirSync('examples').filter((file) => /\.(mjs|ts)$/.test(file));
}

test.each(Object.entries(PRINTS))('examples/%s', (file, expected) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`examples/${file}`], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const line of expected) expect(stdout).toMatch(line);
});

test('all of them are tested: those in TypeScript with the package', () => {
  const packaged = readFileSync('test/package.test.ts', 'utf8');
  const files = programs();
  expect(files.length).toBeGreaterThan(Object.keys(PRINTS).length);
  expect(files.filter((file) => !(file in PRINTS) && !packaged.includes(`examples/${file}`))).toEqual([]);
});

test('each says in its first line what it is for', () => {
  for (const file of programs())
    expect([file, readFileSync(`examples/${file}`, 'utf8')]).toEqual([
      file,
      expect.stringMatching(/^\/\/ [A-Z].{20,}[.?]/),
    ]);
});
