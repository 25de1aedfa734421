/**
 * V8 compiles code for the shapes (hidden classes) of the objects that it has seen. One object of another shape in every run
 * makes all code that reads it several times as slow, without any result that would show it.
 */
import { setFlagsFromString } from 'node:v8';
import { expect, test } from '@jest/globals';
import { loadStrategy, parseScenario } from '../../src/index.js';
import { preparedSetup } from '../../src/experiment/simulate.js';
import { mapNonEmpty, mapped } from '../../src/lists.js';

/** Whether two objects have one shape: V8's own answer. */
function sameShapeTest(): (one: object, other: object) => boolean {
  setFlagsFromString('--allow-natives-syntax');
  try {
    return new Function('one', 'other', 'return %HaveSameMap(one, other)') as never;
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
}

const haveSameShape = sameShapeTest();

/** Of each place in a value, such as `guest.vcpus[]`, the objects of all shapes that were seen there. */
type Seen = Map<string, object[]>;

/** What belongs to `made` is made once for all runs, and may have any shape. */
function look(value: unknown, place: string, made: ReadonlySet<unknown>, seen: Seen): void {
  if (typeof value !== 'object' || value === null || made.has(value)) return;
  const known = seen.get(place) ?? [];
  if (!known.some((one) => haveSameShape(one, value))) known.push(value);
  seen.set(place, known);
  for (const [key, entry] of Object.entries(value))
    look(entry, Array.isArray(value) ? `${place}[]` : `${place}.${key}`, made, seen);
}

function partsOf(value: unknown, into = new Set<unknown>()): Set<unknown> {
  into.add(value);
  if (typeof value === 'object' && value !== null)
    for (const entry of Object.values(value)) partsOf(entry, into);
  return into;
}

const text = `
guest:
  memory: 4GiB
  vcpus: [{ count: 2, workload: { write: 50MB/s, working-set: 256MiB } }]
link: { bandwidth: 1Gbit/s }
host: { variability: VARIABILITY }
strategies: [none]
`;

test.each(['none', 'profile'])('setups of many runs have one shape, variability %s', async (variability) => {
  const scenario = parseScenario(text.replace('VARIABILITY', variability), 'shapes.yaml');
  const strategy = await loadStrategy('none');
  const setupOf = (run: number): object =>
    preparedSetup(scenario, strategy, { seed: 1, run, draw: true, memory: 'fluid', keepSyncs: false });
  // V8 settles on kinds of numbers in the first runs.
  for (let run = 1; run <= 100; run += 1) setupOf(run);
  const seen: Seen = new Map();
  const made = partsOf(scenario.setup);
  for (let run = 101; run <= 150; run += 1) look(setupOf(run), 'setup', made, seen);
  expect([...seen.keys()]).toContain('setup');
  expect([...seen].filter(([, shapes]) => shapes.length > 1).map(([place]) => place)).toEqual([]);
});

test('a list has the same shape however often its maker has run', () => {
  const numbers = [1, 2, 3] as const;
  const objects = (): object[] => mapped(numbers, (entry) => ({ entry }));
  const firsts = (): object => mapNonEmpty(numbers, (entry) => ({ entry }));
  const [early, earlyFirsts] = [objects(), firsts()];
  for (let count = 0; count < 100_000; count += 1) {
    objects();
    firsts();
  }
  expect(haveSameShape(early, objects())).toBe(true);
  expect(haveSameShape(earlyFirsts, firsts())).toBe(true);
});
