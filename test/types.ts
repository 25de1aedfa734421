/**
 * What the compiler must say of the library's public types. Nothing here runs: `npm run check` compiles it, and every line
 * that should not compile says so.
 */
import '../src/jest.js';
import { expect } from '@jest/globals';
import {
  compare,
  type Comparison,
  type Controls,
  definePolicy,
  defineStrategy,
  defineWorkload,
  type MigrationResult,
  type Scenario,
  simulate,
  type StrategyChoice,
  type StrategyResults,
  sweep,
  type SweepRow,
  type VariedKey,
} from '../src/index.js';

/** true where two types are the same, and not only assignable to each other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles where the value has exactly the type, and the type's name says why it does not. */
function has<Wanted>() {
  return <Found>(
    _value: Found,
    ..._same: Same<Found, Wanted> extends true ? [] : ['not the same type']
  ): void => undefined;
}

declare const scenario: Scenario;
declare const strategy: StrategyChoice;

// ------------------------------------------------------------------------------------------------------------ options

// Every kind of an option gives `start` the type of what it is read as.
export const everyKind = defineStrategy({
  name: 'every-kind',
  summary: 'one option of each kind',
  source: 'here',
  rule: 'None.',
  options: {
    size: { kind: 'size', default: '1MiB', summary: 'bytes' },
    rate: { kind: 'rate', summary: 'bytes per second' },
    pause: { kind: 'duration-ms', default: '300ms', summary: 'ms' },
    limit: { kind: 'percent', orNone: true, default: 'none', summary: 'percent, or the word' },
    count: { kind: 'count', default: 3, summary: 'a whole number' },
    maybe: { kind: 'count', optional: true, summary: 'a whole number or nothing' },
    flag: { kind: 'flag', default: false, summary: 'yes or no' },
    mode: { kind: 'choice', choices: ['global', 'per-vcpu'], default: 'global', summary: 'one of two words' },
    vcpus: { kind: 'vcpus', default: [], summary: 'indexes' },
  },
  start(options, migration) {
    has<number>()(options.size);
    has<number>()(options.rate);
    has<number>()(options.pause);
    has<number | 'none'>()(options.limit);
    has<number>()(options.count);
    has<number | undefined>()(options.maybe);
    has<boolean>()(options.flag);
    has<'global' | 'per-vcpu'>()(options.mode);
    has<Controls>()(migration);
    // @ts-expect-error No such option.
    void options.sizes;
    // @ts-expect-error Options are read, not written.
    options.count = 4;
    // @ts-expect-error A number is not a word of the choice.
    migration.throttle('all', options.mode);
  },
});

// The other functions of a definition meet the same options.
export const ending = definePolicy({
  name: 'ending',
  summary: 'a policy with an end',
  source: 'here',
  rule: 'None.',
  options: { 'abort-after': { kind: 'duration', default: '60s', summary: 'when' } },
  ends: (options) => {
    has<number>()(options['abort-after']);
    return null;
  },
  refuses: ({ 'abort-after': abortAfter }) => (abortAfter > 0 ? null : 'it never ends'),
  // @ts-expect-error Without an index signature there is no other key.
  start: ({ after }) => void after,
});

export const loud = defineWorkload({
  name: 'loud',
  summary: 'one class',
  source: 'here',
  scaling: 'none',
  fittedTo: 'nothing',
  options: { intensity: { kind: 'number', default: 1, summary: 'multiplies its writes' } },
  plan({ intensity }) {
    has<number>()(intensity);
    return {
      classes: [{ pages: 1, pattern: 'uniform', writesPerSecond: intensity, readsPerSecond: 0 }],
      busy: 1,
      catchesUp: false,
      shared: false,
      phases: [],
      phasePeriodUs: 0,
    };
  },
});

defineStrategy({
  name: 'wrong',
  summary: 'a default that is not of its kind',
  source: 'here',
  rule: 'None.',
  // @ts-expect-error A flag is true or false.
  options: { flag: { kind: 'flag', default: 'yes', summary: 'yes or no' } },
  start: () => undefined,
});

// ------------------------------------------------------------------------------------------------------------ results

export function ofResults(): void {
  has<MigrationResult>()(simulate(scenario, strategy));
  const comparison = compare(scenario, { runs: 2 });
  has<Comparison>()(comparison);
  has<readonly StrategyResults[]>()(comparison.strategies);
  for (const { results } of comparison.strategies) {
    has<readonly MigrationResult[]>()(results);
    for (const { downtimeMs, converged } of results) {
      // Of a run without a switchover there is none.
      has<number | null>()(downtimeMs);
      has<boolean>()(converged);
    }
  }
  // @ts-expect-error A result is not written to.
  simulate(scenario, strategy).converged = true;
  // @ts-expect-error Memory is one of two words.
  compare(scenario, { memory: 'pages' });
}

// ------------------------------------------------------------------------------------------------------------- sweeps

// The keys of axes that the compiler knows are the keys of each row, whichever way they are written.
has<'link.bandwidth' | 'guest.memory'>()(
  '' as VariedKey<['link.bandwidth=1Gbit/s,10Gbit/s', { 'guest.memory': ['4GiB'] }]>,
);
has<'a.b' | 'c.d'>()('' as VariedKey<['a.b+c.d=1+2']>);
has<string>()('' as VariedKey<string[]>);

export async function ofSweeps(axes: string[]): Promise<void> {
  const { rows, keys } = await sweep(scenario, { vary: ['link.bandwidth=1Gbit/s,10Gbit/s'] });
  has<readonly 'link.bandwidth'[]>()(keys);
  has<readonly SweepRow<'link.bandwidth'>[]>()(rows);
  has<Readonly<Record<'link.bandwidth', string>> | undefined>()(rows[0]?.varied);
  // @ts-expect-error It does not vary.
  void rows[0]?.varied['guest.memory'];
  const unknown = await sweep(scenario, { vary: axes });
  has<readonly SweepRow[]>()(unknown.rows);
}

// ----------------------------------------------------------------------------------------------------------- matchers

export function ofMatchers(): void {
  const result = simulate(scenario, strategy);
  has<void>()(expect(result).toConverge());
  has<void>()(expect(result).not.toConvergeWithin('60s'));
  has<Promise<void>>()(expect(Promise.resolve(result)).resolves.toConverge());
  expect(compare(scenario)).toFinishBefore(compare(scenario));
  // @ts-expect-error A duration is a text with its unit.
  expect(result).toConvergeWithin(60);
  // @ts-expect-error A share is a text.
  expect(result).toKeepReadersAbove(0.95);
  // @ts-expect-error Nothing that has not been migrated finishes.
  expect(result).toFinishBefore('auto-converge');
}
