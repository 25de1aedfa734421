import { describe, expect, test } from '@jest/globals';
import { looksLikeReadings } from '../../src/formats/looks-like-readings.js';
import { readDirtyReadings } from '../../src/formats/readings.js';

const points = (text: string): (readonly [number, number])[] =>
  readDirtyReadings(text, 'r').points.map(({ durationUs, pages }) => [durationUs, pages] as const);

describe('readings of a dirty curve', () => {
  test('as CSV, in pages or in bytes, in any order', () => {
    expect(points('period,pages\n1s,16000\n125ms,3300\n')).toEqual([
      [125_000, 3300],
      [1_000_000, 16_000],
    ]);
    expect(points('bytes;period\n33MiB;125ms\n')).toEqual([[125_000, 8448]]);
  });

  test('as JSON pairs and objects', () => {
    expect(points('[["125ms", 33], ["1s", "33MiB"]]')).toEqual([
      [125_000, 33],
      [1_000_000, 8448],
    ]);
    expect(points('[{"period": "2s", "bytes": 8192}]')).toEqual([[2_000_000, 2]]);
  });

  test('as query-dirty-rate replies: MiB/s over the calc-time', () => {
    const replies = [
      '{"execute": "query-dirty-rate"}',
      '{"return": {"status": "measuring", "calc-time": 1}}',
      '{"return": {"status": "measured", "dirty-rate": 100, "calc-time": 500, "calc-time-unit": "millisecond", "mode": "dirty-bitmap"}}',
      '{"return": {"status": "measured", "dirty-rate": 40, "calc-time": 10, "mode": "page-sampling"}}',
    ];
    const read = readDirtyReadings(replies.join('\n'), 'r');
    expect(read.points).toEqual([
      { durationUs: 500_000, pages: 12_800 },
      { durationUs: 10_000_000, pages: 102_400 },
    ]);
    expect(read.notes).toEqual(['page sampling only sees pages whose content changed']);
  });

  test('a rate of 0 says less than 1 MiB/s, not nothing: it is left out and told', () => {
    const read = readDirtyReadings(
      '[{"dirty-rate": 0, "calc-time": 1}, {"dirty-rate": 5, "calc-time": 2}]',
      'r',
    );
    expect(read.points).toHaveLength(1);
    expect(read.notes[0]).toContain('below 1 MiB/s');
  });

  const mistakes: [string, string, string][] = [
    ['no file', '', 'r: the file is empty'],
    ['other columns', 'time,pages\n1s,3\n', 'r:1: expected a CSV with the columns period and pages'],
    ['a period without a unit', 'period,pages\n125,33\n', 'r:2: "125" lacks a unit'],
    ['a missing cell', 'period,pages\n125ms\n', 'r:2: '],
    ['less than a page', 'period,bytes\n1s,100\n', 'r:2: less than a page'],
    ['no readings', 'period,pages\n', 'r: no reading below the header'],
    ['a curve that falls', '[["1s", 30], ["2s", 20]]', 'a longer period cannot dirty fewer'],
    ['one period twice', '[["1s", 30], ["1000ms", 20]]', 'two readings of the period 1000 ms'],
    ['something else', '[{"a": 1}]', 'r:1: reading 1: expected "period"'],
    ['an open quote', 'period,pages\n"1s,3\n', 'r:2: this is not CSV'],
  ];
  test.each(mistakes)('refuses %s', (_, text, message) => {
    expect(() => readDirtyReadings(text, 'r')).toThrow(message);
  });

  test('are told from a query-migrate log', () => {
    expect(looksLikeReadings('period,pages\n')).toBe(true);
    expect(looksLikeReadings('[["1s", 3]]')).toBe(true);
    expect(looksLikeReadings('{"return": {"dirty-rate": 3, "calc-time": 1}}')).toBe(true);
    expect(
      looksLikeReadings('[{"query_migrate": {"status": "active", "ram": {"dirty-pages-rate": 3}}}]'),
    ).toBe(false);
  });
});
