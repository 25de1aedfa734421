import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { linkStatusOf, readInput, statusOf } from '../src/files.js';

let folder: string;
let pipe: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'migsim-files-'));
  pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
});
afterAll(() => rmSync(folder, { recursive: true }));

function codeOf(read: () => unknown): string | undefined {
  try {
    read();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}

describe('reading costs no more than is allowed', () => {
  test('of a file of just that size, and of one that is larger by a byte', () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'x'.repeat(100_000));
    expect(readInput(file, 100_000)).toHaveLength(100_000);
    expect(codeOf(() => readInput(file, 99_999))).toBe('TOO_LARGE');
  });

  test('of a device without an end', () =>
    expect(codeOf(() => readInput('/dev/zero', 1_000_000))).toBe('TOO_LARGE'));

  test('of a pipe that nobody writes to', () => {
    expect(codeOf(() => readInput(pipe, 100, 50))).toBe('SILENT');
    expect(codeOf(() => readInput('/dev/null', 100, 50))).toBe('SILENT');
  });

  test('a pipe is read to its end, however late and slowly it is written', () => {
    const writer = spawn('sh', ['-c', 'sleep 0.1; (printf a; sleep 0.1; printf b) > "$1"', 'sh', pipe]);
    expect(readInput(pipe, 100).toString()).toBe('ab');
    writer.kill();
  });

  test('a folder and a missing file are errors of the system', () => {
    expect(codeOf(() => readInput(folder, 100))).toBe('EISDIR');
    expect(codeOf(() => readInput(join(folder, 'none'), 100))).toBe('ENOENT');
  });
});

test('what cannot be followed is nothing', () => {
  const circle = join(folder, 'circle');
  symlinkSync(circle, circle);
  expect(statusOf(circle)).toBeUndefined();
  expect(linkStatusOf(circle)?.isSymbolicLink()).toBe(true);
  for (const path of [join(pipe, 'x'), join(circle, 'x'), join(folder, 'x'.repeat(300))]) {
    expect(statusOf(path)).toBeUndefined();
    expect(linkStatusOf(path)).toBeUndefined();
  }
});
