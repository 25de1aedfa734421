/** Cells that were complete when a sweep was cut off: taken as they are where everything still holds, and else made again. */
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openFiles } from '../../src/experiment/sweep/folder/folder-files.js';
import { planFileOf } from '../../src/experiment/sweep/folder/folder.js';
import type { Mark } from '../../src/experiment/sweep/folder/marks.js';
import type { SweepCell } from '../../src/experiment/sweep/folder/results.js';
import { type SweepRun, runSweep } from '../../src/experiment/sweep/run.js';
import { parseVariation } from '../../src/experiment/sweep/variation.js';
import { bytesOf, optionsOf, scratch, specOf } from './sweeps.js';

const folder = scratch();

/** Four cells, the first two of which draw nothing and have no bands; each is a unit of 200 runs and one of 10. */
const ROWS_OF_CELL = 420;
const spec = specOf({
  scenario: {
    file: 'idle.yaml',
    text: `
guest: { memory: 64MiB, vcpus: [{ count: 1, workload: idle }] }
link: { bandwidth: 1Gbit/s }
strategies: [none, stop-and-copy]
`,
  },
  vary: ['host.variability=none,profile', 'link.bandwidth=1Gbit/s,10Gbit/s'].map((text) =>
    parseVariation(text),
  ),
  runs: ROWS_OF_CELL / 2,
});

async function cellsOf(out: string, changes: Partial<SweepRun> = {}): Promise<SweepCell[]> {
  const cells: SweepCell[] = [];
  await runSweep(optionsOf(out, { spec, onCell: (cell) => cells.push(cell), ...changes }));
  return cells;
}

/** Ends a sweep once this many rows are written. */
async function cutOff(name: string, rows: number, changes: Partial<SweepRun> = {}): Promise<string> {
  const out = folder(name);
  let written = 0;
  const onRuns = (count: number): void => {
    written += count;
    if (written >= rows) throw new Error('cut off');
  };
  await expect(runSweep(optionsOf(out, { spec, ...changes, onRuns }))).rejects.toThrow('cut off');
  return out;
}

/** What a sweep that goes on in the folder would take as it is. */
function takenIn(out: string, takesCells = true): Mark | null {
  const opening = { begun: true, takesCells, whenEnded: 'kept' } as const;
  const files = openFiles(out, planFileOf(spec, null, ['sweep']), NAMES, opening);
  files.close();
  return files.taken;
}

const NAMES = ['runs.csv', 'summary.csv', 'differences.csv', 'manifest.json'];

function copyOf(out: string, name: string): string {
  cpSync(out, folder(name), { recursive: true });
  return folder(name);
}

let whole: { readonly files: Record<string, string>; readonly cells: readonly SweepCell[] };
/** Two cells are complete, and the first unit of the third. */
let begun: string;
beforeAll(async () => {
  const out = folder('whole');
  const cells = await cellsOf(out);
  whole = { files: bytesOf(out), cells };
  begun = await cutOff('begun', 2 * ROWS_OF_CELL + 400);
});

test('a sweep that was not cut off leaves no marks', () => {
  expect(Object.keys(whole.files)).toEqual([...NAMES, 'plan.json'].sort());
});

describe('complete cells', () => {
  test('are taken as they are, and their listener hears the same of them', async () => {
    const out = copyOf(begun, 'taken');
    expect(takenIn(out)).toMatchObject({ next: 4, rows: 2 * ROWS_OF_CELL });
    expect(await cellsOf(out)).toEqual(whole.cells);
    expect(bytesOf(out)).toEqual(whole.files);
  });

  test('are known after each further cut: behind a cell, within one, and after going on twice', async () => {
    const first = await cutOff('thrice', ROWS_OF_CELL);
    expect(takenIn(first)).toMatchObject({ rows: ROWS_OF_CELL });
    for (const more of [400, 20, ROWS_OF_CELL + 400]) await cutOff('thrice', more);
    expect(takenIn(first)).toMatchObject({ rows: 3 * ROWS_OF_CELL });
    expect(await cellsOf(first)).toEqual(whole.cells);
    expect(bytesOf(first)).toEqual(whole.files);
  });

  test('are marked also by a call that found their rows and no marks', async () => {
    const out = copyOf(begun, 'old');
    rmSync(join(out, 'cells.jsonl.part'));
    await cutOff('old', 1);
    expect(takenIn(out)).toMatchObject({ rows: 3 * ROWS_OF_CELL });
    expect(await cellsOf(out)).toEqual(whole.cells);
    expect(bytesOf(out)).toEqual(whole.files);
  });

  test('are made again for a caller that wants every row', async () => {
    const out = copyOf(begun, 'rows');
    const rows: string[] = [];
    expect(takenIn(copyOf(begun, 'rows-only'), false)).toBeNull();
    expect(await cellsOf(out, { onRow: (line) => rows.push(line) })).toEqual(whole.cells);
    expect(rows).toEqual(whole.files['runs.csv']!.trimEnd().split('\n').slice(1));
    expect(bytesOf(out)).toEqual(whole.files);
  });

  test('of a shard are passed over as well', async () => {
    const shard = { index: 1, count: 2 };
    const out = folder('shard');
    await runSweep(optionsOf(out, { spec, shard }));
    const cut = await cutOff('shard-cut', 30, { shard });
    expect(existsSync(join(cut, 'cells.jsonl.part'))).toBe(true);
    await runSweep(optionsOf(cut, { spec, shard }));
    expect(bytesOf(cut)).toEqual(bytesOf(out));
  });
});

describe('what was changed meanwhile is not believed', () => {
  const edit = (name: string, change: (text: string) => string) => (out: string) => {
    const path = join(out, `${name}.part`);
    writeFileSync(path, change(readFileSync(path, 'latin1')), 'latin1');
  };
  const lines = (change: (lines: string[]) => string[]) => (text: string) =>
    change(text.split('\n')).join('\n');
  const FIRST = { rows: ROWS_OF_CELL };
  test.each<[string, (out: string) => void, Partial<Mark> | null]>([
    ['a word of the summary', edit('summary.csv', (text) => text.replace(',all,', ',any,')), null],
    ['a summary cut short', (out) => truncateSync(join(out, 'summary.csv.part'), 300), null],
    ['no differences', (out) => rmSync(join(out, 'differences.csv.part')), null],
    ['no marks', (out) => rmSync(join(out, 'cells.jsonl.part')), null],
    ['the last mark torn', edit('cells.jsonl', (text) => text.slice(0, -20)), FIRST],
    [
      'the last mark with other rows',
      edit('cells.jsonl', (text) => text.replace('"rows":840', '"rows":860')),
      FIRST,
    ],
    [
      'marks in disorder, the first one last',
      edit(
        'cells.jsonl',
        lines(([a = '', b = '']) => [b, a, '']),
      ),
      FIRST,
    ],
    [
      'a row of the second cell',
      edit(
        'runs.csv',
        lines((all) => all.with(600, `${all[600]!.slice(0, -1)}9`)),
      ),
      FIRST,
    ],
    [
      'a row of the first cell',
      edit(
        'runs.csv',
        lines((all) => all.with(9, `${all[9]!.slice(0, -1)}9`)),
      ),
      null,
    ],
  ])('%s', async (_, change, taken) => {
    const out = folder('changed');
    rmSync(out, { recursive: true, force: true });
    copyOf(begun, 'changed');
    change(out);
    const copy = folder('changed-copy');
    rmSync(copy, { recursive: true, force: true });
    const found = takenIn(copyOf(out, 'changed-copy'));
    if (taken === null) expect(found).toBeNull();
    else expect(found).toMatchObject(taken);
    expect(await cellsOf(out)).toEqual(whole.cells);
    expect(bytesOf(out)).toEqual(whole.files);
  });

  test('marks of another sweep', async () => {
    const other = await cutOff('other', 2 * ROWS_OF_CELL, { spec: { ...spec, seed: 2 } });
    const out = copyOf(begun, 'mixed');
    for (const name of ['cells.jsonl.part', 'summary.csv.part', 'differences.csv.part'])
      cpSync(join(other, name), join(out, name));
    expect(takenIn(copyOf(out, 'mixed-copy'))).toBeNull();
    await cellsOf(out);
    expect(bytesOf(out)).toEqual(whole.files);
  });
});
