import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { strategies } from '../../src/strategies/index.js';
import { SMALL, inProcess, migsim } from './migsim.js';

describe('the example of docs/strategies.md', () => {
  // Below this repository, where `migsim` can be imported by its name.
  const folder = 'results/.docs-test';
  const file = `./${folder}/mine.js`;
  beforeAll(() => {
    const [, code = ''] =
      /```js\n(\/\/ mine\.js.*?)```/s.exec(readFileSync('docs/strategies.md', 'utf8')) ?? [];
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, code);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('runs, acts and explains itself', () => {
    const { status, stdout, stderr } = migsim([
      'run',
      SMALL,
      '--strategy',
      `${file}:{step: 60}`,
      '--verbose',
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('worst-first(step=60): converged in');
    // vCPU 0 writes, vCPU 1 only reads: the worst is always the first.
    expect(stdout).toMatch(/second\s+strike:\s+vCPU\s+0\s+dirtied\s+\d+\s+pages:\s+60\s+%\s.*worst-first$/m);
    expect(stdout).not.toMatch(/vCPU\s+1\s+dirtied/);
  });

  test('spares the reader, which auto-converge does not', async () => {
    const words = ['compare', SMALL, '--strategy', 'auto-converge', '--strategy', file, '--json'];
    const { runs, manifest } = JSON.parse((await inProcess(words)).stdout);
    const [auto, mine] = runs.map((run: Record<string, number>) => run['readers_work_done_share']);
    expect(mine).toBeGreaterThan(auto);
    expect(manifest.files).toEqual([
      { path: file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/), text: readFileSync(file, 'utf8') },
    ]);
  });

  test('refuses what it cannot run on, and its options are checked and explained', async () => {
    const bitmap = await inProcess(['run', SMALL, '--strategy', file, '--set', 'guest.dirty-ring-size=0']);
    expect(bitmap).toMatchObject({ status: 2, stderr: expect.stringContaining('it reads dirty rings') });
    expect(await inProcess(['run', SMALL, '--strategy', `${file}:{step: 100}`])).toMatchObject({ status: 2 });
    expect((await inProcess(['explain', file])).stdout).toMatch(/^step +20 +points added each time$/m);
  });
});

describe('a strategy file whose options are written with z', () => {
  const file = './results/.docs-test-z.mjs';
  beforeAll(() => {
    writeFileSync(
      file,
      `import { defineStrategy, z } from 'migsim';
      export default defineStrategy({
        name: 'fixed', summary: 'one throttle', source: 'a test', rule: 'One throttle throughout.',
        options: z.strictObject({ percent: z.int().min(1).max(99).default(50).describe('the throttle') }),
        start({ percent }, migration) { migration.throttle([0], percent); },
      });`,
    );
  });
  afterAll(() => rmSync(file));

  test('runs, is checked and explains itself as before', async () => {
    const { status, stdout } = await inProcess([
      'run',
      SMALL,
      '--strategy',
      `${file}:{percent: 90}`,
      '--json',
    ]);
    expect([status, JSON.parse(stdout).runs[0].strategy]).toEqual([0, 'fixed(percent=90)']);
    const { stderr } = await inProcess(['run', SMALL, '--strategy', `${file}:{precent: 90}`]);
    expect(stderr).toContain('unknown key "precent"; did you mean percent?');
    expect((await inProcess(['explain', file])).stdout).toMatch(/^percent +50 +the throttle$/m);
  });
});

test('the guest that docs/live.md records converges under plain pre-copy, so that record ends by itself', async () => {
  const [, file = ''] =
    /^migsim qmp (\S+) .*--listen .*--listen /m.exec(readFileSync('docs/live.md', 'utf8')) ?? [];
  const { stdout } = await inProcess(['run', file, '--strategy', 'none', '--memory', 'fluid', '--json']);
  expect(JSON.parse(stdout).runs[0]).toMatchObject({ status: 'completed', converged: true });
});

describe('pages', () => {
  test('link files that exist', () => {
    for (const name of Object.keys(strategies))
      expect([name, existsSync(`src/strategies/${name}.ts`)]).toEqual([name, true]);
    for (const page of [
      'README.md',
      'CONTRIBUTING.md',
      'docs/strategies.md',
      'docs/csv.md',
      'results/README.md',
    ]) {
      const folder = page.split('/').slice(0, -1).join('/') || '.';
      const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(
        (match) => match[1]!,
      );
      for (const link of links)
        expect([page, link, existsSync(`${folder}/${link}`)]).toEqual([page, link, true]);
    }
  });
});
