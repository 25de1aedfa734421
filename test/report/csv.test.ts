import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc } from '@fast-check/jest';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { stringify } from 'csv-stringify/sync';
import { UsageError } from '../../src/errors.js';
import { resultTables } from '../../src/report/columns.js';
import { openCsv } from '../../src/report/files/csv.js';
import { csvLines } from '../../src/report/files/csv-text.js';
import { openOutputFolder } from '../../src/report/files/output-folder.js';
import { parseCsv } from './parse-csv.js';
import { madeUpFailure, madeUpPoint, madeUpResult, madeUpSync } from './made-up.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migsim-csv-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const LABEL = 'auto-converge(cpu-throttle-initial=40;cpu-throttle-increment=20)';
const results = [
  madeUpResult({ syncs: [madeUpSync(), madeUpSync({ n: 2 })], timeline: [madeUpPoint()] }),
  madeUpFailure({ strategy: LABEL, syncs: [madeUpSync()], timeline: [madeUpPoint(), madeUpPoint()] }),
];

test('lines are those of csv-stringify, whatever stands in a field', () => {
  const letters = fc.string({
    unit: fc.constantFrom(',', '"', '\n', '\r', ' ', 'a', 'é', '\u{1f600}', '=', '\t'),
  });
  const field = fc.oneof(letters, fc.double(), fc.integer(), fc.boolean(), fc.constant(null));
  const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 4 });
  fc.assert(
    fc.property(rows, (lines) => {
      expect(csvLines(lines)).toBe(stringify(lines, { cast: { boolean: String } }));
    }),
    { seed: 1 },
  );
});

describe('a folder of CSV files', () => {
  test('reads back to the values that were written, in the order in which they came', () => {
    const out = join(folder, 'new', 'deep');
    const csv = openCsv(out);
    results.forEach(csv.add);
    const paths = csv.finish({ seed: 1 });

    expect(paths.map((path) => path.slice(out.length + 1))).toEqual(readdirSync(out).sort(inOrderOf(paths)));
    for (const table of resultTables) {
      const [header, ...rows] = parseCsv(readFileSync(join(out, `${table.name}.csv`), 'utf8'));
      expect(header).toEqual(table.columns.map((column) => column.name));
      const texts = results
        .flatMap((result) => table.rowsOf(result))
        .map((row) => row.map((v) => String(v ?? '')));
      expect(rows).toEqual(texts);
    }
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))).toEqual({ seed: 1 });
  });

  test('truth is written in words, and what a run does not have as nothing', () => {
    const csv = openCsv(folder);
    results.forEach(csv.add);
    csv.finish({});
    const [header = [], first = [], second = []] = parseCsv(readFileSync(join(folder, 'runs.csv'), 'utf8'));
    const field = (row: readonly string[], name: string): string | undefined => row[header.indexOf(name)];
    expect([field(first, 'converged'), field(second, 'converged')]).toEqual(['true', 'false']);
    expect([field(first, 'downtime_ms'), field(second, 'downtime_ms')]).toEqual(['200', '']);
    expect(field(second, 'strategy')).toBe(LABEL);
  });

  test('nothing has its name before everything is written', () => {
    const csv = openCsv(folder);
    csv.add(results[0]!);
    expect(readdirSync(folder).filter((name) => !name.endsWith('.part'))).toEqual([]);
    csv.finish({});
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('an older result stays whole when a new experiment is abandoned', () => {
    const first = openCsv(folder);
    first.add(results[0]!);
    first.finish({ migsim: '1.0.0' });
    const before = readFileSync(join(folder, 'runs.csv'), 'utf8');
    const second = openCsv(folder);
    second.add(results[1]!);
    second.abandon();
    expect(readFileSync(join(folder, 'runs.csv'), 'utf8')).toBe(before);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('abandoning takes away the folders that were made, and only those', () => {
    mkdirSync(join(folder, 'mine'));
    openCsv(join(folder, 'mine', 'a', 'b')).abandon();
    expect(readdirSync(folder)).toEqual(['mine']);
    expect(readdirSync(join(folder, 'mine'))).toEqual([]);
  });
});

describe('a folder that cannot be written', () => {
  const refused = (path: string): unknown => {
    try {
      openCsv(path);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test.each([
    ['is a file', 'taken', 'it is a file'],
    ['lies below a file', 'taken/below/deep', 'a part of the path is a file'],
  ])('says so at once when it %s, and leaves nothing behind', (_what, path, reason) => {
    writeFileSync(join(folder, 'taken'), 'precious');
    const error = refused(join(folder, path));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toBe(`cannot write to ${join(folder, path)}: ${reason}`);
    expect(readFileSync(join(folder, 'taken'), 'utf8')).toBe('precious');
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  test('removes the files that it could open when a later one fails', () => {
    const long = 'n'.repeat(253);
    expect(() => openOutputFolder(folder, ['runs.csv', long])).toThrow('the name is too long');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is refused when it holds files of the same names that migsim did not write', () => {
    writeFileSync(join(folder, 'runs.csv'), 'precious');
    writeFileSync(join(folder, 'manifest.json'), '{"name": "my extension"}');
    expect((refused(folder) as Error).message).toContain('is not a result of migsim');
    expect(readFileSync(join(folder, 'runs.csv'), 'utf8')).toBe('precious');
    expect(readdirSync(folder)).toEqual(['manifest.json', 'runs.csv']);
  });
});

function inOrderOf(paths: readonly string[]): (a: string, b: string) => number {
  const place = (name: string): number => paths.findIndex((path) => path.endsWith(`/${name}`));
  return (a, b) => place(a) - place(b);
}
