/** A command that writes files and is ended by a signal: one line, the status that shells give it, and nothing half-written. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, watch, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { undoUnfinished } from '../../src/files.js';
import { openOutputFolder } from '../../src/report/files/output-folder.js';
import { scratch } from '../experiment/sweeps.js';
import { SMALL } from './migsim.js';

const folder = scratch();
const guest = resolve(SMALL);
/** Other processes of this machine may make these wait. */
const PATIENCE_MS = 60_000;
/** A guest of many passes in the page memory: minutes. */
const LONG = ['--set', 'guest.memory=64GiB', '--set', 'migration.give-up-after=4h', '--memory', 'page'];

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Sends the signal as soon as the command has made `file`, or another after it, in `at`. */
function endedBy(signal: 'SIGINT' | 'SIGTERM', words: readonly string[], at: string): Promise<Ended> {
  return new Promise((done) => {
    mkdirSync(at, { recursive: true });
    const child = spawn(process.execPath, ['bin/migsim.js', ...words]);
    // Once and again: the second must change nothing.
    const watcher = watch(at, () => child.kill(signal));
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (text: Buffer) => (said.stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said.stderr += text.toString()));
    child.on('close', (status, killed) => {
      watcher.close();
      done({ status, signal: killed, ...said });
    });
  });
}

describe('a command in a pipe', () => {
  test.each<[string, 'SIGINT' | 'SIGTERM', string[], string]>([
    ['compare', 'SIGINT', ['compare', guest, ...LONG, '--out', folder('compare')], 'compare'],
    [
      'a single run',
      'SIGTERM',
      ['run', guest, '--strategy', 'none', ...LONG, '--guestperf', folder('run/report.json')],
      'run',
    ],
    [
      'validate',
      'SIGINT',
      ['validate', 'recordings', '--runs', '1000', '--plot', folder('validate/plot.svg')],
      'validate',
    ],
    [
      'sweep',
      'SIGTERM',
      ['sweep', guest, ...LONG, '--vary', 'link.latency=100us,200us', '--out', folder('sweep')],
      'sweep',
    ],
  ])(
    '%s ended by %s says so in one line and leaves nothing',
    async (_what, signal, words, at) => {
      const status = { SIGINT: 130, SIGTERM: 143 }[signal];
      const { stderr, ...ended } = await endedBy(signal, words, folder(at));
      expect(ended).toEqual({ status, signal: null, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^migsim: ended by ${signal}; nothing is written[^\\n]*\\n$`));
      expect(readdirSync(folder(at))).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'a sweep keeps the rows that it has, and says how to go on',
    async () => {
      const out = folder('kept/rows');
      const vary = 'link.latency=1us..1ms:400:log';
      // In the thread that hears of signals: it does so after the first cell.
      const words = ['sweep', guest, '--vary', vary, '--workers', '1', '--out', out];
      const { status, stderr } = await endedBy('SIGINT', words, out);
      const said = `migsim: ended by SIGINT; what is finished stays in ${out}, and the same command goes on\n`;
      expect([status, stderr]).toEqual([130, said]);
      expect(readdirSync(out)).toEqual(expect.arrayContaining(['plan.json', 'runs.csv.part']));
      expect(readdirSync(out)).not.toContain('writing.lock');
    },
    PATIENCE_MS,
  );
});

describe('what is unfinished', () => {
  afterEach(() => {
    undoUnfinished();
  });

  test('is removed with the folders that were made for it, and named', () => {
    const out = folder('some/where');
    openOutputFolder(out, ['a.csv', 'b.csv']).append('a.csv', 'half of a li');
    expect(undoUnfinished()).toEqual([`nothing is written to ${out}`]);
    expect(readdirSync(folder(''))).not.toContain('some');
  });

  test('is nothing once it has its name, or was given up', () => {
    const done = openOutputFolder(folder('done'), ['a.csv']);
    done.finish();
    openOutputFolder(folder('given-up'), ['a.csv']).abandon();
    expect(undoUnfinished()).toEqual([]);
    expect(readdirSync(folder('done'))).toEqual(['a.csv']);
  });

  test('does not touch a file of the user with the same name', () => {
    mkdirSync(folder('own'));
    for (const name of ['a.csv', 'a.csv.part']) writeFileSync(join(folder('own'), name), 'mine');
    openOutputFolder(folder('own'), ['a.csv']).append('a.csv', 'new');
    undoUnfinished();
    expect(readdirSync(folder('own')).map((name) => readFileSync(join(folder('own'), name), 'utf8'))).toEqual(
      ['mine', 'mine'],
    );
  });
});
