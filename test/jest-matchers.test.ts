import { describe, expect, test } from '@jest/globals';
import '../src/jest.js';
import { chooseStrategy, choosePolicy } from '../src/experiment/choice.js';
import { compare } from '../src/experiment/compare.js';
import { simulate } from '../src/experiment/simulate.js';
import { sweep } from '../src/api/sweep.js';
import { loadScenario } from '../src/scenario/load.js';
import { none } from '../src/strategies/none.js';
import { choiceOf, madeUpFailure, madeUpResult, madeUpVcpu, reader } from './report/made-up.js';

/** What the assertion says when it fails; fails itself when it holds. */
function failureOf(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the assertion holds');
}

const quick = madeUpResult({ strategy: 'quick', totalTimeMs: 20_000, downtimeMs: 200 });
const slow = madeUpResult({ strategy: 'slow', totalTimeMs: 70_000 });
const lost = madeUpFailure({ strategy: 'lost', totalTimeMs: 60_000 });

describe('toConverge', () => {
  test('holds and does not', () => {
    expect(quick).toConverge();
    expect(lost).not.toConverge();
  });

  test('says how it ended and what bound it', () => {
    expect(failureOf(() => expect(lost).toConverge())).toBe(
      'expected lost on made-up to converge, but it gave up after 1 min: nothing restrains the guest',
    );
    expect(failureOf(() => expect(quick).not.toConverge())).toBe(
      'expected quick on made-up not to converge, but it converged in 20 s with a downtime of 200 ms',
    );
  });

  test('of several runs means all, and names the one that does not', () => {
    const runs = [quick, { ...lost, run: 2 }];
    expect([quick, quick]).toConverge();
    expect({ strategy: choiceOf('none'), results: [quick] }).toConverge();
    expect(failureOf(() => expect(runs).toConverge())).toMatch(/^expected lost .*\(run 2\)$/);
    const three = [...runs, { ...lost, run: 3 }];
    expect(failureOf(() => expect(three).toConverge())).toMatch(/\(run 2; 2 of 3 are wrong\)$/);
  });

  test('under not means none of them', () => {
    expect([lost, lost]).not.toConverge();
    expect(failureOf(() => expect([lost, { ...quick, run: 2 }]).not.toConverge())).toBe(
      'expected quick on made-up not to converge, but it converged in 20 s with a downtime of 200 ms (run 2)',
    );
  });

  test('takes a comparison, and rows of a sweep', async () => {
    const scenario = loadScenario('test/cli/small.yaml');
    expect(failureOf(() => expect(compare(scenario, { memory: 'fluid' })).toConverge())).toMatch(
      /^expected none on small to converge, but it gave up after 1 min: .* \(run 1\)$/,
    );
    const swept = await sweep(scenario, { vary: ['link.bandwidth=1Gbit/s,10Gbit/s'] });
    expect(swept.rows.filter(({ strategy }) => strategy === 'auto-converge')).toConverge();
    expect(failureOf(() => expect(swept).toConverge())).toBe(
      'expected none on small to converge, but it gave up after 1 min: link (link.bandwidth=1Gbit/s, run 1; 2 of 4 are wrong)',
    );
    expect(swept.rows[1]!).toFinishBefore(swept.rows[0]!);
    expect(failureOf(() => expect(swept.rows[1]!).not.toKeepReadersAbove('1%'))).toMatch(
      /^expected auto-converge on small not to keep readers above 1 %, but it left them .* \(link.bandwidth=1Gbit\/s\)$/,
    );
  });
});

describe('toConvergeWithin', () => {
  test('takes total-time, the bound included', () => {
    expect(quick).toConvergeWithin('20s');
    expect(quick).not.toConvergeWithin('19999ms');
    // In time, but only because it was given up.
    expect(lost).not.toConvergeWithin('10min');
  });

  test('says by how much it is late', () => {
    expect(failureOf(() => expect(slow).toConvergeWithin('1min'))).toBe(
      'expected slow on made-up to converge within 1 min, but it converged in 1 min 10 s with a downtime of 200 ms, ' +
        '10 s too late',
    );
  });
});

describe('toKeepReadersAbove', () => {
  test('takes the vCPUs that only read', () => {
    expect(quick).toKeepReadersAbove('98%'); // the reader does 99 %, the writer 90 %
    expect(quick).not.toKeepReadersAbove('99%');
    expect(failureOf(() => expect(quick).toKeepReadersAbove('99.5%'))).toBe(
      'expected quick on made-up to keep readers above 99.5 %, but it left them 99 % of their work',
    );
  });

  test('shows the digits that tell it from the bound', () => {
    const nearly = madeUpResult({ vcpus: [{ ...reader, workDone: 0.98996 }] });
    expect(failureOf(() => expect(nearly).toKeepReadersAbove('99%'))).toMatch(
      /left them 98\.996 % of their work$/,
    );
  });

  test('is about nothing where there are none, with and without not', () => {
    const writers = madeUpResult({ vcpus: [madeUpVcpu()] });
    for (const assertion of [
      () => expect(writers).toKeepReadersAbove('1%'),
      () => expect(writers).not.toKeepReadersAbove('1%'),
    ]) {
      expect(failureOf(assertion)).toBe('toKeepReadersAbove: none on made-up has no vCPU that only reads');
    }
    expect(madeUpResult({ vcpus: [reader] })).toKeepReadersAbove('1%');
  });
});

describe('toFinishBefore', () => {
  test('compares total-time; who does not converge never finishes', () => {
    expect(quick).toFinishBefore(slow);
    expect(slow).not.toFinishBefore(quick);
    expect(quick).not.toFinishBefore(quick);
    expect(slow).toFinishBefore(lost); // though lost was given up earlier
    expect(lost).not.toFinishBefore(lost);
    expect(failureOf(() => expect(slow).toFinishBefore(quick))).toBe(
      'expected slow on made-up to finish before quick on made-up, but it converged in 1 min 10 s with a downtime of ' +
        '200 ms; quick converged in 20 s with a downtime of 200 ms',
    );
  });

  test('compares run by run', () => {
    const [even, odd] = [madeUpResult({ totalTimeMs: 10_000 }), madeUpResult({ totalTimeMs: 30_000 })];
    const [evenLater, oddLater] = [even, odd].map((result) => ({
      ...result,
      totalTimeMs: result.totalTimeMs + 5_000,
    }));
    expect([even, odd]).toFinishBefore([evenLater!, oddLater!]);
    expect(failureOf(() => expect([even, odd]).toFinishBefore([oddLater!, evenLater!]))).toMatch(
      /it converged in 30 s .* converged in 15 s/,
    );
    expect(failureOf(() => expect([even, odd]).toFinishBefore([odd]))).toBe(
      'toFinishBefore: 2 runs cannot be compared with 1 run; expected as many of both',
    );
  });
});

test.each([
  [
    'no unit',
    () => expect(quick).toConvergeWithin('60'),
    /^toConvergeWithin: "60" lacks a unit; expected a number/,
  ],
  ['a ratio', () => expect(quick).toKeepReadersAbove('0.95'), /^toKeepReadersAbove: .* did you mean 95%\?/],
  [
    'a number',
    () => expect(quick).toConvergeWithin(60 as never),
    /^toConvergeWithin: expected a text with a unit, got 60$/,
  ],
  [
    'nothing',
    () => expect(quick).not.toFinishBefore(undefined as never),
    /^toFinishBefore: expected results of simulate\(\), compare\(\) or sweep\(\), got nothing$/,
  ],
  ['no result', () => expect('quick').toConverge(), /^toConverge: expected results of .*, got "quick"$/],
  ['no runs', () => expect([]).toConverge(), /^toConverge: expected results of .*, got none$/],
  ['a function', () => expect(simulate).toConverge(), /^toConverge: expected results of .*, got a function$/],
  [
    'a promise',
    () => expect(Promise.resolve(quick)).toConverge(),
    /^toConverge: expected results of .*, got a promise: await it$/,
  ],
])('%s is a mistake that is told', (_, assertion, message) => {
  expect(failureOf(assertion)).toMatch(message);
});

describe('with the simulator', () => {
  const scenario = loadScenario('test/cli/small.yaml');
  const run = (strategy: Parameters<typeof chooseStrategy>[0], options = {}): ReturnType<typeof simulate> =>
    simulate(scenario, chooseStrategy(strategy, options), { memory: 'fluid' });

  test('strategies are chosen by name or definition', () => {
    expect(run(none)).not.toConverge();
    expect(run('auto-converge')).toConvergeWithin('60s');
    // A first step as high as the last one of the other ends it sooner.
    expect(run('auto-converge', { 'cpu-throttle-initial': 80 })).toFinishBefore(run('auto-converge'));
  });

  test('options are checked, and policies chosen alike', () => {
    expect(() => chooseStrategy('auto-convrge')).toThrow('did you mean auto-converge?');
    expect(() => chooseStrategy('auto-converge', { 'cpu-throttle-initial': 200 })).toThrow(
      /^auto-converge\.cpu-throttle-initial: expected/,
    );
    expect(choosePolicy('timeout', { after: '5s' }).label).toBe('timeout(after=5s)');
    expect(choosePolicy('timeout').label).toBe('timeout');
  });
});
