import { describe, expect, test } from '@jest/globals';
import { keysOf } from '../../src/lists.js';
import { comparisonTable } from '../../src/report/terminal/table.js';
import { plainPage, type Style } from '../../src/report/terminal/kit/style.js';
import { strategies } from '../../src/strategies/index.js';
import { choiceOf, madeUpComparison, madeUpFailure, madeUpResult, madeUpVcpu, reader } from './made-up.js';

const dirtyLimit = choiceOf('dirty-limit', 'dirty-limit(vcpu-dirty-limit=100MiB/s)');
const autoConverge = choiceOf('auto-converge');
const none = choiceOf('none');

function lineOf(table: string, label: string): string {
  return table.split('\n').find((line) => line.startsWith(label)) ?? '';
}

describe('the comparison table', () => {
  test('stars the best figure of those that converged: who gave up did more work, but not the task', () => {
    const table = comparisonTable(
      madeUpComparison([
        [none, [madeUpFailure({ vcpus: [madeUpVcpu({ workDone: 1 }), reader] })]],
        [
          autoConverge,
          [madeUpResult({ totalTimeMs: 30_000, vcpus: [madeUpVcpu({ workDone: 0.8 }), reader] })],
        ],
        [dirtyLimit, [madeUpResult({ totalTimeMs: 20_000, vcpus: [madeUpVcpu({ workDone: 0.7 }), reader] })]],
      ]),
    );
    expect(
      lineOf(table, 'total time')
        .trim()
        .split(/\s{2,}/),
    ).toEqual(['total time', '> 10 min', '30 s', '20 s*']);
    expect(
      lineOf(table, 'work by writers')
        .trim()
        .split(/\s{2,}/),
    ).toEqual(['work by writers', '100 %', '80 %*', '70 %']);
    // All that converged have the same readers, so none of them is best.
    expect(lineOf(table, 'work by readers')).not.toContain('*');
    expect(table).toContain('* best of the strategies that converged');
  });

  test('explains a star only where there is one', () => {
    const table = comparisonTable(madeUpComparison([[none, [madeUpResult()]]]));
    expect(table).not.toContain('*');
  });

  test('stars nobody where the runs of one guest do not tell them apart', () => {
    const results = (...times: readonly number[]) =>
      times.map((totalTimeMs) => madeUpResult({ totalTimeMs }));
    const noise = comparisonTable(
      madeUpComparison([
        [none, results(20_000, 30_000, 40_000)],
        [autoConverge, results(21_000, 29_000, 41_500)],
      ]),
    );
    expect(noise).not.toContain('*');
    // One second less in every run is one second less, however much the runs differ from each other.
    const steady = comparisonTable(
      madeUpComparison([
        [none, results(20_000, 30_000, 40_000)],
        [autoConverge, results(21_000, 31_010, 41_000)],
      ]),
    );
    expect(lineOf(steady, 'total time')).toContain('*');
    expect(steady.replaceAll(/\s+/g, ' ')).toContain('paired 95 % interval');
  });

  test.each([2, 4, 8, 14])('never breaks a name of %i strategies inside a word', (count) => {
    const names = ['auto-converge', 'predictive-restraint', 'responsive-throttle', 'none'] as const;
    const entries = Array.from({ length: count }, (_, index) => {
      const name = names[index % names.length]!;
      return [choiceOf(name, `${name}(x=${index})`), [madeUpResult()]] as const;
    });
    const table = comparisonTable(madeUpComparison(entries));
    for (const line of table.split('\n')) expect([line, line.length <= 80]).toEqual([line, true]);
    const [heads = ''] = table.split(/^\[1\]/m);
    for (const word of heads.match(/[a-z]+-?[a-z]*(?=\s|$)/g) ?? []) expect(word).not.toMatch(/-$/);
    for (const name of names.slice(0, count)) expect(heads).toMatch(new RegExp(`\\s${name}(\\s|$)`, 'm'));
  });

  test('says why and where a strategy stalls', () => {
    const table = comparisonTable(madeUpComparison([[none, [madeUpFailure()]]]));
    expect(lineOf(table, 'converged')).toMatch(/no$/);
    expect(lineOf(table, 'stalls at')).toMatch(/2 GiB$/);
    expect(lineOf(table, 'sufficient pause')).toMatch(/1\.7 s$/);
    expect(table).toContain('none did not converge: nothing restrains the guest');
  });

  test('leaves out rows that have nothing to say', () => {
    const table = comparisonTable(madeUpComparison([[none, [madeUpResult()]]]));
    for (const label of ['stalls at', 'held for', 'peak throttle', 'peak ring sleep'])
      expect(lineOf(table, label)).toBe('');
    expect(lineOf(table, 'blackout')).not.toBe('');
  });

  test('of several runs shows mean and spread, and how many converged', () => {
    // 10, 20 and 30 s have the mean 20 s and the sample deviation sqrt((100 + 0 + 100) / 2) = 10 s.
    const runs = [10_000, 20_000, 30_000].map((totalTimeMs) => madeUpResult({ totalTimeMs }));
    const table = comparisonTable(
      madeUpComparison([
        [none, runs],
        [autoConverge, [runs[0]!, madeUpFailure(), runs[2]!]],
      ]),
    );
    expect(lineOf(table, 'converged')).toMatch(/3 of 3\s+2 of 3$/);
    // Wilson: 3 of 3 is [0.44, 1], 2 of 3 is [0.21, 0.94].
    expect(lineOf(table, 'probability')).toMatch(/44-100 %\s+21-94 %$/);
    expect(lineOf(table, 'total time')).toMatch(/20 s ±10 s\s+20 s ±14\.1 s$/);
    expect(lineOf(table, 'downtime')).toMatch(/200 ms\s+200 ms$/);
    expect(table).toContain('auto-converge (run 2) did not converge');
    expect(table).toContain('3 runs of each strategy');
  });

  test('a strategy that failed in one run is never the best', () => {
    const quick = madeUpResult({ totalTimeMs: 1000 });
    const table = comparisonTable(
      madeUpComparison([
        [none, [quick, madeUpFailure()]],
        [autoConverge, [madeUpResult(), madeUpResult()]],
        [
          choiceOf('dirty-limit'),
          [madeUpResult({ totalTimeMs: 25_000 }), madeUpResult({ totalTimeMs: 25_000 })],
        ],
      ]),
    );
    expect(
      lineOf(table, 'total time')
        .trim()
        .split(/\s{2,}/),
    ).toEqual(['total time', '1 s', '20 s*', '25 s']);
  });

  test.each([1, 2, 3, 4, 5, 6, 8, 12])('of %i strategies fits 80 columns, each strategy once', (count) => {
    const spread = [1, 2, 3].map((k) =>
      madeUpResult({ totalTimeMs: 80_000 + 1234.5 * k, sentBytes: 123_456_789_012 + 1e9 * k }),
    );
    const entries = Array.from({ length: count }, (_, index) => {
      const label = `auto-converge(cpu-throttle-initial=${index + 10},cpu-throttle-increment=20)`;
      return [choiceOf('auto-converge', label), spread] as const;
    });
    const table = comparisonTable(madeUpComparison(entries));
    for (const line of table.split('\n')) expect([line, line.length <= 80]).toEqual([line, true]);
    for (const [{ label }] of entries) expect(table.split(`] ${label}`)).toHaveLength(2);
    expect(
      table
        .split(/^converged/m)
        .slice(1)
        .join('')
        .match(/3 of 3/g),
    ).toHaveLength(count);
  });

  test.each([60, 80, 120])('at %i columns has every strategy under its whole name', (width) => {
    const names = keysOf(strategies);
    const table = comparisonTable(madeUpComparison(names.map((name) => [choiceOf(name), [madeUpResult()]])), {
      ...plainPage,
      width,
    });
    // What stands above a rule, up to the empty line before it, is the head of a block.
    const heads = table
      .split(/^─+$/m)
      .slice(0, -1)
      .map((block) => block.split('\n\n').at(-1));
    const words = heads
      .join(' ')
      .split(/\s+/)
      .filter((word) => word !== '');
    expect(words.toSorted()).toEqual(names.toSorted());
  });

  test('colours do not change where anything stands', () => {
    const mark = (text: string): string => `\u001b[1m${text}\u001b[22m`;
    const style: Style = { strong: mark, faint: mark, good: mark, bad: mark };
    const comparison = madeUpComparison([
      [none, [madeUpFailure()]],
      [autoConverge, [madeUpResult({ totalTimeMs: 30_000 })]],
      [dirtyLimit, [madeUpResult()]],
    ]);
    const coloured = comparisonTable(comparison, { width: 80, style });
    expect(coloured).toContain('\u001b[');
    const stripped = coloured.replaceAll(/\u001b\[\d+m/g, '').replaceAll(/ +$/gm, '');
    expect(stripped).toBe(comparisonTable(comparison));
  });
});
