import { beforeAll, describe, expect, test } from '@jest/globals';
import { type LoadedCommand, loaded, positionalsOf } from '../../src/cli/command.js';
import { commands } from '../../src/cli/main.js';
import { complete } from '../../src/cli/complete.js';
import { endingOf } from '../../src/cli/exit.js';
import { startProgress } from '../../src/cli/progress.js';
import { wantsColor, widthOf } from '../../src/cli/terminal.js';
import { readWords } from '../../src/cli/words.js';
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
    expect(await complete(words, commands)).toEqual(offered);
  });
});

describe('the words of a command line', () => {
  let compare: LoadedCommand;
  let run: LoadedCommand;
  beforeAll(async () => {
    const find = (name: string): Promise<LoadedCommand> =>
      loaded(commands.find((entry) => entry.name === name)!);
    [compare, run] = [await find('compare'), await find('run')];
  });

  test('the manifest records those that decide the results, as they were written', () => {
    const line =
      '--no-color compare a.yaml --out results/a --seed 3 --json --color --set a=1 --set=b=2 --format latex';
    expect(readWords(line.split(' '), compare).recorded).toEqual(
      'compare a.yaml --seed 3 --set a=1 --set=b=2'.split(' '),
    );
    const shown = 'run a.yaml --verbose --chart --guestperf g.json --out=b --strategy none';
    expect(readWords(shown.split(' '), run).recorded).toEqual('run a.yaml --strategy none'.split(' '));
  });

  test('an option takes the next word, whatever it is; after -- there are no options', () => {
    const { positionals, values } = readWords(['run', '--seed', '-1', '--', '--x.yaml'], run);
    expect([positionals['scenario'], values.get('seed')]).toEqual([['--x.yaml'], ['-1']]);
  });

  test('the entries of the table say what the commands take', async () => {
    const FORMS = { one: '<>', 'none or one': '[]', 'one or more': '<..>', 'any number': '[..]' } as const;
    for (const entry of commands) {
      const command = await loaded(entry);
      const words = positionalsOf(command).map(({ name, takes = 'one' }) => {
        const [open, ...close] = FORMS[takes];
        return `${open}${name}${close.join('')}`;
      });
      expect(entry.usage).toBe([entry.name, ...words].join(' '));
    }
  });
});
