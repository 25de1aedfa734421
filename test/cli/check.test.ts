import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { memoryFor } from '../../src/experiment/memory-choice.js';
import { loadScenario } from '../../src/scenario/load.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { SMALL, inProcess, migsim } from './migsim.js';

const folder = mkdtempSync(join(tmpdir(), 'migsim-check-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The small guest, on which none never converges and auto-converge does, with these expectations. */
function file(name: string, expectations: string): string {
  const path = join(folder, name);
  writeFileSync(path, `${readFileSync(SMALL, 'utf8')}expect:\n${expectations}`);
  return path;
}

const good = file(
  'good.yaml',
  `  none: { converges: false }
  auto-converge: { converges: true, reader.work-done: '< 99%' }
  relations: [auto-converge.total-time < none.total-time]
`,
);
const bad = file(
  'bad.yaml',
  `  none: { converges: true, writer.work-done: '>= 90%' }
  relations: [auto-converge.total-time < 0.01 * none.total-time]
`,
);

describe('what holds', () => {
  test('is counted, and status 0', async () => {
    const { status, stdout, stderr } = await inProcess(['check', good, '--memory', 'fluid']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(
      `ok    ${good}: all 4 hold (fluid memory)\n\n1 scenario, 4 expectations: all 4 hold\n`,
    );
  });

  test('shows with its figures when asked', async () => {
    const { stdout } = await inProcess(['check', good, '--memory', 'fluid', '--verbose']);
    expect(stdout).toMatch(/^ {6}auto-converge reader\.work-done < 99%: \d[\d.]* %$/m);
  });
});

describe('what does not hold', () => {
  test('says where, what was expected, what came, by how much, and how to see it; status 1', async () => {
    const { status, stdout, stderr } = await inProcess(['check', bad, '--memory', 'fluid', '--seed', '7']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'migsim: 2 expectations do not hold\n' });
    expect(stdout).toContain(`FAIL  ${bad}: 2 of 3 do not hold (fluid memory)`);
    const line = readFileSync(bad, 'utf8')
      .split('\n')
      .indexOf("  none: { converges: true, writer.work-done: '>= 90%' }");
    expect(stdout).toContain(`${bad}:${line + 1}:11: none converges
          expected true, got false
          migsim run ${bad} --strategy none --memory fluid --seed 7`);
    expect(stdout).toMatch(
      /expected < 0\.01 \* none\.total-time,\s+got [\d.]+ m?s compared with [\d.]+ m?s,\s+off by [\d.]+ m?s\n/,
    );
    // A relation needs the runs of both.
    expect(stdout).toContain(`          migsim compare ${bad} --memory fluid --seed 7\n`);
  });

  test('can be repeated by the command that is printed, to the same figure', async () => {
    const { stdout } = await inProcess(['check', bad, '--memory', 'fluid']);
    const [, got = '', words = ''] =
      /got (\S+ \S+) compared with [^,]+,\s+off by .+\n +migsim (compare .+)/.exec(stdout) ?? [];
    const repeated = await inProcess(words.split(' '));
    expect(repeated.status).toBe(0);
    expect(repeated.stdout).toMatch(new RegExp(`^total time .* ${got.replace('.', '\\.')}`, 'm'));
  });

  test('is a failure in the JUnit report, beside what holds', async () => {
    const junit = join(folder, 'check.xml');
    await inProcess(['check', good, bad, '--memory', 'fluid', '--junit', junit]);
    const xml = readFileSync(junit, 'utf8');
    expect(xml).toMatch(
      /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="migsim check" tests="7" failures="2"/,
    );
    expect(xml.match(/<testsuite /g)).toHaveLength(2);
    expect(xml.match(/<testcase /g)).toHaveLength(7);
    expect(xml).toContain('message="expected &lt; 0.01 * none.total-time, got ');
    expect(xml).not.toMatch(/="[^"]*[<>][^"]*"/);
    expect(wellFormed(xml)).toBe(true);
  });
});

describe('statistics over runs', () => {
  const path = file(
    'runs.yaml',
    `  auto-converge:
    p90(total-time): '< 60s'
    mean(converges): '>= 100%'
    max(reader.work-done): '< 99%'
  relations:
    - p90(auto-converge.total-time) < 0.9 * median(none.total-time)
    - auto-converge.total-time <= max(auto-converge.total-time)
    - auto-converge.total-time < min(auto-converge.total-time)
`,
  );

  test('are one value of all runs, against which each run can be held', async () => {
    const { status, stdout } = await inProcess([
      'check',
      path,
      '--runs',
      '3',
      '--memory',
      'fluid',
      '--verbose',
    ]);
    expect(status).toBe(1);
    // No value lies below the least: all but the last hold.
    expect(stdout).toContain('1 of 6 does not hold (fluid memory, 3 runs each)');
    expect(stdout).toMatch(/^ {6}auto-converge mean\(converges\) >= 100%: 100 %$/m);
    expect(stdout).toMatch(
      /expected < min\(auto-converge\.total-time\),\s+got [^,]+ in run \d, off by \d+ ms$/m,
    );
  });

  test.each([
    ["auto-converge: { p101(total-time): '< 1s' }", /unknown statistic "p101"; expected mean, median/],
    ["auto-converge: { medain(total-time): '< 1s' }", /unknown statistic "medain"; did you mean median\?/],
    ["auto-converge: { p90(total-tme): '< 1s' }", /unknown measure "total-tme"/],
    ['auto-converge: { p90(status): completed }', /status is a word: there is no p90 of words/],
    ["auto-converge: { mean(converges): '> 0.5' }", /converges\): "0.5" lacks a unit; did you mean 50%\?/],
  ])('refuse %s', async (line, message) => {
    const { status, stderr, stdout } = await inProcess(['check', file('wrong.yaml', `  ${line}\n`)]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('bad files', () => {
  test('are all named before anything runs; status 2', async () => {
    const typo = file('typo.yaml', "  none: { total-tme: '< 1s' }\n");
    const unit = file('unit.yaml', "  none: { total-time: '< 1' }\n");
    const { status, stdout, stderr } = await inProcess(['check', typo, good, unit, 'nosuch.yaml']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/typo\.yaml:\d+:\d+: .*did you mean total-time\?/);
    expect(lines[1]).toMatch(/unit\.yaml:\d+:\d+: total-time: "1" lacks a unit/);
    expect(lines[2]).toMatch(/^nosuch\.yaml: no such file/);
  });

  test('so is a report that cannot be written', async () => {
    const junit = join(good, 'check.xml');
    const { status, stderr } = await inProcess(['check', good, '--junit', junit]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `migsim: cannot write to ${good}: it is a file\n`,
    });
    const taken = await inProcess(['check', good, '--junit', folder]);
    expect(taken.stderr).toMatch(/: a folder stands where a file should be\n$/);
    expect(taken.stdout).toBe('');
  });

  test('an empty folder is no success', async () => {
    const { status, stderr } = await inProcess(['check', 'src/cli']);
    expect({ status, stderr }).toEqual({ status: 2, stderr: 'src/cli: no scenario files (*.yaml) in it\n' });
  });
});

describe('the shipped scenarios', () => {
  const { status, stdout, stderr } = migsim(['check']);

  test('all hold, in worker threads', () => {
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/\n\n\d+ scenarios, \d+ expectations: all \d+ hold\n$/);
  });

  test('report alike without worker threads', async () => {
    expect((await inProcess(['check'])).stdout).toBe(stdout);
  });
});

describe('--memory auto', () => {
  test('counts what the page memory might have to draw, and says page up to 50 million', () => {
    // 100 MiB/s are 25600 pages a second. In 1000 s that is 25.6 million, twice that in two runs.
    const text = `guest: { memory: 1GiB, vcpus: [{ workload: { write: 100MiB/s, working-set: 64MiB } }] }
link: { bandwidth: 1Gbit/s }
migration: { give-up-after: 1000s }
`;
    const scenario = parseScenario(text, 'auto.yaml');
    expect(memoryFor(scenario, 'auto', 1)).toBe('page');
    expect(memoryFor(scenario, 'auto', 2)).toBe('fluid');
    expect(memoryFor(scenario, 'page', 2)).toBe('page');
    const endless = parseScenario(text, 'auto.yaml', { set: ['migration.give-up-after=never'] });
    expect(memoryFor(endless, 'auto', 1)).toBe('fluid');
  });

  test('keeps the terabyte guest out of the page memory', () => {
    expect(memoryFor(loadScenario('scenarios/huge-guest.yaml'), 'auto', 1)).toBe('fluid');
    expect(memoryFor(loadScenario('scenarios/idle-guest.yaml'), 'auto', 1)).toBe('page');
  });
});

/** Every tag that opens closes, in order. */
function wellFormed(xml: string): boolean {
  const open: string[] = [];
  for (const [, close, name, rest = ''] of xml.matchAll(/<(\/?)([a-z]+)((?:[^<>"]|"[^"]*")*)>/g)) {
    if (close === '/') {
      if (open.pop() !== name) return false;
    } else if (!rest.endsWith('/')) open.push(name!);
  }
  return open.length === 0;
}
