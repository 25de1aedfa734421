import { expect, test } from '@jest/globals';
import { bareName } from '../../src/experiment/expect/measure.js';
import { runColumns } from '../../src/report/columns/runs.js';
import { vcpuColumns } from '../../src/report/columns/vcpus.js';
import { GROUP_KEYS, RUN_KEYS } from '../../src/scenario/expectations.js';

const keysOf = (columns: readonly Parameters<typeof bareName>[0][]): string[] =>
  columns.map((column) => bareName(column).replaceAll('_', '-'));

/** Columns that say which run or vCPU a row is of; of these nothing is to be expected. */
const KEYS = ['vcpu', 'group'];

test('every column of runs.csv can be expected of a run', () => {
  // Two columns are called downtime but for their units, so the bytes keep theirs; a rate of pages would be called dirty.
  const keys = keysOf(runColumns).map((key, index, all) =>
    all.indexOf(key) < index || key === 'dirty' ? runColumns[index]!.name.replaceAll('_', '-') : key,
  );
  const own = keys.map((key) => (key === 'converged' ? 'converges' : key));
  expect([...RUN_KEYS].sort()).toEqual(own.sort());
});

test('every column of vcpus.csv can be expected of a group', () => {
  expect([...GROUP_KEYS].sort()).toEqual(
    keysOf(vcpuColumns)
      .filter((key) => !KEYS.includes(key))
      .sort(),
  );
});
