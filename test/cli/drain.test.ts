/** What `migsim drain` says of two ways. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { show } from '../../src/experiment/expect/measure.js';
import { inProcess } from './migsim.js';

const folder = mkdtempSync(join(tmpdir(), 'migsim-drain-'));
const file = join(folder, 'g.yaml');
writeFileSync(
  file,
  `guest: { memory: 512MiB, vcpus: [{ workload: { write: 20MiB/s, working-set: 64MiB } }] }
link: { bandwidth: 1Gbit/s }
migration: { max-bandwidth: unlimited }
strategies: [none]
`,
);
afterAll(() => rmSync(folder, { recursive: true }));

const drained = async (...more: string[]) =>
  inProcess(['drain', file, '--copies', '2', '--memory', 'fluid', ...more]);

describe('migsim drain --compare', () => {
  // A guest that writes at all sends more the longer its passes take, and at the same time each has half of the link.
  test('says by how much one way is shorter, from the totals of both', async () => {
    const { stdout, status } = await drained('--compare');
    expect(status).toBe(0);
    const json = JSON.parse((await drained('--json')).stdout) as { drains: { totalTimeMs: number }[] };
    const [serial, parallel] = json.drains.map(({ totalTimeMs }) => totalTimeMs);
    expect(parallel!).toBeGreaterThan(serial! * 1.02);
    const line = `In series, compared with in parallel: ${show('ms', parallel! - serial!)} shorter`;
    expect(stdout.replaceAll(/\n +/g, ' ')).toContain(line);
  });

  test('is what runs without a mode', async () => {
    expect((await drained('--compare')).stdout).toBe((await drained()).stdout);
  });

  test('draws no conclusion from one way', async () => {
    expect((await drained('--mode', 'serial')).stdout).not.toContain('compared with');
    const { status, stderr } = await drained('--mode', 'serial', '--compare');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringContaining('expected --compare without --mode') as unknown,
    });
  });

  // 512 MiB take 4.5 s at 1 Gbit/s: nothing that is given up after 2 s has moved, in whichever way.
  test('says of each kind of guest that stayed why it did, once in each way', async () => {
    const { stdout, status } = await drained('--set', 'migration.give-up-after=2s');
    expect(status).toBe(0);
    expect(
      stdout.split('\n').filter((line) => line.startsWith('g under none did not converge: ')),
    ).toHaveLength(2);
    expect((await drained()).stdout).not.toContain('did not converge');
  });

  test('keeps to 80 columns with a strategy whose options are long, and names it below', async () => {
    const long =
      'auto-converge: {cpu-throttle-initial: 30, cpu-throttle-increment: 20, max-cpu-throttle: 90}';
    const { stdout, status } = await drained('--strategy', long);
    expect(status).toBe(0);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(stdout.match(/^g +\[1\] /gm)).toHaveLength(4);
    expect(stdout.replaceAll(/\n +/g, ' ')).toMatch(/^\[1\] auto-converge\(.*30.*20/m);
  });
});
