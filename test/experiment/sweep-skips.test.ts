/** Cells whose values do not go together: a sweep leaves them out, and nothing else of it changes. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { mergeShards } from '../../src/experiment/sweep/merge.js';
import { runSweep } from '../../src/experiment/sweep/run.js';
import { sweepTable } from '../../src/report/terminal/sweep-table.js';
import { inProcess, migsim, SMALL } from '../cli/migsim.js';
import { parseCsv } from '../report/parse-csv.js';
import { bytesOf, optionsOf, scratch, specOf, sweep } from './sweeps.js';

const folder = scratch();
/** The guest writes to 128 MiB: 64 MiB are too few. dirty-limit needs a ring. The first and the last cell are left out. */
const VARY = ['guest.memory=64MiB,512MiB,1GiB', 'guest.dirty-ring-size=4096,0'];
const ALONE = ['guest.dirty-ring-size=4096,0', 'guest.memory=1GiB,64MiB'];
const spec = specOf({ strategies: ['none', 'dirty-limit'], runs: 3 }, VARY);
let whole: string;
beforeAll(async () => {
  whole = await sweep(folder('whole'), { spec });
});

const rowsOf = (name: string): string[][] => parseCsv(readFileSync(join(whole, name), 'utf8')).slice(1);

describe('what cannot run', () => {
  test('is left out of the results and listed with its reason', () => {
    const cells = rowsOf('runs.csv').map((row) => `${row[7]} ${row[8]} ${row[1]}`);
    const rest = ['512MiB', '1GiB'].flatMap((memory) => [
      `${memory} 4096 none`,
      `${memory} 4096 dirty-limit`,
      `${memory} 0 none`,
    ]);
    expect([...new Set(cells)]).toEqual(rest);
    expect(cells).toHaveLength(rest.length * 3);
    expect(rowsOf('skipped.csv').map(([memory, ring, strategy]) => [memory, ring, strategy])).toEqual([
      ['64MiB', '4096', ''],
      ['64MiB', '0', ''],
      ['512MiB', '0', 'dirty-limit'],
      ['1GiB', '0', 'dirty-limit'],
    ]);
    // A guest that is too small for its working sets says which memory would do.
    expect(rowsOf('skipped.csv')[0]![3]).toMatch(/^guest\.vcpus\.0: .*; 192MiB would be enough$/);
    expect(rowsOf('skipped.csv')[2]![3]).toContain(
      "requires KVM with accelerator property 'dirty-ring-size'",
    );
  });

  test('changes no row of the others', async () => {
    const rest = specOf({ strategies: ['none', 'dirty-limit'], runs: 3 }, [
      'guest.memory=512MiB,1GiB',
      'guest.dirty-ring-size=4096',
    ]);
    const alone = readFileSync(join(await sweep(folder('alone'), { spec: rest }), 'runs.csv'), 'utf8');
    const both = readFileSync(join(whole, 'runs.csv'), 'utf8').split('\n');
    for (const line of alone.split('\n')) expect(both).toContain(line);
  });

  test('has no file where all can run', async () => {
    const all = specOf({ runs: 1 }, ['guest.memory=1GiB']);
    expect(existsSync(join(await sweep(folder('all'), { spec: all }), 'skipped.csv'))).toBe(false);
  });

  test.each<[string, Parameters<typeof specOf>, RegExp]>([
    ['no cell', [{}, ['guest.memory=32MiB,64MiB']], /would be enough \(at guest.memory=32MiB\)/],
    [
      'a strategy in no cell',
      [{ strategies: ['none', 'dirty-limit'] }, ['guest.dirty-ring-size=0', 'guest.memory=512MiB,1GiB']],
      /it runs in no cell: dirty-limit cannot run here: .*\(at guest.dirty-ring-size=0 guest.memory=512MiB\)/,
    ],
    ['a mistake in a value', [{}, ['guest.memory=64MiB,1Gb']], /unknown unit "Gb"/],
    ['a key that is none', [{}, ['guest.memroy=64MiB,1GiB']], /unknown key "memroy"/],
  ])('but not %s', async (_what, given, said) => {
    await expect(sweep(folder('refused'), { spec: specOf(...given) })).rejects.toThrow(said);
    expect(existsSync(folder('refused'))).toBe(false);
  });

  test('ends the sweep before its first run if --strict', async () => {
    const attempt = sweep(folder('strict'), { spec, strict: true });
    await expect(attempt).rejects.toThrow(
      '192MiB would be enough (at guest.memory=64MiB guest.dirty-ring-size=4096); without --strict, it is left out',
    );
    expect(existsSync(folder('strict'))).toBe(false);
  });
});

describe('the same bytes', () => {
  test('when cut off and gone on with', async () => {
    const out = folder('cut');
    let written = 0;
    const onRuns = (count: number): void => {
      written += count;
      if (written >= 9) throw new Error('cut off');
    };
    await expect(runSweep(optionsOf(out, { spec, onRuns }))).rejects.toThrow('cut off');
    const all = readFileSync(join(whole, 'runs.csv'));
    for (const [index, bytes] of [0, all.length >> 1, all.length - 1].entries()) {
      const again = folder(`again-${index}`);
      mkdirSync(again);
      for (const name of ['plan.json', 'runs.sha256.part']) copyFileSync(join(out, name), join(again, name));
      writeFileSync(join(again, 'runs.csv.part'), all.subarray(0, bytes));
      expect([bytes, bytesOf(await sweep(again, { spec }))]).toEqual([bytes, bytesOf(whole)]);
    }
  });

  test.each([2, 5])('from %i shards', async (count) => {
    const shards = await Promise.all(
      [...Array(count).keys()].map((index) =>
        sweep(folder(`of-${count}-${index}`), { spec, shard: { index, count } }),
      ),
    );
    await mergeShards({ shards, out: folder(`merged-${count}`), table: sweepTable });
    expect(bytesOf(folder(`merged-${count}`))).toEqual(bytesOf(whole));
  });

  test('from worker threads, with a note on stderr and the reasons at the end', async () => {
    const words = (out: string): string[] => [
      ...['sweep', SMALL, ...ALONE.flatMap((vary) => ['--vary', vary]), '--strategy', 'none,dirty-limit'],
      ...['--out', folder(out)],
    ];
    const one = await inProcess([...words('one'), '--workers', '1']);
    const two = migsim([...words('two'), '--workers', '2']);
    expect(bytesOf(folder('two'))).toEqual(bytesOf(folder('one')));
    expect(one.stderr).toBe(
      'migsim: in 3 cells, something cannot run and is left out; --strict refuses that\n',
    );
    const said = one.stdout.replaceAll(/\s+/g, ' ');
    expect(said).toContain('Left out: 2 of 4 cells, such as guest.dirty-ring-size=4096 guest.memory=64MiB:');
    expect(said).toContain(
      'dirty-limit left out in 1 of 4 cells, guest.dirty-ring-size=0 guest.memory=1GiB:',
    );
    expect(two).toMatchObject({ status: 0, stderr: one.stderr });
  });
});
