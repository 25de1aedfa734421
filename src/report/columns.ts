/**
 * The one description of results: name, unit, meaning and getter of every column, one file per table in `columns/`.
 * CSV headers, JSON keys, table labels, the keys of `expect:` and docs/csv.md come from here.
 */
import { nth } from '../lists.js';
import { type ResultTable, resultTable } from './column.js';
import { keyColumns, runColumns } from './columns/runs.js';
import { syncColumns } from './columns/syncs.js';
import { timelineColumns } from './columns/timeline.js';
import { MOST_VCPU_TIMELINE_ROWS, vcpuTimeline, vcpuTimelineColumns } from './columns/vcpu-timeline.js';
import { vcpuColumns } from './columns/vcpus.js';

/** @throws RangeError for a name that no table has */
export function tableNamed(name: string): ResultTable {
  return nth(
    resultTables.filter((table) => table.name === name),
    0,
  );
}

/** One entry a file: `<name>.csv`, and but for the last the key under which JSON has its rows. */
export const resultTables: readonly ResultTable[] = [
  resultTable(
    { name: 'runs', about: 'one row a run', columns: runColumns, rows: (result) => [result] },
    keyColumns,
  ),
  resultTable(
    { name: 'vcpus', about: 'one row a vCPU of a run', columns: vcpuColumns, rows: (result) => result.vcpus },
    keyColumns,
  ),
  resultTable(
    { name: 'syncs', about: 'one row a bitmap sync', columns: syncColumns, rows: (result) => result.syncs },
    keyColumns,
  ),
  resultTable(
    {
      name: 'timeline',
      about: 'one row a sample',
      columns: timelineColumns,
      rows: (result) => result.timeline.map((point) => ({ result, point })),
    },
    keyColumns,
  ),
  resultTable(
    {
      name: 'vcpu-timeline',
      about: `one row a sample and vCPU, of the first run of each strategy; where that would be more than ${MOST_VCPU_TIMELINE_ROWS} rows a run, a row covers several samples`,
      columns: vcpuTimelineColumns,
      rows: vcpuTimeline,
    },
    keyColumns,
  ),
];
