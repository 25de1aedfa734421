/** `migsim validate` and `migsim calibrate-host` as a user calls them, on the small recording. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { inProcess } from '../cli/migsim.js';
import { KNOWN, simulatedLog } from './logs.js';
import { parseScenario } from '../../src/scenario/parse.js';

const SMALL = path.join(import.meta.dirname, 'fixtures', 'recording.json');
const COMPLETED = path.resolve(import.meta.dirname, '../../recordings/T01.json');

const folder = mkdtempSync(path.join(tmpdir(), 'migsim-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('validate', () => {
  test('takes several paths, and draws what completed', async () => {
    const file = path.join(folder, 'predicted.svg');
    const { status, stdout } = await inProcess(['validate', SMALL, COMPLETED, '--runs', '2', '--plot', file]);
    expect(status).toBe(0);
    expect(stdout).toContain('right: 2 of 2');
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg[^]*Total time/);
  });

  test.each([
    [['--plot', 'figure.pdf'], '--plot: expected a file that ends in .svg or .png, got "figure.pdf"'],
    [['--plot', path.join(folder, 'none.svg')], 'nothing to draw: no migration completed'],
    [['--json', '--csv'], '--json and --csv exclude each other'],
  ])('%j: the mistake is told', async (words, message) => {
    const { status, stderr } = await inProcess(['validate', SMALL, '--runs', '1', ...words]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('learn', () => {
  const log = path.join(folder, 'migrate.log');
  writeFileSync(log, simulatedLog(KNOWN).text);

  test('prints how near it comes, and the assumption that decides what throttles do', async () => {
    const out = path.join(folder, 'guest.yaml');
    const { status, stdout } = await inProcess(['learn', log, '--cpu', '40%', '--out', out]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/pass 1 [^]*Deviation: median [\d.]+ %, largest [\d.]+ %/);
    expect(stdout).toContain('Assumed: the load needs 40 % of its time (--cpu)');
    for (const line of stdout.replaceAll(out, '').split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test.each([
    ['a folder', folder, 'is a folder; expected a log of a migration, or readings'],
    [
      'what is not there',
      path.join(folder, 'none.log'),
      'no such file; expected the log of a migration, or - for standard input',
    ],
  ])('%s is refused', async (_, file, message) => {
    const { status, stderr } = await inProcess(['learn', file]);
    expect(status).toBe(2);
    expect(stderr).toContain(`${file}: ${message}`);
  });
});

describe('calibrate-host', () => {
  test('writes a host section that a scenario can have', async () => {
    const file = path.join(folder, 'host.json');
    const { status, stdout } = await inProcess(['calibrate-host', SMALL, '--runs', '1', '--out', file]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/before [\d.]+ %, after [\d.]+ %, each recording left out in turn [\d.]+ %/);
    const host = readFileSync(file, 'utf8').replaceAll('\n', ' ');
    const text = `guest: { memory: 1GiB, vcpus: [{ workload: idle }] }\nhost: ${host}\nlink: { bandwidth: 1Gbit/s }\n`;
    const { setup } = parseScenario(text, 'calibrated.yaml');
    expect(setup.host.name).toBe('recordings-host');
    expect(setup.host.siblingSlowdown).toBeLessThanOrEqual(0.9);
    expect(setup.host.sendNsPerPage).toBeGreaterThan(0);
  });

  test('a profile that nobody knows is refused', async () => {
    const { status, stderr } = await inProcess(['calibrate-host', SMALL, '--profile', 'recording-host']);
    expect(status).toBe(2);
    expect(stderr).toContain('recordings-host');
  });
});

describe('a file that people edit afterwards', () => {
  test.each([
    ['init', []],
    ['learn', [SMALL]],
    ['calibrate-host', [SMALL]],
    ['measure', ['unix:/nowhere.sock']],
  ])('%s does not overwrite it', async (command, inputs) => {
    const file = path.join(folder, `mine-of-${command}.yaml`);
    writeFileSync(file, 'edited: by hand\n');
    const out = command === 'init' ? [file] : ['--out', file];
    const { status, stdout, stderr } = await inProcess([command, ...inputs, ...out]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(`${file}: exists already; expected the name of a new file\n`);
    expect(readFileSync(file, 'utf8')).toBe('edited: by hand\n');
  });
});

test('learn writes the scenario with --json too', async () => {
  const log = path.join(folder, 'migrate.log');
  const out = path.join(folder, 'with-json.yaml');
  const { status, stdout } = await inProcess(['learn', log, '--json', '--out', out]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toHaveProperty('learned');
  expect(parseScenario(readFileSync(out, 'utf8'), out).name).toBe('with-json');
});
