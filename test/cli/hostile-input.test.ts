import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { UsageError, visibleControls } from '../../src/errors.js';
import { endingOf } from '../../src/cli/exit.js';
import { readOutcomes } from '../../src/report/files/outcome-csv.js';
import { loadStrategy } from '../../src/scenario/choices.js';
import { parseOverride } from '../../src/scenario/overrides.js';
import { parseScenario } from '../../src/scenario/parse.js';

const folder = mkdtempSync(join(tmpdir(), 'migsim-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const scenario = (name: string): string =>
  `name: ${JSON.stringify(name)}\nguest: { memory: 64MiB, vcpus: [{ workload: idle }] }\nlink: { bandwidth: 1Gbit/s }\n`;

describe('input that means harm, or nothing', () => {
  test.each(['\u001b]0;owned\u0007', 'two\nlines', '=1+1', '+1', '-1', '@SUM(A1)', '\u009b31m'])(
    'the name %j is refused',
    (name) =>
      expect(() => parseScenario(scenario(name), 's.yaml')).toThrow('name: expected one line of text'),
  );

  test('a control character in a message is shown, not obeyed', () => {
    const { message } = endingOf(new UsageError('unknown \u001b[31mred\u001b[0m\rfirst\nsecond'));
    expect(message).toBe('migsim: unknown \\x1b[31mred\\x1b[0m\\x0dfirst\nsecond\n');
    expect(visibleControls('plain ü 漢')).toBe('plain ü 漢');
  });

  test('what is thrown and is no error is named', () =>
    expect(endingOf(null).message).toContain('it threw null'));

  test.each([
    ['a map as a key', '? { x: 1 }\n: 2\n', 's.yaml:1:3: a list or a map as a key; expected a name'],
    ['a list as a key', 'a: { [1, 2]: 3 }\n', 's.yaml:1:6: a list or a map as a key; expected a name'],
    [
      'aliases that multiply',
      [
        'a: &a [x,x,x,x,x,x,x,x,x,x]',
        ...['b', 'c', 'd'].map((k, i) => `${k}: &${k} [${`*${'abc'[i]!},`.repeat(10)}]`),
      ].join('\n'),
      's.yaml:4:',
    ],
  ])('%s is one line with its place', (_, text, message) => {
    expect(() => parseScenario(text, 's.yaml')).toThrow(message);
    expect(() => parseScenario(text, 's.yaml')).toThrow(/^[^\n]*$/);
  });

  test.each([
    ['export const strategy = 1; throw null;', 'it threw null'],
    [
      "export const strategy = { name: 's', summary: 's', options: { safeParse: () => 3 }, start() {} };",
      'its options.safeParse returns 3',
    ],
  ])('a strategy file %j is one line', async (text, message) => {
    const file = join(folder, `strategy-${text.length}.mjs`);
    writeFileSync(file, text);
    await expect(loadStrategy(file)).rejects.toThrow(message);
    await expect(loadStrategy(file)).rejects.toThrow(UsageError);
  });

  test('a prepare that returns no setup is a mistake of its file', async () => {
    const file = join(folder, 'prepares.mjs');
    const options = '{ safeParse: () => ({ success: true, data: {} }) }';
    writeFileSync(
      file,
      `export const strategy = { name: 's', summary: 's', options: ${options}, prepare: () => 5, start() {} };`,
    );
    const { definition } = await loadStrategy(file);
    expect(() => definition.prepare?.({}, parseScenario(scenario('s'), 's.yaml').setup)).toThrow(
      `${file}: its prepare returns 5`,
    );
  });

  test('an alias that leads nowhere is one line', () => {
    expect(() => parseOverride('guest.memory=*x')).toThrow(UsageError);
  });

  test.each(['scenario,strategy,run\na,b', 'scenario,strategy\n"a,b', 'a,b\n1,2,3', '\u0000\u0001"x"y'])(
    'a runs.csv that is torn or binary is one line: %j',
    (text) => {
      expect(() => readOutcomes(text, 'runs.csv')).toThrow(/^runs\.csv: this is not a CSV that migsim wrote/);
    },
  );
});
