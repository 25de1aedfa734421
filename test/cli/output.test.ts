import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Decision } from '../../src/migration/result.js';
import { resultTables } from '../../src/report/columns.js';
import { runColumns } from '../../src/report/columns/runs.js';
import { parseCsv } from '../report/parse-csv.js';
import { SMALL, inProcess, migsim } from './migsim.js';

const folder = mkdtempSync(join(tmpdir(), 'migsim-output-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const ESCAPE = '\u001b[';

describe('compare', () => {
  const { status, stdout, stderr } = migsim(['compare', SMALL, '--out', join(folder, 'a')]);

  test('prints one table that fits 80 columns, and where the files are', () => {
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    for (const line of lines) expect([line, line.length <= 80]).toEqual([line, true]);
    expect(stdout.trimEnd()).toMatch(
      /\nWritten to \S+\/a:\n {2}runs\.csv, vcpus\.csv, syncs\.csv, timeline\.csv,\n? *vcpu-timeline\.csv, manifest\.json$/,
    );
    expect(stdout).toMatch(/^converged +no +yes$/m);
  });

  test('writes no colours into a pipe, unless asked to, and never under NO_COLOR', async () => {
    expect(stdout).not.toContain(ESCAPE);
    expect((await inProcess(['compare', SMALL], { FORCE_COLOR: '1' })).stdout).toContain(ESCAPE);
    expect((await inProcess(['compare', SMALL], { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout).not.toContain(
      ESCAPE,
    );
    expect((await inProcess(['compare', SMALL, '--color'], { NO_COLOR: '1' })).stdout).toContain(ESCAPE);
    expect((await inProcess(['compare', SMALL, '--no-color'], { FORCE_COLOR: '1' })).stdout).not.toContain(
      ESCAPE,
    );
  });

  // Lines that are coloured one by one once had their number and all other lines put in.
  test.each([
    `compare ${SMALL} --memory fluid`,
    `run ${SMALL} --strategy none --memory fluid --chart --verbose`,
    `drain ${SMALL} ${SMALL} --memory fluid`,
    'explain dirty-limit',
  ])('%s: colours change no character', async (line) => {
    const given = line.split(' ');
    const coloured = await inProcess(given, { FORCE_COLOR: '1' });
    const { stdout: uncoloured } = await inProcess(given);
    expect(coloured.stdout.replaceAll(/\u001b\[\d+m/g, '')).toBe(uncoloured);
  });

  test('the manifest says what was run, without where it went', () => {
    const manifest = JSON.parse(readFileSync(join(folder, 'a', 'manifest.json'), 'utf8'));
    const text = readFileSync(SMALL, 'utf8');
    expect(manifest).toMatchObject({ command: ['compare', SMALL], seed: 1, runs: 1, memory: 'page' });
    expect(manifest.scenario).toMatchObject({ file: SMALL, text });
    expect(manifest.scenario.sha256).toBe(createHash('sha256').update(text).digest('hex'));
  });

  test('the same command gives the same bytes', () => {
    migsim(['compare', SMALL, '--out', join(folder, 'b')]);
    for (const name of readdirSync(join(folder, 'a'))) {
      expect([name, readFileSync(join(folder, 'b', name), 'utf8')]).toEqual([
        name,
        readFileSync(join(folder, 'a', name), 'utf8'),
      ]);
    }
  });

  test('each file has its header once, and every row the columns of the header', () => {
    for (const table of resultTables) {
      const rows = parseCsv(readFileSync(join(folder, 'a', `${table.name}.csv`), 'utf8'));
      const header = table.columns.map((column) => column.name);
      expect(rows[0]).toEqual(header);
      expect(rows.slice(1).every((row) => row.length === header.length && row[0] !== 'scenario')).toBe(true);
      expect(new Set(rows.slice(1).map((row) => row[header.indexOf('strategy')]))).toEqual(
        new Set(['none', 'auto-converge']),
      );
    }
  });

  test('--json has the figures of runs.csv under the same names', async () => {
    const { runs, manifest } = JSON.parse(
      (await inProcess(['compare', SMALL, '--json', '--runs', '2'])).stdout,
    );
    expect(manifest.runs).toBe(2);
    expect(runs.map(({ strategy, run }: Record<string, unknown>) => `${strategy} ${run}`)).toEqual([
      'none 1',
      'none 2',
      'auto-converge 1',
      'auto-converge 2',
    ]);
    // The folder has the single run, which is at the median of everything uncertain.
    const [single] = JSON.parse((await inProcess(['compare', SMALL, '--json'])).stdout).runs;
    const [header = [], first = []] = parseCsv(readFileSync(join(folder, 'a', 'runs.csv'), 'utf8'));
    for (const { name } of runColumns) expect(String(single[name] ?? '')).toBe(first[header.indexOf(name)]);
    expect(runs[0].vcpus).toHaveLength(2);
    expect(runs[0].why).toEqual(expect.any(String));
  });

  test('--strategy, --set, --seed, --memory and --policy reach the experiment', async () => {
    const words = ['--strategy', 'none', '--strategy', 'auto-converge:{cpu-throttle-initial: 60}'];
    const others = [
      '--set',
      'link.bandwidth=10Gbit/s',
      '--set',
      'migration.max-bandwidth=1GiB/s',
      '--seed',
      '7',
      '--memory',
      'fluid',
      '--policy',
      'wait',
    ];
    const { runs } = JSON.parse((await inProcess(['compare', SMALL, '--json', ...words, ...others])).stdout);
    expect(runs.map(({ strategy }: Record<string, unknown>) => strategy)).toEqual([
      'none',
      'auto-converge(cpu-throttle-initial=60)',
    ]);
    expect(runs[0]).toMatchObject({ seed: 7, memory: 'fluid', converged: true, policy: 'wait' });
  });
});

describe('run', () => {
  test('takes a strategy that the scenario lists with the options it has there', async () => {
    const { stdout } = await inProcess(['run', SMALL, '--strategy', 'auto-converge', '--verbose']);
    expect(stdout).toContain('auto-converge: converged in');
    expect(stdout).toMatch(/^remaining .*▁/m);
    expect(stdout).toMatch(/^throttle /m);
    // The detector and what the strategy made of it are one thought; every line fits the page.
    expect(stdout).toMatch(
      /sync \d+: dirtied \S+ MiB > 50 % of sent \S+ MiB, second\s+strike:\s+throttle 0 -> \d+ %\s+migration_trigger_throttle, mig_throttle_guest_down$/m,
    );
    expect(stdout).toMatch(/ downtime \d+ ms = /);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/^writer +1 /m);
  });

  test('takes the first strategy that the scenario lists, and says so in a line', async () => {
    const { status, stdout, stderr } = await inProcess(['run', SMALL, '--memory', 'fluid']);
    expect(status).toBe(0);
    expect(stdout).toContain('none: gave up');
    expect(stderr).toBe(`${SMALL}: none, its first strategy; others with --strategy: auto-converge\n`);
  });

  test('--json has syncs, timeline and decisions too', async () => {
    const { runs } = JSON.parse(
      (await inProcess(['run', SMALL, '--strategy', 'auto-converge', '--json'])).stdout,
    );
    expect(runs).toHaveLength(1);
    for (const part of ['vcpus', 'syncs', 'timeline', 'decisions'])
      expect(runs[0][part].length).toBeGreaterThan(1);
    expect(runs[0].syncs[0]).not.toHaveProperty('scenario');
    const judged = runs[0].decisions.filter(({ facts }: Decision) => facts?.kind === 'judged');
    const detector = runs[0].syncs.filter((sync: { detector: string }) => sync.detector !== 'not-eligible');
    expect(judged.map(({ sync }: Decision) => sync)).toEqual(
      detector.map((sync: { sync: number }) => sync.sync),
    );
  });

  test('ends quietly when nobody reads on', () => {
    const line = `set -o pipefail; '${process.execPath}' bin/migsim.js run ${SMALL} --strategy none --json | head -c 1`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '{', stderr: '' });
  });
});

describe('list and explain', () => {
  test.each(['strategies', 'policies', 'workloads', 'host-profiles'])(
    'list %s gives a line each',
    async (kind) => {
      const { status, stdout } = await inProcess(['list', kind]);
      expect(status).toBe(0);
      for (const line of stdout.trimEnd().split('\n')) {
        expect(line).toMatch(/^\S+ {2,}\S|^ {2,}\S/);
        expect(line.length).toBeLessThanOrEqual(80);
      }
    },
  );

  test.each(['strategies', 'policies', 'workloads'])('every one of the %s can be explained', async (kind) => {
    const { entriesOf } = await import('../../src/cli/catalogue.js');
    for (const { name, summary } of await entriesOf(kind as 'strategies')) {
      const { status, stdout } = await inProcess(['explain', name]);
      expect([name, status]).toEqual([name, 0]);
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(summary);
      expect(stdout).toMatch(/^Source: /m);
      for (const line of stdout.split('\n')) expect([line, line.length <= 80]).toEqual([line, true]);
    }
  });

  test('every host profile, compression, kind of stream and key of scenario files can be explained', async () => {
    const { hostProfiles } = await import('../../src/guest/host-profiles/index.js');
    const { COMPRESSORS, compressors } = await import('../../src/migration/rules/compressors.js');
    const { scenarioKeys } = await import('../../src/scenario/form/keys.js');
    const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');
    const paths = scenarioKeys().map(({ path }) => path);
    const kinds = paths.filter((path) => /^migration\.stream\.[a-z]+$/.test(path));
    expect(kinds).toEqual(['plain', 'multifd', 'xbzrle'].map((kind) => `migration.stream.${kind}`));
    const saying = new Map<string, string>([
      ...Object.values(hostProfiles).map(({ name, source }) => [name, source] as const),
      ...COMPRESSORS.filter((name) => name !== 'none').map(
        (name) => [name, compressors[name].source] as const,
      ),
      ...kinds.map((path) => [path.slice('migration.stream.'.length), `${path} (key`] as const),
      ...scenarioKeys().map(({ path, meaning }) => [path, meaning] as const),
    ]);
    for (const [name, said] of saying) {
      const { status, stdout, stderr } = await inProcess(['explain', name]);
      expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
      expect(flat(stdout)).toContain(flat(said));
      for (const line of stdout.split('\n').filter((one) => !one.startsWith('  ')))
        expect([name, line, line.length <= 80]).toEqual([name, line, true]);
    }
  });

  test('options are explained with the defaults that a run would use', async () => {
    const { stdout } = await inProcess(['explain', 'auto-converge']);
    expect(stdout).toMatch(/^cpu-throttle-initial +20 /m);
    expect(stdout).toMatch(/^cpu-throttle-tailslow +false /m);
  });
});
