/** Strategies as they are named: labels, texts of the command line, files of the user's own. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { loadPolicy, loadStrategy, parsePolicyText, parseStrategyText } from '../../src/scenario/choices.js';
import { strategies } from '../../src/strategies/index.js';
import { changed, parse } from './texts.js';

describe('labels', () => {
  const labelOf = (entry: string): string => parse(changed('- none', `- ${entry}`)).strategies[0]!.label;

  test.each([
    ['auto-converge', 'auto-converge'],
    ['auto-converge: {}', 'auto-converge'],
    ['auto-converge:', 'auto-converge'],
    // What is written but is the default anyway makes no difference.
    ['auto-converge: { cpu-throttle-initial: 20 }', 'auto-converge'],
    ['auto-converge: { cpu-throttle-initial: 40 }', 'auto-converge(cpu-throttle-initial=40)'],
    [
      'auto-converge: { cpu-throttle-initial: 40, cpu-throttle-increment: 20 }',
      'auto-converge(cpu-throttle-initial=40;cpu-throttle-increment=20)',
    ],
    ['dirty-restraint: { quota: 100MiB/s }', 'dirty-restraint(quota=100MiB/s)'],
    ['dirty-restraint: { quotas: [100MiB/s, none] }', 'dirty-restraint(quotas=[100MiB/s;none])'],
  ])('%s is called %s', (entry, label) => {
    expect(labelOf(entry)).toBe(label);
  });
});

describe('texts of the command line', () => {
  test.each(['auto-converge', ' auto-converge ', 'auto-converge:', 'auto-converge: {}'])('%j', (text) => {
    expect(parseStrategyText(text)).toMatchObject({ label: 'auto-converge', place: undefined });
    expect(parseStrategyText(text).definition).toBe(strategies['auto-converge']);
  });

  test.each(['auto-converge:{cpu-throttle-initial: 40}', 'auto-converge: { cpu-throttle-initial: 40 }'])(
    '%j',
    (text) => {
      const choice = parseStrategyText(text);
      expect(choice.label).toBe('auto-converge(cpu-throttle-initial=40)');
      expect(choice.options).toMatchObject({ 'cpu-throttle-initial': 40, 'cpu-throttle-increment': 10 });
    },
  );

  test.each([
    ['auto-convrge', /unknown strategy "auto-convrge"; did you mean auto-converge\?/],
    [
      'auto-converge:{cpu-throttle-inital: 40}',
      /auto-converge: unknown key "cpu-throttle-inital"; did you mean cpu-throttle-initial\?/,
    ],
    [
      'auto-converge:{cpu-throttle-initial: 400}',
      /auto-converge\.cpu-throttle-initial: expected a whole percentage/,
    ],
    ['auto-converge:{', /cannot read the strategy "auto-converge:\{"; expected a name/],
    ['auto-converge:{a: [}', /not YAML/],
    ['', /cannot read the strategy ""; expected a name/],
  ])('%j is refused', (text, message) => {
    expect(() => parseStrategyText(text)).toThrow(message);
  });

  test('policies likewise', () => {
    expect(parsePolicyText('wait').label).toBe('wait');
    expect(() => parsePolicyText('wiat')).toThrow(/unknown policy "wiat"; did you mean wait\?/);
  });
});

describe("strategies of the user's own", () => {
  const folder = mkdtempSync(join(tmpdir(), 'migsim-'));
  const zod = pathToFileURL(join(import.meta.dirname, '../../node_modules/zod/index.js')).href;
  const body = `{ name: 'mine', summary: '', source: '', rule: '', start() {},
    options: z.strictObject({ gain: z.number().min(0).default(1) }) }`;
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const mine = write('mine.mjs', `import { z } from '${zod}';\nexport default ${body};\n`);
  const named = write('named.mjs', `import { z } from '${zod}';\nexport const strategy = ${body};\n`);

  test('a file that exports one by default, or by name', async () => {
    expect((await loadStrategy(mine)).label).toBe('mine');
    expect((await loadStrategy(named)).label).toBe('mine');
  });

  test('takes options like any other', async () => {
    const choice = await loadStrategy(`${mine}:{gain: 2}`);
    expect(choice.label).toBe('mine(gain=2)');
    expect(choice.options).toEqual({ gain: 2 });
    await expect(loadStrategy(`${mine}:{gian: 2}`)).rejects.toThrow(
      /mine: unknown key "gian"; did you mean gain\?/,
    );
  });

  test('those of migsim still go by their names', async () => {
    expect((await loadStrategy('none')).definition).toBe(strategies.none);
    expect((await loadPolicy('wait')).label).toBe('wait');
  });

  test.each([
    [
      'broken.mjs',
      'export default {',
      /broken\.mjs: cannot be loaded: .*; expected a module that exports a strategy/,
    ],
    [
      'nothing.mjs',
      'export const x = 1;',
      /nothing\.mjs: exports nothing as its strategy; expected a module/,
    ],
    ['nameless.mjs', 'export default { start() {} };', /its strategy has no name/],
    ['startless.mjs', "export default { name: 'x' };", /its strategy has no start function/],
    ['plain.mjs', "export default { name: 'x', start() {} };", /its strategy has no options, such as \{\}/],
    [
      'misspelt.mjs',
      "export default { name: 'x', start() {}, options: { step: { kind: 'cuont', summary: 'steps' } } };",
      /its option step: unknown kind "cuont"; did you mean count\?/,
    ],
  ])('%s is refused', async (name, text, message) => {
    await expect(loadStrategy(write(name, text))).rejects.toThrow(message);
  });

  test('a file that is not there', async () => {
    await expect(loadStrategy(join(folder, 'no.mjs'))).rejects.toThrow(
      /no\.mjs: no such file; expected a module/,
    );
    await expect(loadPolicy('./no.js')).rejects.toThrow(
      './no.js: no such file; expected a module that exports a policy',
    );
  });
});
