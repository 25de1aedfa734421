import { describe, expect, test } from '@jest/globals';
import { simulate } from '../../src/experiment/simulate.js';
import { brailleCurve, runChart } from '../../src/report/terminal/kit/braille.js';
import { plain } from '../../src/report/terminal/kit/style.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { madeUpPoint, madeUpResult, madeUpVcpu } from './made-up.js';
import { SCENARIO } from './small-results.js';

describe('a curve in braille', () => {
  test('has two dots to a character across, four up', () => {
    // From the lower left to the upper right dot of one character: 7-3-5-4 of the Braille patterns, and none beside.
    expect(
      brailleCurve(
        [
          { x: 0, y: 0 },
          { x: 1, y: 3 },
        ],
        { columns: 1, rows: 1 },
        { right: 1, top: 3 },
      ),
    ).toEqual(['⡜']);
    expect(
      brailleCurve(
        [
          { x: 0, y: 0 },
          { x: 1, y: 0 },
        ],
        { columns: 2, rows: 1 },
        { right: 1, top: 3 },
      ),
    ).toEqual(['⣀⣀']);
    expect(
      brailleCurve(
        [
          { x: 0, y: 3 },
          { x: 1, y: 3 },
        ],
        { columns: 1, rows: 2 },
        { right: 1, top: 3 },
      ),
    ).toEqual(['⠉', ' ']);
  });

  test('leaves no gap where it is steep', () => {
    const rows = brailleCurve(
      [
        { x: 0, y: 0 },
        { x: 0, y: 1 },
      ],
      { columns: 1, rows: 3 },
      { right: 1, top: 1 },
    );
    expect(rows).toEqual(['⡇', '⡇', '⡇']);
  });

  test('stays within its size, whatever the values', () => {
    const points = [
      { x: -5, y: -5 },
      { x: 50, y: 50 },
      { x: 50, y: 0 },
    ];
    const rows = brailleCurve(points, { columns: 10, rows: 2 }, { right: 10, top: 10 });
    expect(rows.map((row) => row.length)).toEqual([10, 10]);
    expect(brailleCurve([{ x: 0, y: 0 }], { columns: 3, rows: 1 }, { right: 0, top: 0 })).toEqual(['⡀  ']);
  });
});

test('the chart of a run keeps within the page and marks its syncs', () => {
  const scenario = parseScenario(SCENARIO, 'small.yaml');
  const result = simulate(scenario, scenario.strategies[1]!, { timelineMs: 100 });
  for (const width of [40, 80]) {
    const lines = runChart(result, { width, style: plain }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines.filter((line) => line.includes('remaining') || line.includes('throttle'))).toHaveLength(2);
    const marks = lines.find((line) => line.startsWith('syncs'))!.match(/╵/g)!.length;
    expect(marks).toBeGreaterThan(3);
    expect(marks).toBeLessThanOrEqual(result.syncs.length);
  }
  const { timeline, ...rest } = result;
  expect(runChart({ ...rest, timeline: timeline.slice(0, 1) })).toBe('The run has no timeline to draw.');
});

test('vCPUs have lines of their own where those of a group do not do the same', () => {
  const lines = (shares: readonly number[]): string[] => {
    const vcpus = shares.map((_, id) => madeUpVcpu({ id, group: id < 3 ? 'writer' : 'reader' }));
    const timeline = [1, 2, 3].map((k) => madeUpPoint({ timeMs: 100 * k, vcpuWorkShare: shares }));
    const chart = runChart(madeUpResult({ vcpus, timeline }), { width: 60, style: plain });
    return chart.split('\n').filter((line) => /^(writer|reader) /.test(line));
  };
  expect(lines([0.5, 0.55, 0.5, 1])).toEqual([]);
  const columns = 60 - 11;
  expect(lines([0.5, 1, 0.55, 1])).toEqual([
    `writer ×2  ${'▄'.repeat(columns)}`,
    `writer 1   ${'█'.repeat(columns)}`,
    `reader 3   ${'█'.repeat(columns)}`,
  ]);
});
