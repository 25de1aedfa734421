import { expect, test } from '@jest/globals';
import { bareName } from '../../src/experiment/measure.js';
import { runColumns, vcpuColumns } from '../../src/report/columns.js';
import { GROUP_KEYS, RUN_KEYS } from '../../src/scenario/expectations.js';

const keysOf = (columns: readonly Parameters<typeof bareName>[0][]): string[] =>
  columns.map((column) => bareName(column).replaceAll('_', '-'));

test('what can be expected of a run is a column of runs.csv', () => {
  expect(keysOf(runColumns)).toEqual(expect.arrayContaining(RUN_KEYS.filter((key) => key !== 'converges')));
});

test('what can be expected of a group is a column of vcpus.csv', () => {
  expect(keysOf(vcpuColumns)).toEqual(expect.arrayContaining([...GROUP_KEYS]));
});
