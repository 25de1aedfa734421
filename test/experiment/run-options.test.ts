/** Programs call these functions without the command line, which reads and bounds every number. */
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import {
  advise,
  checkScenario,
  chooseStrategy,
  compare,
  drain,
  parseScenario,
  search,
  simulate,
  sweep,
} from '../../src/index.js';

const scenario = parseScenario(
  'guest: { memory: 64MiB, vcpus: [{ workload: idle }] }\nlink: { bandwidth: 1Gbit/s }\n',
  's.yaml',
);
const none = chooseStrategy('none');
const question = { key: 'migration.downtime-limit', find: 'smallest', where: 'converged' } as const;

/** What each takes of the options below. */
const CALLS: Readonly<Record<string, readonly [(options: object) => unknown, readonly string[]]>> = {
  simulate: [(options) => simulate(scenario, none, options), ['seed', 'run', 'timelineMs', 'memory']],
  compare: [(options) => compare(scenario, options), ['runs', 'seed', 'timelineMs', 'memory']],
  checkScenario: [(options) => checkScenario(scenario, options), ['runs', 'seed', 'memory']],
  search: [(options) => search(scenario, { ...question, ...options }), ['runs', 'seed', 'workers']],
  advise: [
    (options) => advise(scenario, options),
    [
      'runs',
      'seed',
      'workers',
      'memory',
      'deadlineMs',
      'maxDowntimeMs',
      'keepReaders',
      'probability',
      'program',
    ],
  ],
  sweep: [
    (options) => sweep(scenario, { vary: ['link.bandwidth=1Gbit/s'], ...options }),
    ['runs', 'seed', 'workers', 'memory'],
  ],
  drain: [
    (options) => drain([{ scenario, strategy: none }], { parallel: 1, ...options }),
    ['parallel', 'seed', 'memory'],
  ],
};

const NO_NUMBERS = [-1, NaN, Infinity, 'x', null, {}, []];
const NO_WHOLE_ONES = [...NO_NUMBERS, 1.5, 2 ** 40];
const OF: Readonly<Record<string, readonly unknown[]>> = {
  timelineMs: NO_NUMBERS,
  memory: ['', 'x', 0, {}],
  seed: NO_WHOLE_ONES,
  deadlineMs: [...NO_NUMBERS, 0, 1e12],
  maxDowntimeMs: [...NO_NUMBERS, 1e12],
  keepReaders: [...NO_NUMBERS, 1.1],
  probability: [...NO_NUMBERS, 0, 95],
  program: ['vmware', '', 1, null, {}],
};

describe.each(Object.entries(CALLS))('%s', (_name, [call, options]) => {
  test.each(
    options.flatMap((option) => (OF[option] ?? [...NO_WHOLE_ONES, 0]).map((value) => [option, value])),
  )('refuses %s: %p by its name', async (option, value) => {
    const called = async (): Promise<unknown> => call({ [String(option)]: value });
    await expect(called()).rejects.toThrow(UsageError);
    await expect(called()).rejects.toThrow(
      new RegExp(`${String(option)}: expected .*, got (?!.*(undefined|\\[object))[^\\n]+$`),
    );
  });
});

test('a drain of no guests says so', () => {
  expect(() => drain([], { parallel: 1 })).toThrow('no guests; expected at least one');
});
