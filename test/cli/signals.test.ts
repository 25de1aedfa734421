/** A command that writes files and is ended by a signal: one line, the status that shells give it, and nothing half-written. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { undoUnfinished } from '../../src/files.js';
import { openOutputFolder } from '../../src/report/files/output-folder.js';
import { scratch } from '../experiment/sweeps.js';
import { SMALL } from './migsim.js';

const folder = scratch();
const guest = resolve(SMALL);
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
  ])('%s ended by %s says so in one line and leaves nothing', async (_what, signal, words, at) => {
    const status = { SIGINT: 130, SIGTERM: 143 }[signal];
    const { stderr, ...ended } = await endedBy(signal, words, folder(at));
    expect(ended).toEqual({ status, signal: null, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^migsim: ended by ${signal}; nothing is written[^\\n]*\\n$`));
    expect(readdirSync(folder(at))).toEqual([]);
  });

  test('a sweep keeps the rows that it has, and says how to go on', async () => {
    const out = folder('kept/rows');
    const vary = 'link.latency=1us..1ms:400:log';
    // In the thread that hears of signals: it does so after the first cell.
    const words = ['sweep', guest, '--vary', vary, '--workers', '1', '--out', out];
    const { status, stderr } = await endedBy('SIGINT', words, out);
    const said = `migsim: ended by SIGINT; what is finished stays in ${out}, and the same command goes on\n`;
    expect([status, stderr]).toEqual([130, said]);
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['plan.json', 'runs.csv.part']));
    expect(readdirSync(out)).not.toContain('writing.lock');
  });
});

/** CPU time of a process so far, s; Infinity once it is over. Linux only. */
function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Infinity;
  }
}

/** What a start takes on a machine that does nothing else, several times over; on a busy one it may take more. */
const STARTED_CPU_S = 0.8;
const LATEST_CPU_S = 10;

/** Sends the signal once the command is at work: one that it has killed was not there yet. */
async function endedAtWork(signal: 'SIGINT' | 'SIGTERM', words: readonly string[]): Promise<Ended> {
  for (let after = STARTED_CPU_S; ; after *= 2) {
    const ended = await endedAfter(after, signal, words);
    if (ended.signal === null || after > LATEST_CPU_S) return ended;
  }
}

/** Of those that this process may use. */
function firstCore(): string {
  const list = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return list?.[1] ?? '0';
}

/** On one core, as in a small container: there too a thread has to be free for signals. */
function endedAfter(
  startedCpuS: number,
  signal: 'SIGINT' | 'SIGTERM',
  words: readonly string[],
): Promise<Ended> {
  return new Promise((done) => {
    // taskset becomes the command: it has its process ID.
    const child = spawn('taskset', ['-c', firstCore(), process.execPath, 'bin/migsim.js', ...words]);
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (text: Buffer) => (said.stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said.stderr += text.toString()));
    const look = setInterval(() => {
      if (cpuSeconds(child.pid ?? 0) < startedCpuS) return;
      clearInterval(look);
      child.kill(signal);
    }, 20);
    child.on('close', (status, killed) => {
      clearInterval(look);
      done({ status, signal: killed, ...said });
    });
  });
}

describe('a command that works and writes nothing yet', () => {
  /** Minutes of work for each, did nothing end it. */
  const many = folder('many');
  const log = join(folder(''), 'long.jsonl');
  const long = join(folder(''), 'long.yaml');
  const page = [...LONG, '--seed', '3'];

  beforeAll(() => {
    mkdirSync(many);
    spawnSync(process.execPath, ['bin/migsim.js', 'run', guest, '--strategy', 'none', '--out', many]);
    const [head = '', row = ''] = readFileSync(join(many, 'runs.csv'), 'utf8').split('\n');
    for (const name of readdirSync(many)) rmSync(join(many, name));
    writeFileSync(join(many, 'runs.csv'), `${head}\n${`${row}\n`.repeat(40_000)}`);
    const forever = readFileSync(guest, 'utf8').replace(/memory: \w+/, 'memory: 64GiB');
    writeFileSync(long, `${forever}\nexpect: { none: { converges: true } }\n`);
    const reply = (i: number): string => {
      const ram = {
        total: 2 ** 34,
        transferred: i * 12e5,
        remaining: 2 ** 34 - i * 5e4,
        'dirty-sync-count': 1 + (i >> 6),
      };
      return `${JSON.stringify({ return: { status: 'active', 'total-time': i * 100, ram } })}\n`;
    };
    writeFileSync(log, Array.from({ length: 200_000 }, (_, i) => reply(i + 1)).join(''));
  });

  const words: Readonly<Record<string, readonly string[]>> = {
    advise: ['advise', guest, ...page, '--runs', '1000'],
    check: ['check', long, '--memory', 'page', '--runs', '1000'],
    compare: ['compare', guest, ...page],
    drain: ['drain', guest, ...page, '--copies', '50'],
    learn: ['learn', log],
    plot: ['plot', many],
    report: ['report', many],
    run: ['run', guest, '--strategy', 'none', ...page],
    search: ['search', guest, 'migration.downtime-limit', ...page, '--runs', '1000'],
    sweep: ['sweep', guest, ...page, '--vary', 'link.latency=100us,200us'],
  };

  test.each(Object.entries(words))('%s ends at once, with the line that all have', async (name, given) => {
    if (process.platform !== 'linux') return console.log('skipped: needs /proc, which Linux has');
    const signal = name < 'n' ? 'SIGINT' : 'SIGTERM';
    const ended = await endedAtWork(signal, given);
    expect(ended).toEqual({
      status: { SIGINT: 130, SIGTERM: 143 }[signal],
      signal: null,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(
          `^(small[^\\n]*\\n)*(\\S*small.yaml: [^\\n]*\\n)*migsim: ended by ${signal}; nothing is written[^\\n]*\\n$`,
        ),
      ),
    });
    expect(readdirSync(many)).toEqual(['runs.csv']);
  });
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
