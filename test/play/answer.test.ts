import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { compare } from '../../src/experiment/compare.js';
import { simulate } from '../../src/experiment/simulate.js';
import { answers } from '../../src/play/answer.js';
import { mapOrder } from '../../src/play/map.js';
import type { Answer, Ask } from '../../src/play/protocol.js';
import { timelineSvg } from '../../src/play/timeline-svg.js';
import { learnFromLog } from '../../src/recording/learn/learn-from-log.js';
import { comparisonTable } from '../../src/report/terminal/table.js';
import { parseScenario } from '../../src/scenario/parse.js';

const text = readFileSync('test/cli/small.yaml', 'utf8');
const HOW = { text, file: 'small.yaml', seed: 7, memory: 'fluid' } as const;

function all<Kind extends Answer['kind']>(ask: Ask, kind: Kind): Extract<Answer, { kind: Kind }>[] {
  const isOf = (answer: Answer): answer is Extract<Answer, { kind: Kind }> => answer.kind === kind;
  return [...answers(ask)].filter(isOf);
}

/** What can be cloned is what a worker can send. */
function travelled(given: readonly Answer[]): readonly Answer[] {
  return structuredClone(given);
}

describe('one run of each strategy', () => {
  const given = [...answers({ kind: 'runs', ...HOW })];
  const comparison = compare(parseScenario(text, 'small.yaml'), { seed: 7, memory: 'fluid' });

  test('has every word of the table that compare prints', () => {
    const [answer] = given.filter(({ kind }) => kind === 'table') as Extract<Answer, { kind: 'table' }>[];
    const printed = comparisonTable(comparison).replace(/\s+/g, ' ');
    const { heading, heads, rows, notes, why } = answer!.table;
    const cells = rows.flatMap(({ label, cells: own }) => [
      label,
      ...own.map(({ text: cell, best }) => (best ? `${cell}*` : cell)),
    ]);
    const words = [...heading, ...heads, ...cells, ...notes, ...why];
    expect(words.filter((word) => !printed.includes(word.replace(/\s+/g, ' ')))).toEqual([]);
    expect(rows.length).toBeGreaterThan(10);
    expect(why).toHaveLength(1);
  });

  test('comes strategy by strategy, and can travel', () => {
    expect(given.map(({ kind }) => kind)).toEqual(['strategy', 'strategy', 'table', 'end']);
    expect(travelled(given)).toEqual(given);
  });

  test('has curves that end where the run ended, and each decision in its order', () => {
    const views = all({ kind: 'runs', ...HOW }, 'strategy').map(({ view }) => view);
    views.forEach(({ curves, totalMs, decisions, label }, index) => {
      expect(label).toBe(comparison.strategies[index]!.strategy.label);
      expect(totalMs).toBe(comparison.strategies[index]!.results[0]!.totalTimeMs);
      expect(Math.abs(curves.time.at(-1)! - totalMs / 1e3)).toBeLessThan(0.5);
      const times = decisions.map(({ time }) => time);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      for (const curve of Object.values(curves)) expect(curve).toHaveLength(curves.time.length);
    });
  });

  test('is refused in the words of the command line', () => {
    const ringless = text
      .replace('dirty-ring-size: 4096', 'dirty-ring-size: 0')
      .replace('[none,', '[dirty-limit,');
    expect([...answers({ kind: 'runs', ...HOW, text: ringless })]).toEqual([
      {
        kind: 'wrong',
        message: expect.stringMatching(/^small\.yaml:\d+:\d+: dirty-limit cannot run here: /),
      },
    ]);
    expect([...answers({ kind: 'runs', ...HOW, text: 'gest: 1' })]).toEqual([
      { kind: 'wrong', message: expect.stringContaining('did you mean guest?') },
    ]);
  });
});

describe('drawn runs', () => {
  const RUNS = 6;
  const ask: Ask = { kind: 'draws', ...HOW, runs: RUNS, endS: 30 };

  test('make bands that hold the runs, and the table of compare --runs', () => {
    const { bands } = all(ask, 'bands').at(-1)!;
    const scenario = parseScenario(text, 'small.yaml');
    const comparison = compare(scenario, { seed: 7, memory: 'fluid', runs: RUNS, timelineMs: 100 });
    bands.strategies.forEach(({ remaining, converged, runs }, index) => {
      const { results } = comparison.strategies[index]!;
      expect([converged, runs]).toEqual([results.filter((result) => result.converged).length, RUNS]);
      // With six runs the tails of 5 % are the least and the most of them.
      const first = results.map(({ timeline }) => timeline[0]!.remainingBytes / 2 ** 20);
      expect([remaining.low[0], remaining.high[0]]).toEqual([Math.min(...first), Math.max(...first)]);
      remaining.low.forEach((low, at) => expect(low).toBeLessThanOrEqual(remaining.high[at]!));
    });
    const table = all(ask, 'table').at(-1)!;
    const printed = comparisonTable(comparison).replace(/\s+/g, ' ');
    for (const line of table.table.certainty) expect(printed).toContain(line);
    expect(table.runs).toBe(RUNS);
  });

  test('give way between any two runs', () => {
    const pieces = [...answers(ask)].map(({ kind }) => kind);
    expect(pieces.filter((kind) => kind === 'progress')).toHaveLength(2 * RUNS);
  });
});

describe('the map', () => {
  test.each([
    [1, 1],
    [20, 14],
    [9, 8],
  ])('of %i by %i cells has each once, and coarse ones first', (columns, rows) => {
    const cells = mapOrder(columns, rows);
    expect(new Set(cells.map(({ x, y }) => `${x} ${y}`)).size).toBe(columns * rows);
    expect(cells).toHaveLength(columns * rows);
    const spans = cells.map(({ span }) => span);
    expect(spans).toEqual([...spans].sort((a, b) => b - a));
  });

  test('has in each cell what a run with its two values comes to', () => {
    const x = { path: 'guest.vcpus.0.workload.write', values: ['10MiB/s', '400MiB/s'] };
    const y = { path: 'link.bandwidth', values: ['1Gbit/s', '2kbit/x'] };
    const cells = all({ kind: 'map', ...HOW, x, y }, 'cell');
    for (const { x: across, y: up, endings } of cells) {
      if (up === 1) {
        for (const ending of endings) expect(ending).toContain('2kbit/x');
        continue;
      }
      const set = [`${x.path}=${x.values[across]}`, `${y.path}=${y.values[up]}`];
      const scenario = parseScenario(text, 'small.yaml', { set });
      const expected = scenario.strategies.map((strategy) => {
        const result = simulate(scenario, strategy, { seed: 7, memory: 'fluid' });
        return result.converged ? result.totalTimeMs / 1e3 : null;
      });
      expect(endings).toEqual(expected);
    }
    expect(cells.map(({ share }) => share)).toEqual([0.25, 0.5, 0.75, 1]);
  });
});

describe('a dropped file', () => {
  const log = readFileSync('examples/stuck-migration.log', 'utf8');

  test('that is a log becomes the guest that learn finds, with what it understood', () => {
    const [answer] = all({ kind: 'learn', files: [{ file: 'a/stuck migration.log', text: log }] }, 'learned');
    const learned = learnFromLog(log, 'a/stuck migration.log');
    expect(answer!.text).toBe(learned.scenario);
    expect(answer!.file).toBe('stuck migration.yaml');
    expect(answer!.lines).toEqual(expect.arrayContaining(learned.understood.lines.map((line) => [...line])));
  });

  test('that is a scenario is taken as it is', () => {
    const [answer] = all({ kind: 'learn', files: [{ file: 'small.yaml', text }] }, 'learned');
    expect(answer).toMatchObject({ file: 'small.yaml', text });
  });

  test.each([
    ['../../etc/passwd', 'passwd.yaml'],
    ['--help.log', 'help.yaml'],
    ['$(reboot).log', 'reboot.yaml'],
    ['<img src=x>.txt', 'img srcx.yaml'],
    ['…', 'guest.yaml'],
  ])('called %s makes a scenario of a harmless name', (file, name) => {
    const [answer] = all({ kind: 'learn', files: [{ file, text: log }] }, 'learned');
    expect(answer!.file).toBe(name);
  });

  test.each([
    ['nothing', ''],
    ['no format', 'hello <script>alert(1)</script>'],
    ['bytes', '\u0000\u0001\u0002'],
  ])('that is %s is refused in a line', (_, own) => {
    expect([...answers({ kind: 'learn', files: [{ file: 'x.log', text: own }] })]).toEqual([
      { kind: 'wrong', message: expect.stringMatching(/^x\.log[^\n]*expected/) },
    ]);
  });
});

describe('the timeline as a file', () => {
  const views = all({ kind: 'runs', ...HOW }, 'strategy').map(({ view }) => view);

  test('escapes what it is called, and has a path for each curve', () => {
    const svg = timelineSvg('<script>&"', views, null, [0, 10]);
    expect(svg).not.toContain('<script>');
    expect(svg.match(/<path /g)!.length).toBeGreaterThanOrEqual(2 * 5);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('is the same for the same run', () =>
    expect(timelineSvg('x', views, null, [0, 10])).toBe(timelineSvg('x', views, null, [0, 10])));
});
