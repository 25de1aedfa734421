import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { openOutputFile, openOutputFolder } from '../../src/report/files/output-folder.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migsim-output-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('one output file', () => {
  test('goes through a pipe, which stays a pipe', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const write = openOutputFile(pipe);
    // A reader that does not wait for a writer, so that writing does not wait for a reader.
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    write('through');
    const bytes = Buffer.alloc(100);
    expect(bytes.toString('utf8', 0, readSync(reader, bytes))).toBe('through');
    closeSync(reader);
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    expect(readdirSync(folder)).toEqual(['pipe']);
  });

  test.each(['there', 'not yet there'])('goes through a symbolic link whose target is %s', (state) => {
    const [link, target] = [join(folder, 'link'), join(folder, 'target')];
    if (state === 'there') writeFileSync(target, 'an older and longer text');
    symlinkSync(target, link);
    openOutputFile(link)('new');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toBe('new');
  });

  test('leaves alone a file of the user that has the name of its unfinished form', () => {
    writeFileSync(join(folder, 'x.part'), 'mine');
    openOutputFile(join(folder, 'x'))('new');
    expect(readFileSync(join(folder, 'x.part'), 'utf8')).toBe('mine');
    expect(readdirSync(folder)).toEqual(['x', 'x.part']);
  });
});

describe('a path that leads nowhere', () => {
  // A file on the way, a circle of links, a name that no file system takes: each is another error of the system.
  test.each(['a file on the way', 'a circle of links', 'a name too long'])('is refused: %s', (what) => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(join(folder, 'circle'), join(folder, 'circle'));
    const paths: Record<string, string> = {
      'a file on the way': join(folder, 'file', 'x'),
      'a circle of links': join(folder, 'circle', 'x'),
      'a name too long': join(folder, 'x'.repeat(300)),
    };
    const path = paths[what]!;
    expect(() => openOutputFile(path)).toThrow(UsageError);
    expect(() => openOutputFolder(path, ['x'])).toThrow(UsageError);
    expect(readdirSync(folder)).toEqual(['circle', 'file']);
  });
});

describe('a folder of output files', () => {
  test('does not follow a link that stands where an unfinished file will be', () => {
    writeFileSync(join(folder, 'precious'), 'precious');
    symlinkSync(join(folder, 'precious'), join(folder, 'runs.csv.part'));
    const output = openOutputFolder(folder, ['runs.csv']);
    output.append('runs.csv', 'rows');
    output.finish();
    expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('precious');
    expect(readFileSync(join(folder, 'runs.csv'), 'utf8')).toBe('rows');
  });

  test.each(['link', 'pipe'])('does not replace a %s', (kind) => {
    const path = join(folder, 'runs.csv');
    if (kind === 'pipe') execFileSync('mkfifo', [path]);
    else symlinkSync('elsewhere', path);
    expect(() => openOutputFolder(folder, ['manifest.json', 'runs.csv'])).toThrow(UsageError);
    expect(readdirSync(folder)).toEqual(['runs.csv']);
  });
});
