import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseDemand } from '../../src/experiment/expect/fail-unless.js';
import { parseStrategyText, parsePolicyText } from '../../src/scenario/choices.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { inProcess } from './migsim.js';

/** `none` never converges; `stop-and-copy` always does. The listed dirty-limit cannot run without a ring. */
const GUEST = `
guest:
  memory: 256MiB
  vcpus: [{ name: writer, workload: { write: 400MiB/s, working-set: 128MiB } }]
link: { bandwidth: 1Gbit/s }
migration: { max-bandwidth: unlimited, give-up-after: 5s, downtime-limit: 10ms }
strategies: [none, stop-and-copy, dirty-limit, dirty-quota]
`;

let folder = '';
let file = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'migsim-fail-unless-'));
  file = join(folder, 'guest.yaml');
  writeFileSync(file, GUEST);
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = async (...words: string[]) => inProcess([...words, '--memory', 'fluid']);

describe('--fail-unless', () => {
  test.each([
    ['run', ['--strategy', 'none'], 1],
    ['run', ['--strategy', 'stop-and-copy'], 0],
    ['compare', ['--strategy', 'none,stop-and-copy'], 1],
    ['compare', ['--strategy', 'stop-and-copy'], 0],
    ['sweep', ['--vary', 'guest.memory=128MiB,256MiB', '--strategy', 'none'], 1],
    ['sweep', ['--vary', 'guest.memory=128MiB,256MiB', '--strategy', 'stop-and-copy'], 0],
    ['drain', ['--strategy', 'none'], 1],
    ['drain', ['--strategy', 'stop-and-copy'], 0],
  ])('%s %j converged: exit status %d', async (command, words, status) => {
    const ran = await run(command, file, ...words, '--fail-unless', 'converged');
    expect(ran.status).toBe(status);
    if (status === 1) expect(ran.stderr).toMatch(/none converged: expected true, got false/);
    // The report is printed all the same.
    expect(ran.stdout).toMatch(/gave up|converge|moved|success/);
  });

  test('takes every condition of expect:, and a statistic over runs', async () => {
    const ok = await run(
      'compare',
      file,
      '--strategy',
      'stop-and-copy',
      '--runs',
      '2',
      '--fail-unless',
      'p90(total-time) < 1min',
    );
    expect([ok.status, ok.stderr]).toEqual([0, '']);
    const late = await run(
      'compare',
      file,
      '--strategy',
      'stop-and-copy',
      '--fail-unless',
      'total-time < 1s',
      '--fail-unless',
      'writer.work-done > 1%',
    );
    expect(late.status).toBe(1);
    expect(late.stderr).toMatch(/^migsim: stop-and-copy total-time: expected < 1s, got .* \(.* off\)\n/);
  });

  test.each([
    ['what is no measure', 'convergd', 'unknown measure "convergd"; did you mean converge'],
    ['a condition without a unit', 'total-time < 5', 'lacks a unit'],
    ['nothing', '<', 'cannot read the expectation'],
  ])('%s is refused before anything runs', async (_, text, message) => {
    for (const [command, words] of [
      ['compare', []],
      ['sweep', ['--vary', 'guest.memory=128MiB,256MiB']],
      ['drain', []],
    ] as const) {
      const ran = await run(command, file, '--strategy', 'none', ...words, '--fail-unless', text);
      expect([command, ran.status]).toEqual([command, 2]);
      expect(ran.stderr).toContain(message);
      expect(ran.stdout).toBe('');
    }
  });

  test('reads a measure alone as a truth', () => {
    expect(parseDemand('converged')).toMatchObject({ key: 'converged', condition: 'true' });
    expect(parseDemand(' p90(total-time)  <= 60s ')).toMatchObject({
      key: 'p90(total-time)',
      condition: '<= 60s',
    });
  });
});

describe('a strategy that is not run', () => {
  test('cannot refuse the run; those that are run refuse all at once, each at its place', async () => {
    expect((await run('compare', file, '--strategy', 'stop-and-copy')).status).toBe(0);
    const all = await run('compare', file);
    expect(all.status).toBe(2);
    expect(all.stderr).toMatch(/guest\.yaml:7:35: dirty-limit cannot run here: .*dirty-ring-size/);
    expect(all.stderr).toMatch(/guest\.yaml:7:48: dirty-quota cannot run here: .*dirty-ring-size/);
  });
});

test('all mistakes of a file are found at once, whatever part they are in', () => {
  const bad = GUEST.replace('memory: 256MiB', 'memory: 64MiB').replace('10ms', '10500us');
  expect(() => parseScenario(bad, 'bad.yaml')).toThrow(
    /working-set|room|guest\.vcpus[^]*downtime-limit: expected whole ms/,
  );
  let message = '';
  try {
    parseScenario(bad, 'bad.yaml');
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message.split('\n').length).toBe(2);
});

describe('words of --strategy', () => {
  test.each([
    [
      'auto-converge(cpu-throttle-initial=40;cpu-throttle-increment=20)',
      'auto-converge:{cpu-throttle-initial: 40, cpu-throttle-increment: 20}',
    ],
    ['dirty-limit(vcpu-dirty-limit=100MiB/s)', 'dirty-limit:{vcpu-dirty-limit: 100MiB/s}'],
  ])('a label is read as it is printed: %s', (label, words) => {
    const read = parseStrategyText(label);
    expect(read.label).toBe(label);
    expect(read.options).toEqual(parseStrategyText(words).options);
  });

  test('what belongs to the other kind is said', () => {
    expect(() => parseStrategyText('post-copy')).toThrow('--policy postcopy-after-passes');
    expect(() => parseStrategyText('nova')).toThrow('expected --policy nova');
    expect(() => parsePolicyText('auto-converge')).toThrow('expected --strategy auto-converge');
  });

  test('a list has commas outside of brackets', async () => {
    const text = 'none,auto-converge:{cpu-throttle-initial: 30, cpu-throttle-increment: 20}';
    const ran = await run('compare', file, '--strategy', text, '--json');
    const { runs } = JSON.parse(ran.stdout) as { runs: { strategy: string }[] };
    expect(runs.map(({ strategy }) => strategy)).toEqual([
      'none',
      'auto-converge(cpu-throttle-initial=30;cpu-throttle-increment=20)',
    ]);
  });
});
