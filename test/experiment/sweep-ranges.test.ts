/** `KEY=FROM..TO:40:log` of every key that takes numbers: scenarios, strategies and policies take each value. */
import { describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { acceptsIn } from '../../src/experiment/sweep/accepts.js';
import { parseVariation } from '../../src/experiment/sweep/variation.js';
import { isTable } from '../../src/options/read.js';
import type { OptionEntry } from '../../src/options/table.js';
import { policies } from '../../src/policies/index.js';
import { scenarioKeys } from '../../src/scenario/form/keys.js';
import { strategies } from '../../src/strategies/index.js';
import { BASE, isTree, over, type Tree } from '../scenario/trees.js';

/** The path with the index of the first entry of each list on it. */
function pathIn(tree: unknown, names: readonly string[]): string {
  let value = tree;
  return names
    .flatMap((name) => {
      const first = Array.isArray(value) ? (value as unknown[])[0] : value;
      const step = Array.isArray(value) ? ['0', name] : [name];
      value = isTree(first) ? first[name] : undefined;
      return step;
    })
    .join('.');
}

interface Key {
  readonly path: string;
  readonly scenario: string;
  /** Units that its values may have. */
  readonly units: readonly string[];
}

const UNITS: readonly [RegExp, readonly string[]][] = [
  [/\ba size\b/, ['MiB', 'B']],
  [/\ba rate\b/, ['Mbit/s']],
  [/\ba duration\b/, ['ms']],
  [/percentage/, ['', '%']],
  [/\ba share\b/, ['%']],
  [/\b(number|power of two|one of 0, 256)/, ['']],
];

function unitsOf(range: string): readonly string[] {
  return UNITS.find(([pattern]) => pattern.test(range))?.[1] ?? [];
}

const ofScenario = scenarioKeys().map(({ path, range, example }): Key => {
  const changes = parse(example) as Tree;
  return {
    path: pathIn(changes, path.split('.')),
    scenario: stringify(over(BASE, changes)),
    units: unitsOf(range),
  };
});

const UNITS_OF_KIND: Readonly<Partial<Record<OptionEntry['kind'], readonly string[]>>> = {
  size: ['MiB'],
  rate: ['MiB/s'],
  'link-rate': ['Gbit/s'],
  duration: ['ms'],
  'duration-ns': ['ns'],
  share: ['%'],
  percent: ['', '%'],
  'mib-per-second': ['MiB/s'],
  'duration-ms': ['ms'],
  count: [''],
  number: [''],
};

const ofChoices = (
  [
    ['strategies', strategies],
    ['policy', policies],
  ] as const
).flatMap(([section, registry]) =>
  Object.entries(registry).flatMap(([name, { options }]) =>
    Object.entries(isTable(options) ? options : {}).map(([option, { kind }]): Key => {
      const bare = { [section]: section === 'policy' ? name : [name] };
      return {
        path: `${section}.${name}.${option}`,
        scenario: stringify(over(BASE, bare)),
        units: UNITS_OF_KIND[kind] ?? [],
      };
    }),
  ),
);

/** What these need next to them, no example has. */
const NEED_OTHERS = ['guest.devices.0.dirty', 'migration.migrate-continue-delay'];

/** Ends that the key takes itself, as far apart as it takes them. */
function endsOf(accepts: (value: string) => boolean, unit: string): readonly [string, string] | null {
  for (const from of [1, 4, 16, 18, 256, 4096, 0.1].filter((one) => accepts(`${one}${unit}`))) {
    for (const factor of [1024, 64, 8, 4, 1.5]) {
      const to = from * factor;
      if (accepts(`${to}${unit}`)) return [`${from}${unit}`, `${to}${unit}`];
    }
  }
  return null;
}

const ranges = [...ofScenario, ...ofChoices].flatMap(({ path, scenario, units }) => {
  const accepts = acceptsIn({ text: scenario, file: null, name: 'x', set: [] })(path);
  const known = new Map<string, boolean>();
  const acceptsOf = () => (value: string) => {
    const before = known.get(value) ?? accepts(value);
    known.set(value, before);
    return before;
  };
  const found = units.flatMap((unit) => {
    const ends = endsOf(acceptsOf(), unit);
    return ends === null ? [] : [[`${path}=${ends.join('..')}:40:log`, path, acceptsOf] as const];
  });
  // A percentage is tried with its sign and without; of other units the first that the key takes is enough.
  return units.includes('%') ? found : found.slice(0, 1);
});

describe('a range with 40 steps', () => {
  test('is tried of nearly every key that takes numbers', () => {
    const numeric = [...ofScenario, ...ofChoices].filter(({ units }) => units.length > 0);
    const tried = new Set(ranges.map(([, path]) => path));
    const untried = numeric.map(({ path }) => path).filter((path) => !tried.has(path));
    expect(untried.filter((path) => !NEED_OTHERS.includes(path))).toEqual([]);
  });

  test('takes powers of two also where the smallest of them are too small', () => {
    const ring = { text: stringify(BASE), file: null, name: 'x', set: [] };
    const { steps } = parseVariation('guest.dirty-ring-size=256..65536:40:log', acceptsIn(ring));
    expect(steps.flat()).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16].map((power) => String(2 ** power)));
  });

  test.each(ranges)('%s', (text, _path, acceptsOf) => {
    const steps = parseVariation(text, acceptsOf).steps.map(([value]) => value!);
    expect(new Set(steps).size).toBe(steps.length);
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.filter((value) => !acceptsOf()(value))).toEqual([]);
  });
});
