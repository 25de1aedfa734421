import { describe, expect, test } from '@jest/globals';
import { compareCommand } from '../../src/cli/commands/compare.js';
import { complete } from '../../src/cli/complete.js';
import { endingOf } from '../../src/cli/exit.js';
import { commandWords } from '../../src/cli/experiment-options.js';
import { explainCommand } from '../../src/cli/commands/explain.js';
import { startProgress } from '../../src/cli/progress.js';
import { wantsColor, widthOf } from '../../src/cli/terminal.js';
import { ExpectationError, UsageError } from '../../src/errors.js';

const terminal = { isTTY: true, columns: 200 };
const pipe = {};

describe('colour', () => {
  test.each([
    ['a terminal has it', terminal, undefined, {}, true],
    ['a pipe has not', pipe, undefined, {}, false],
    ['a terminal that cannot has not', terminal, undefined, { TERM: 'dumb' }, false],
    ['NO_COLOR takes it away', terminal, undefined, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR says nothing, as no-color.org has it', terminal, undefined, { NO_COLOR: '' }, true],
    ['FORCE_COLOR gives it to a pipe', pipe, undefined, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0 takes it away', terminal, undefined, { FORCE_COLOR: '0' }, false],
    ['NO_COLOR beats FORCE_COLOR', pipe, undefined, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['--color beats both', pipe, true, { NO_COLOR: '1' }, true],
    ['--no-color too', terminal, false, { FORCE_COLOR: '1' }, false],
  ])('%s', (_what, output, color, environment, wanted) => {
    expect(wantsColor(output, color, environment)).toBe(wanted);
  });
});

test('text is 80 wide in a pipe and on wide terminals, narrower only where the terminal is', () => {
  expect([widthOf(pipe), widthOf(terminal), widthOf({ isTTY: true, columns: 60 })]).toEqual([80, 80, 60]);
});

describe('endings', () => {
  test('each kind of error has its status', () => {
    expect(endingOf(new UsageError('no'))).toEqual({ status: 2, message: 'migsim: no\n' });
    expect(endingOf(new UsageError('no', { file: 'a.yaml', line: 3 }))).toEqual({
      status: 2,
      message: 'a.yaml:3: no\n',
    });
    expect(endingOf(new ExpectationError('missed')).status).toBe(1);
    expect(endingOf(new TypeError('oops'))).toMatchObject({
      status: 70,
      message: expect.stringContaining('    at '),
    });
  });
});

describe('progress', () => {
  const shown = (isTTY: boolean, total: number, environment: Record<string, string>): string => {
    let text = '';
    const progress = startProgress({ isTTY, write: (more) => (text += more) }, total, environment);
    for (let run = 0; run < total; run++) progress.step();
    return text;
  };

  test('ends with an empty line, so that nothing is left of it', () => {
    expect(shown(true, 3, {})).toMatch(/^\r\u001b\[K0 of 3 runs[^]*2 of 3 runs\r\u001b\[K$/);
  });

  test('is silent in a pipe and under CI', () => {
    expect([shown(false, 3, {}), shown(true, 3, { CI: 'true' })]).toEqual(['', '']);
  });
});

describe('completion', () => {
  const commands = [compareCommand, explainCommand];

  test.each([
    [['mig'], []],
    [['comp'], ['compare', 'completion']],
    [
      ['compare', 'x.yaml', '--se'],
      ['--seed', '--set'],
    ],
    [['compare', 'x.yaml', '--strategy', 'dirty-l'], ['dirty-limit']],
    [
      ['compare', 'x.yaml', '--memory', ''],
      ['auto', 'page', 'fluid'],
    ],
    [['explain', 'stop'], ['stop-and-copy']],
    // Nothing of ours: the shell offers files.
    [['compare', 'scen'], []],
    [['compare', 'x.yaml', '--seed', ''], []],
  ])('%p', async (words, offered) => {
    expect(await complete(['--get-yargs-completions', 'migsim', ...words], commands)).toEqual(offered);
  });
});

test('the manifest keeps the words of a command that change the experiment', () => {
  const words = [
    'compare',
    'a.yaml',
    '--out',
    'results/a',
    '--seed',
    '3',
    '--json',
    '--out=b',
    '--no-color',
    '--set',
    'a=1',
  ];
  expect(commandWords(words)).toEqual(['compare', 'a.yaml', '--seed', '3', '--set', 'a=1']);
});
