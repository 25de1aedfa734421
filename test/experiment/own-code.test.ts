/** Whatever a strategy or policy of the user's throws, and wherever: one line with its file and line, and no defect. */
import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { compare } from '../../src/experiment/compare.js';
import { blamingOwnCode } from '../../src/experiment/own-code.js';
import { loadPolicy, loadStrategy } from '../../src/scenario/choices.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { scratch } from './sweeps.js';

const folder = scratch();
const scenario = parseScenario(
  'guest: { memory: 64MiB, vcpus: [{ workload: idle }] }\nlink: { bandwidth: 1Gbit/s }\n',
  's.yaml',
);
const THROWN = "throw new Error('on purpose')";

/** [where, the functions of the definition, its kind] */
const places: [string, string, 'strategy' | 'policy'][] = [
  ['start', `start() {\n${THROWN}; }`, 'strategy'],
  ['start of a policy', `start() {\n${THROWN}; }`, 'policy'],
  ['a sync', `start(_, m) { m.onSync(() => {\n${THROWN}; }); }`, 'strategy'],
  ['a timer', `start(_, m) { m.every(1, () => {\n${THROWN}; }); }`, 'strategy'],
  ['refuses', `refuses() {\n${THROWN}; }, start() {}`, 'strategy'],
  ['prepare', `prepare() {\n${THROWN}; }, start() {}`, 'strategy'],
  ['ends of a policy', `ends() {\n${THROWN}; }, start() {}`, 'policy'],
  ['sets of a policy', `sets() {\n${THROWN}; }, start() {}`, 'policy'],
  [
    'something of migsim that it gave nonsense',
    'start(_, m) {\nm.onSync(null); m.every(1, 5); }',
    'strategy',
  ],
];

test.each(places)('%s', async (where, functions, kind) => {
  const file = folder(`${places.findIndex(([name]) => name === where)}.mjs`);
  writeFileSync(
    file,
    `export default { name: 'mine', summary: '', source: '', rule: '', options: {}, ${functions} };`,
  );
  const strategies = [await loadStrategy(kind === 'strategy' ? file : 'none')];
  const run = async (): Promise<unknown> =>
    compare(scenario, { strategies, ...(kind === 'policy' ? { policy: await loadPolicy(file) } : {}) });
  await expect(run()).rejects.toThrow(UsageError);
  await expect(run()).rejects.toThrow(new RegExp(`^${file}:2:\\d+: mine failed: [^\\n]+$`));
});

test('what is no error has a file and no line', () => {
  const choices = [{ label: 'mine', from: 'mine.mjs', module: 'file:///mine.mjs' }];
  const throwing = (): never => {
    throw null;
  };
  expect(() => blamingOwnCode(choices, throwing)).toThrow('mine.mjs: mine failed: it threw null');
});

test("a defect of migsim's stays one, with and without code of the user's", () => {
  const defect = new RangeError('not of the user');
  const failing = (): never => {
    throw defect;
  };
  for (const choices of [
    [],
    [{ label: 'none' }],
    [{ label: 'mine', from: 'mine.mjs', module: 'file:///mine.mjs' }],
  ])
    expect(() => blamingOwnCode(choices, failing)).toThrow(defect);
});
