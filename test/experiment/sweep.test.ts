import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadScenario } from '../../src/scenario/load.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { compare } from '../../src/experiment/compare.js';
import { bandRows } from '../../src/report/files/bands.js';
import { parseStrategyText } from '../../src/scenario/choices.js';
import { mergeShards } from '../../src/experiment/sweep/merge.js';
import { openPlan } from '../../src/experiment/sweep/plan.js';
import { runSweep } from '../../src/experiment/sweep/run.js';
import { RowBlock } from '../../src/experiment/sweep/row-block.js';
import type { SweepSpec } from '../../src/experiment/sweep/spec.js';
import { readShard } from '../../src/experiment/sweep/shard.js';
import { linesIn } from '../../src/experiment/sweep/lines.js';
import { fieldsOf, linesOf } from '../../src/experiment/sweep/table.js';
import { unitsOf } from '../../src/experiment/sweep/unit.js';
import { simulate } from '../../src/experiment/simulate.js';
import { csvRows } from '../../src/report/files/csv-text.js';
import { resultTables } from '../../src/report/columns.js';
import { runsToParquet, summaryToParquet } from '../../src/report/files/parquet.js';
import { sweepTable } from '../../src/report/terminal/sweep-table.js';
import { meanInterval, pairedInterval } from '../../src/stats/interval.js';
import { parseCsv } from '../report/parse-csv.js';
import { GUEST, bytesOf, optionsOf, scratch, specOf, sweep } from './sweeps.js';

const folder = scratch();
let whole: string;
beforeAll(async () => {
  whole = await sweep(folder('whole'));
});

type Rows = readonly Readonly<Record<string, string>>[];

function rowsIn(path: string): Rows {
  const [header = [], ...rows] = parseCsv(readFileSync(path, 'utf8'));
  return rows.map((row) => Object.fromEntries(row.map((field, index) => [header[index]!, field])));
}

describe('cells', () => {
  test('are all combinations, the first variation slowest; rows go by cell, run, strategy', () => {
    const rows = rowsIn(join(whole, 'runs.csv'));
    expect(rows.length).toBe(6 * 5 * 2);
    expect(rows.slice(0, 3).map(({ run, strategy }) => `${run} ${strategy}`)).toEqual([
      '1 none',
      '1 auto-converge',
      '2 none',
    ]);
    const cells = rows.map((row) => `${row['link.bandwidth']} ${row['migration.downtime-limit']}`);
    expect([...new Set(cells)]).toEqual(
      ['1Gbit/s', '10Gbit/s'].flatMap((rate) =>
        ['100ms', '200ms', '400ms'].map((limit) => `${rate} ${limit}`),
      ),
    );
  });

  test('are what the scenario gives with these values set: a row is that of a single run', () => {
    const set = ['link.bandwidth=10Gbit/s', 'migration.downtime-limit=200ms'];
    const scenario = loadScenario(GUEST, { set });
    const result = simulate(scenario, parseStrategyText('auto-converge'), { run: 3, memory: 'fluid' });
    const alone = csvRows(resultTables[0]!, result).trimEnd();
    const block = new RowBlock(sweepTable.measures.length);
    sweepTable.row(result, '10Gbit/s,200ms', block);
    const [row] = linesOf(new TextDecoder().decode(block.take().bytes));
    expect(fieldsOf(row!).filter((_, index) => index !== 7 && index !== 8)).toEqual(fieldsOf(alone));
    expect(readFileSync(join(whole, 'runs.csv'), 'utf8')).toContain(`\n${row}\n`);
  });

  test('are checked before the first run, and mistakes name the variation', async () => {
    const wrong = specOf({}, ['link.bandwidth=1Gbit/s,2']);
    await expect(sweep(folder('wrong'), { spec: wrong })).rejects.toThrow(
      '--vary link.bandwidth=1Gbit/s,2: at link.bandwidth=2: link.bandwidth: "2" lacks a unit',
    );
    expect(existsSync(folder('wrong'))).toBe(false);
    const refused = specOf({ strategies: ['dirty-limit'] }, ['guest.dirty-ring-size=4096,0']);
    await expect(sweep(folder('wrong'), { spec: refused, strict: true })).rejects.toThrow(
      /dirty-limit.*guest.dirty-ring-size=0/,
    );
  });

  test('with all strategies leave out those that refuse', async () => {
    const plan = await openPlan(specOf({ strategies: ['all'] }, ['guest.dirty-ring-size=4096,0']));
    const [ring = [], bitmap = []] = [0, 1].map((cell) =>
      plan.cell(cell).strategies.map(({ label }) => label),
    );
    expect(ring).toEqual(expect.arrayContaining(['none', 'auto-converge', 'dirty-limit']));
    expect(bitmap).toEqual(expect.arrayContaining(['none', 'auto-converge']));
    expect(bitmap).not.toContain('dirty-limit');
  });

  test('vary options of listed strategies', async () => {
    const key = 'strategies.auto-converge.cpu-throttle-initial';
    const plan = await openPlan(specOf({}, [`${key}=20,40`]));
    expect([0, 1].map((cell) => plan.cell(cell).strategies.map(({ label }) => label))).toEqual([
      ['none', 'auto-converge'],
      ['none', 'auto-converge(cpu-throttle-initial=40)'],
    ]);
  });
});

test('units cover every run of every cell once, in the order of rows', async () => {
  const plan = await openPlan(specOf({ runs: 1000 }));
  const units = unitsOf(plan);
  let cell = 0;
  let run = 1;
  for (let index = 0; index < units.count; index++) {
    const unit = units.at(index);
    expect([unit.cell, unit.firstRun]).toEqual([cell, run]);
    run = unit.lastRun + 1;
    if (run > 1000) [cell, run] = [cell + 1, 1];
  }
  expect([cell, run]).toEqual([6, 1]);
});

/** Ends a sweep when this many rows are written, as a signal would. */
async function cutOff(name: string, rows: number): Promise<string> {
  const out = folder(name);
  let written = 0;
  const onRuns = (count: number): void => {
    written += count;
    if (written >= rows) throw new Error('cut off');
  };
  await expect(runSweep(optionsOf(out, { onRuns }))).rejects.toThrow('cut off');
  return out;
}

describe('a sweep that was cut off', () => {
  test('anywhere in its rows ends with the same bytes', async () => {
    const all = readFileSync(join(whole, 'runs.csv'));
    // In the header, at its end, in a row, at the ends of a row and of a unit, in the last row, at the very end.
    const lineEnd = all.indexOf(10, 1500) + 1;
    const cuts = [
      0,
      100,
      all.indexOf(10) + 1,
      lineEnd,
      lineEnd + 7,
      all.length >> 1,
      all.length - 1,
      all.length,
    ];
    const begun = await cutOff('begun', 60);
    for (const [index, bytes] of cuts.entries()) {
      const out = folder(`cut-${index}`);
      mkdirSync(out);
      for (const name of ['plan.json', 'runs.sha256.part']) copyFileSync(join(begun, name), join(out, name));
      writeFileSync(join(out, 'runs.csv.part'), all.subarray(0, bytes));
      writeFileSync(join(out, 'summary.csv.part'), 'half of a li');
      expect([bytes, bytesOf(await sweep(out))]).toEqual([bytes, bytesOf(whole)]);
    }
  });

  test('does not run again what it has', async () => {
    const out = await cutOff('kept', 30);
    let ran = 0;
    const outcome = await runSweep(optionsOf(out, { onRuns: (count) => (ran += count) }));
    expect([outcome.resumed, ran, outcome.rows]).toEqual([30, 30, 60]);
  });

  test('runs again every row from the first that was changed meanwhile', async () => {
    const out = await cutOff('edited', 50);
    const path = join(out, 'runs.csv.part');
    const lines = readFileSync(path, 'latin1').split('\n');
    // The last digit of a row of the second unit: still a number, and wrong.
    lines[15] = lines[15]!.replace(/\d(\D*)$/, (_, rest: string) => `7${rest}`).replace(/,1/, ',2');
    writeFileSync(path, lines.join('\n'), 'latin1');
    const outcome = await runSweep(optionsOf(out));
    expect(outcome.resumed).toBeLessThan(15);
    expect(bytesOf(out)).toEqual(bytesOf(whole));
  });

  test('when finished is known by its checksum: cut short or edited, it is refused', async () => {
    const all = readFileSync(join(whole, 'runs.csv'));
    const edited = Buffer.from(all);
    edited[all.lastIndexOf('1')] = '2'.charCodeAt(0);
    for (const bytes of [all.subarray(0, 2000), all.subarray(0, all.length - 1), edited]) {
      const out = folder('spoilt');
      rmSync(out, { recursive: true, force: true });
      mkdirSync(out);
      copyFileSync(join(whole, 'plan.json'), join(out, 'plan.json'));
      writeFileSync(join(out, 'runs.csv'), bytes);
      await expect(sweep(out)).rejects.toThrow('cut short or changed since');
    }
  });

  test('is written by one at a time', async () => {
    const out = folder('shared');
    const first = sweep(out);
    await expect(sweep(out)).rejects.toThrow(`${out} is being written by process ${process.pid}`);
    await first;
    expect(bytesOf(out)).toEqual(bytesOf(whole));
  });

  test('is not kept locked by a process that is gone, nor by another with its number', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const [index, owner] of [`${gone} 1`, `${process.pid} 1`, 'nonsense'].entries()) {
      const out = await cutOff(`stale-${index}`, 30);
      writeFileSync(join(out, 'writing.lock'), index === 2 ? owner : `${hostname()} ${owner}\n`);
      expect(bytesOf(await sweep(out))).toEqual(bytesOf(whole));
    }
  });

  test("does not replace a user's own files, nor follow links", async () => {
    for (const name of ['runs.csv', 'summary.csv', 'manifest.json', 'runs.csv.part']) {
      const out = folder(`own-${name}`);
      mkdirSync(out);
      writeFileSync(join(out, name), 'precious');
      await expect(sweep(out)).rejects.toThrow('holds other results');
      expect(bytesOf(out)).toEqual({ [name]: 'precious' });
    }
    const out = folder('linked');
    mkdirSync(out);
    writeFileSync(folder('precious'), 'precious');
    symlinkSync(folder('precious'), join(out, 'summary.csv.part'));
    await expect(sweep(out)).rejects.toThrow('a link or a pipe');
    expect(readFileSync(folder('precious'), 'utf8')).toBe('precious');
  });

  test('is finished once: asked again, it runs nothing', async () => {
    const before = bytesOf(whole);
    const outcome = await runSweep(optionsOf(whole, { onRuns: () => expect('a run').toBe('none') }));
    expect([outcome.finishedBefore, outcome.rows]).toEqual([true, 60]);
    expect(bytesOf(whole)).toEqual(before);
  });

  // Whatever changed a file since: it is no longer what the sweep wrote, and nothing says that all of it is there.
  test('is refused once any of its files was cut, lengthened or removed, by the name of that file', async () => {
    const names = Object.keys(bytesOf(whole)).filter((name) => name !== 'plan.json');
    expect(names).toEqual(
      expect.arrayContaining(['runs.csv', 'summary.csv', 'differences.csv', 'manifest.json']),
    );
    for (const name of names) {
      const text = bytesOf(whole)[name]!;
      const file = join(whole, name);
      for (const changed of [text.slice(0, -1), text.slice(0, text.length / 2), `${text}x`]) {
        writeFileSync(file, changed, 'latin1');
        await expect(sweep(whole)).rejects.toThrow(
          `${file}: not what the sweep wrote: cut short or changed since; remove the folder and run it again`,
        );
      }
      rmSync(file);
      // Without runs.csv a folder is not finished, and its sweep runs again.
      if (name !== 'runs.csv')
        await expect(sweep(whole)).rejects.toThrow(`${file}: missing, though the sweep wrote it`);
      writeFileSync(file, text, 'latin1');
    }
    await expect(sweep(whole)).resolves.toBe(whole);
  });

  test('is not gone on with by another', async () => {
    await expect(sweep(whole, { spec: specOf({ seed: 2 }) })).rejects.toThrow(
      `${whole} holds another sweep (other seed); to start afresh, remove it or choose another --out`,
    );
    await expect(sweep(whole, { shard: { index: 0, count: 2 } })).rejects.toThrow('other shard');
  });

  test('by a full disk says so and keeps what it has', async () => {
    const out = await cutOff('full', 30);
    rmSync(join(out, 'summary.csv.part'));
    // A device on which every write fails for want of space.
    symlinkSync('/dev/full', join(out, 'summary.csv.part'));
    await expect(sweep(out)).rejects.toThrow(
      `cannot write to ${out}: no space is left; what is finished stays in ${out}, and the same command goes on`,
    );
  });
});

describe('shards', () => {
  const shardsOf = (name: string, count: number, spec = specOf()): Promise<string[]> =>
    Promise.all(
      [...Array(count).keys()].map((index) =>
        sweep(folder(`${name}-${index}`), { spec, shard: { index, count } }),
      ),
    );
  const merge = (shards: readonly string[], out: string): Promise<unknown> =>
    mergeShards({ shards, out, table: sweepTable });

  test('merge to the bytes of the whole, more shards than cells as well', async () => {
    for (const count of [2, 7]) {
      const shards = await shardsOf(`of-${count}`, count);
      await merge(shards.toReversed(), folder(`merged-${count}`));
      expect([count, bytesOf(folder(`merged-${count}`))]).toEqual([count, bytesOf(whole)]);
    }
  });

  test('merge to the bytes of the whole when cells end early', async () => {
    const spec = specOf({ precision: 0.02, runs: 40 });
    const early = await sweep(folder('early'), { spec });
    await merge(await shardsOf('early', 4, spec), folder('early-merged'));
    expect(bytesOf(folder('early-merged'))).toEqual(bytesOf(early));
  });

  test('that lack, are doubled, unfinished or of another sweep are named', async () => {
    const [a = '', b = ''] = await shardsOf('bad', 2);
    const other = await sweep(folder('other'), { spec: specOf({ runs: 2 }), shard: { index: 1, count: 2 } });
    await expect(merge([a], folder('x'))).rejects.toThrow('a shard is missing: 1/2');
    await expect(merge([a, b, a], folder('x'))).rejects.toThrow('are the same shard, 0/2');
    await expect(merge([a, other], folder('x'))).rejects.toThrow(
      `${other} belongs to another sweep than ${a}`,
    );
    await expect(merge([a, whole], folder('x'))).rejects.toThrow('a whole sweep');
    truncateSync(join(b, 'runs.csv'), 2000);
    await expect(merge([a, b], folder('x'))).rejects.toThrow('cut short or changed since');
  });

  test('run no code that a plan names, unless the caller names it as well', async () => {
    const shards = await shardsOf('foreign', 2);
    for (const shard of shards) {
      const plan = JSON.parse(readFileSync(join(shard, 'plan.json'), 'utf8')) as { sweep: SweepSpec };
      const sweep = { ...plan.sweep, strategies: ['none', './evil.mjs:{ gain: 2 }'] };
      writeFileSync(join(shard, 'plan.json'), JSON.stringify({ ...plan, sweep }));
    }
    await expect(merge(shards, folder('y'))).rejects.toThrow('to run that file, name it: --code "./evil.mjs');
    const code = ['./evil.mjs:{ gain: 2 }'];
    await expect(mergeShards({ shards, out: folder('y'), table: sweepTable, code })).rejects.toThrow(
      'no such file',
    );
  });

  test('are named by schedulers', () => {
    expect(readShard('2/4', {})).toEqual({ index: 2, count: 4 });
    const slurm = { SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_COUNT: '8' };
    expect(readShard('auto', slurm)).toEqual({ index: 2, count: 8 });
    expect(readShard('auto/5', { JOB_COMPLETION_INDEX: '4' })).toEqual({ index: 4, count: 5 });
    expect(() => readShard('auto', { JOB_COMPLETION_INDEX: '4' })).toThrow('expected --shard auto/n');
    expect(() => readShard('auto/5', {})).toThrow('expected --shard i/n');
    expect(() => readShard('4/4', {})).toThrow('got 4/4');
    expect(() => readShard('1', {})).toThrow('expected i/n');
  });
});

describe('summaries', () => {
  const CELL = { 'link.bandwidth': '10Gbit/s', 'migration.downtime-limit': '200ms' };
  const ofCell = (rows: Rows): Rows =>
    rows.filter((row) => Object.entries(CELL).every(([key, value]) => row[key] === value));
  const valuesOf = (strategy: string, column: string): number[] =>
    ofCell(rowsIn(join(whole, 'runs.csv')))
      .filter((row) => row['strategy'] === strategy)
      .map((row) => Number(row[column]));

  test('are those of the values in runs.csv', () => {
    const row = ofCell(rowsIn(join(whole, 'summary.csv'))).find(
      ({ strategy, measure }) => strategy === 'auto-converge' && measure === 'total_time_ms',
    )!;
    const values = valuesOf('auto-converge', 'total_time_ms');
    const { estimate, low, high } = meanInterval(values);
    expect(row).toMatchObject({ of: 'converged', runs: '5', n: '5' });
    expect(Number(row['median'])).toBe([...values].sort((a, b) => a - b)[2]);
    expect(Number(row['mean'])).toBeCloseTo(estimate, 2);
    expect(Number(row['mean_ci95_low'])).toBeCloseTo(low, 2);
    expect(Number(row['mean_ci95_high'])).toBeCloseTo(high, 2);
  });

  test('have the 90 % band that compare gives for the same runs, next to the interval of the mean', () => {
    const scenario = parseScenario(specOf().scenario.text, GUEST, {
      set: Object.entries(CELL).map(([key, value]) => `${key}=${value}`),
    });
    const bands = bandRows(compare(scenario, { runs: 5, seed: 1, memory: 'fluid' }));
    expect(bands.length).toBeGreaterThan(5);
    for (const { strategy, measure, prediction, low, high } of bands) {
      const row = ofCell(rowsIn(join(whole, 'summary.csv'))).find(
        (one) => one['strategy'] === strategy && one['measure'] === measure,
      );
      if (row === undefined) continue;
      // Rows of files are cut to a thousandth, of which bands may make one unit.
      expect(Number(row['prediction'])).toBeCloseTo(prediction, 2);
      expect(Math.abs(Number(row['band90_low']) - low)).toBeLessThanOrEqual(1);
      expect(Math.abs(Number(row['band90_high']) - high)).toBeLessThanOrEqual(1);
    }
  });

  test('without anything drawn have no bands, and no columns for them', async () => {
    const set = ['host.variability=none'];
    const out = await sweep(folder('steady'), { spec: specOf({ set, runs: 2 }) });
    expect(Object.keys(rowsIn(join(out, 'summary.csv'))[0]!)).not.toContain('band90_low');
  });

  test('compare strategies on the same runs', () => {
    const row = ofCell(rowsIn(join(whole, 'differences.csv'))).find(
      ({ measure }) => measure === 'writers_work_done_share',
    )!;
    // Plain pre-copy never converges here, so that no pair of runs did.
    expect(row).toMatchObject({ strategy: 'auto-converge', against: 'none', n: '0', mean_difference: '' });
  });

  test('pair run with run where both converge', async () => {
    const spec = specOf({ strategies: ['auto-converge', 'auto-converge:{cpu-throttle-initial: 60}'] });
    const out = await sweep(folder('pairs'), { spec });
    const rows = ofCell(rowsIn(join(out, 'runs.csv')));
    const times = (strategy: string): number[] =>
      rows.filter((row) => row['strategy'] === strategy).map((row) => Number(row['total_time_ms']));
    const second = 'auto-converge(cpu-throttle-initial=60)';
    const { estimate, low } = pairedInterval(times(second), times('auto-converge'));
    const row = ofCell(rowsIn(join(out, 'differences.csv'))).find(
      ({ measure }) => measure === 'total_time_ms',
    )!;
    expect(row).toMatchObject({ strategy: second, against: 'auto-converge', n: '5' });
    expect(Number(row['mean_difference'])).toBeCloseTo(estimate, 2);
    expect(Number(row['mean_ci95_low'])).toBeCloseTo(low, 2);
  });

  test('end a cell at the first run at which all are precise, and not before the fifth', async () => {
    const spec = specOf({ precision: 0.5, runs: 60, strategies: ['auto-converge'], memory: 'page' }, [
      'link.bandwidth=10Gbit/s',
    ]);
    const rows = rowsIn(join(await sweep(folder('precise'), { spec }), 'runs.csv'));
    const preciseAfter = (count: number): boolean =>
      ['total_time_ms', 'downtime_ms'].every((column) => {
        const { estimate, high } = meanInterval(rows.slice(0, count).map((row) => Number(row[column])));
        return high - estimate <= 0.5 * estimate;
      });
    const counts = [...Array(rows.length - 4).keys()].map((index) => index + 5);
    expect(rows.length).toBeLessThan(60);
    expect(counts.map(preciseAfter)).toEqual(counts.map((count) => count === rows.length));
  });
});

describe('files', () => {
  test('in Parquet say what the CSV says', async () => {
    const { asyncBufferFromFile, parquetReadObjects, parquetMetadataAsync } = await import('hyparquet');
    const text = (value: unknown): string => (value === null ? '' : String(value as string | number));
    const files = { runs: runsToParquet, summary: summaryToParquet };
    for (const [name, convert] of Object.entries(files)) {
      await convert(join(whole, `${name}.csv`), folder(`${name}.parquet`));
      const read = await parquetReadObjects({ file: await asyncBufferFromFile(folder(`${name}.parquet`)) });
      const shown = read.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, text(v)])));
      expect(shown).toEqual(rowsIn(join(whole, `${name}.csv`)));
    }
    const file = await asyncBufferFromFile(folder('runs.parquet'));
    const { schema } = await parquetMetadataAsync(file);
    const typeOf = (column: string): string | undefined => schema.find(({ name }) => name === column)?.type;
    expect(['run', 'converged', 'sent_bytes', 'link.bandwidth'].map(typeOf)).toEqual([
      'INT64',
      'BOOLEAN',
      'DOUBLE',
      'BYTE_ARRAY',
    ]);
  });

  test('keep fields with commas, quotes and line breaks together', () => {
    const values = ['a,b', 'say "x"', 'two\nlines', '', 'plain'];
    const line = sweepTable.fields(values);
    expect(fieldsOf(line)).toEqual(values);
    expect(parseCsv(`${line}\n`)).toEqual([values]);
    expect(linesOf(`1,2\n${line}\n3,4\n`)).toEqual(['1,2', line, '3,4']);
    const path = folder('odd.csv');
    writeFileSync(path, `1,2\n${line}\n3,"torn`);
    expect([...linesIn(path)].map(({ text }) => text)).toEqual(['1,2', line]);
  });
});
