import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { complete } from '../../src/cli/complete.js';
import { type LoadedCommand, loaded, positionalsOf } from '../../src/cli/command.js';
import { commands as entries } from '../../src/cli/main.js';
import { migsim } from './migsim.js';

const commands: LoadedCommand[] = [];
for (const entry of entries) commands.push(await loaded(entry));
const PATH = 'man/migsim.1';
const text = readFileSync(PATH, 'utf8');

describe('the man page', () => {
  test.each(commands.map((command) => [command.name, command] as const))('has all of %s', (name, command) => {
    const [, section = ''] = text.split(`\n.SS ${name.replaceAll('-', '\\-')}\n`);
    const own = section.split('\n.S')[0]!;
    for (const option of Object.keys(command.options))
      expect([option, own.includes(`\\fB\\-\\-${option.replaceAll('-', '\\-')}\\fR`)]).toEqual([
        option,
        true,
      ]);
    for (const positional of positionalsOf(command))
      expect(own).toContain(`.I ${positional.name.replaceAll('-', '\\-')}\n`);
    expect(own.match(/^\\fBmigsim /gm)!.length).toBe(1 + command.examples.length);
  });

  test('is plain ASCII, and no text is taken for a roff request', () => {
    expect([...text].filter((sign) => sign > '~')).toEqual([]);
    const requests = text.split('\n').filter((line) => /^[.']/.test(line));
    const known = /^\.(\\"|TH|SH|SS|TP|PP|B|I|br|EX|EE)( |$)/;
    expect(requests.filter((line) => !known.test(line))).toEqual([]);
    // A hyphen that roff may turn into another sign would not survive being copied into a shell.
    expect(text.split('\n').filter((line) => !line.startsWith('.') && /(^|[^\\])--/.test(line))).toEqual([]);
  });

  test('is accepted by groff without a warning, where there is one', () => {
    const { status, stderr, error } = spawnSync('groff', ['-man', '-Tascii', '-ww', '-z', PATH], {
      encoding: 'utf8',
    });
    if (error !== undefined) return expect((error as NodeJS.ErrnoException).code).toBe('ENOENT');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('shell completion', () => {
  const words = (...line: string[]): Promise<string[]> => complete(line, commands);

  test('knows every command and every option of it', async () => {
    expect(await words('')).toEqual([...commands.map(({ name }) => name), 'completion']);
    for (const { name, options } of commands)
      expect(await words(name, '--')).toEqual(
        expect.arrayContaining(Object.keys(options).map((one) => `--${one}`)),
      );
  });

  test('knows what stands at each place of a command', async () => {
    expect(await words('baseline', '')).toEqual(['save', 'diff']);
    expect(await words('baseline', 'diff', 'ship')).toEqual(['shipped']);
    // Behind the value of an option, the place is the same as before it.
    expect(await words('baseline', '--runs', '3', 'd')).toEqual(['diff']);
    // Files are the shell's business.
    expect(await words('baseline', 'diff', 'shipped', '')).toEqual([]);
    expect(await words('compare', '--preset', 'auto')).toEqual([
      'auto-converge-iters',
      'auto-converge-bandwidth',
    ]);
    expect(await words('check', '--memory', '')).toEqual(['auto', 'page', 'fluid']);
  });

  test('comes out of the script that is installed', () => {
    const { status, stdout, stderr } = migsim(['--get-yargs-completions', 'migsim', 'baseline', '']);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'save\ndiff\n', stderr: '' });
    expect(migsim(['completion']).stdout).toContain('--get-yargs-completions');
  });
});
