import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readRecorded } from '../../src/experiment/recorded/measured.js';
import { validateRecord } from '../../src/experiment/recorded/validate.js';
import { simulate } from '../../src/experiment/simulate.js';
import { readRecordFrame } from '../../src/formats/record.js';
import { readLogs } from '../../src/formats/readers/read-logs.js';
import { connectQmp } from '../../src/qmp/client.js';
import { recordMigration, type Recorded, type RecordOptions } from '../../src/qmp/record/record.js';
import { leftOf } from '../../src/qmp/record/remaining.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { inProcess } from '../cli/migsim.js';
import { FakeQemu, type Answers } from './fake.js';

const FIXTURE = 'test/recording/fixtures/logs/record.jsonl';
const PARAMETERS = { 'max-bandwidth': 134217728, 'downtime-limit': 300 };

let fake: FakeQemu | undefined;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migsim-record-'));
});
afterEach(async () => {
  await fake?.stop();
  fake = undefined;
  rmSync(folder, { recursive: true });
});

/** Of a guest of 1 GiB, in pages that are still to be sent. */
const ram = (remaining: number, sync = 1) => ({
  total: 1073741824,
  remaining: remaining * 4096,
  transferred: (262144 - remaining) * 4106,
  normal: 262144 - remaining,
  'normal-bytes': (262144 - remaining) * 4096,
  duplicate: 0,
  'dirty-sync-count': sync,
});
const active = (ms: number, remaining: number, sync?: number) => ({
  status: 'active',
  'total-time': ms,
  'setup-time': 1,
  ram: ram(remaining, sync),
});
const completed = { ...active(900, 0, 2), status: 'completed', downtime: 30 };

/** Answers `query-migrate` by a list, one look after the other; the last one stays. A function ends or changes something. */
async function qemu(replies: readonly (object | (() => object))[], more: Answers = {}): Promise<FakeQemu> {
  let look = 0;
  fake = new FakeQemu([10, 0, 2], {
    'query-kvm': { enabled: true, present: true },
    'query-status': { status: 'running' },
    'query-memory-size-summary': { 'base-memory': 1073741824 },
    'query-cpus-fast': [{}, {}],
    'query-migrate-parameters': PARAMETERS,
    'query-migrate-capabilities': [{ capability: 'events', state: true }],
    'query-migrate': () => {
      const reply = replies[Math.min(look, replies.length - 1)]!;
      look += 1;
      return typeof reply === 'function' ? reply() : reply;
    },
    ...more,
  });
  return fake.ready();
}

/** With a clock of its own, so that no test waits. The facts of the guest and the state before take the first two looks. */
async function record(
  replies: Parameters<typeof qemu>[0],
  options: Partial<RecordOptions> = {},
  more: Answers = {},
): Promise<{ recorded: Recorded; text: string }> {
  const { socket } = await qemu(replies, more);
  const client = await connectQmp(socket);
  let ms = 0;
  let text = '';
  try {
    const recorded = await recordMigration(client, {
      from: 'unix:/run/vm.sock',
      now: () => ms,
      wait(period) {
        ms += period;
        return new Promise((resolve) => setImmediate(resolve));
      },
      onLine: (line) => (text += `${JSON.stringify(line)}\n`),
      ...options,
    });
    return { recorded, text };
  } finally {
    client.close();
  }
}

const IDLE = [{}, {}];

describe('a recording', () => {
  test('has the guest, settings, each look and the end, and begins with the migration', async () => {
    const { recorded, text } = await record([...IDLE, {}, {}, active(50, 900), active(150, 700), completed]);
    expect(recorded).toMatchObject({ end: 'completed', hasBegun: true });
    const frame = readRecordFrame(text, 'run.jsonl');
    expect(frame.header).toMatchObject({ qemu: '10.0.2', kvm: true, memory_bytes: 1073741824, vcpus: 2 });
    // Looks at 0 and 100 ms found nothing; at 200 ms 50 ms of the migration had passed.
    expect(frame).toMatchObject({ beganMs: 150, capabilities: ['events'], end: 'completed' });
    expect(frame.parameters).toEqual([{ t: 200, parameters: PARAMETERS }]);
    expect(text.match(/"query-migrate":/g)).toHaveLength(3);
  });

  test('has parameters again when they changed, and only then', async () => {
    let limit = 300;
    const looks = Array.from({ length: 12 }, (_, at) => () => {
      if (at === 7) limit = 500;
      return active(100 * (at + 1), 900 - at);
    });
    const more = { 'query-migrate-parameters': () => ({ ...PARAMETERS, 'downtime-limit': limit }) };
    const { text } = await record([...IDLE, ...looks, completed], {}, more);
    const { parameters } = readRecordFrame(text, 'run.jsonl');
    expect(parameters.map((one) => one.parameters['downtime-limit'])).toEqual([300, 500]);
  });

  test('has the events', async () => {
    const stop = () => {
      fake!.send({ event: 'STOP', timestamp: { seconds: 1, microseconds: 2 } });
      return active(200, 10, 2);
    };
    const { text } = await record([...IDLE, active(100, 900), stop, completed]);
    expect(readRecordFrame(text, 'run.jsonl').events.map(({ event }) => event)).toEqual(['STOP']);
  });

  test('passes over the end of an earlier migration, and joins one under way', async () => {
    const old = { ...completed, 'total-time': 5 };
    const { text, recorded } = await record([old, old, old, old, active(40, 500), completed]);
    expect(recorded.end).toBe('completed');
    expect(text).not.toContain('"total-time":5,');
    await fake!.stop();
    expect((await record([active(5000, 1), active(5100, 1), completed])).recorded.end).toBe('completed');
  });

  // Where QEMU was asked about its guest while the migration ran, its end would pass for that of an earlier one.
  test('of a migration that ends before QEMU has said everything about its guest has its end', async () => {
    const replies = [{}, active(50, 900), completed];
    expect((await record(replies)).recorded).toMatchObject({ end: 'completed', hasBegun: true });
    await fake!.stop();
    const more = { 'query-status': { status: 'postmigrate' } };
    expect((await record([{}, completed], {}, more)).recorded).toMatchObject({ end: 'completed' });
  });

  test('is refused after the migration, when none can come', async () => {
    const more = { 'query-status': { status: 'postmigrate' } };
    await expect(record([completed], {}, more)).rejects.toThrow('the guest has already migrated');
    await fake!.stop();
    // The source was given back its guest, which may migrate again.
    const recorded = await record([completed, completed, completed, active(9, 3), completed]);
    expect(recorded.recorded.end).toBe('completed');
  });

  test('of a migration too short to be seen running has its end', async () => {
    expect((await record([...IDLE, {}, completed])).recorded).toMatchObject({
      end: 'completed',
      hasBegun: true,
    });
  });

  test.each([
    ['failed', { status: 'failed', 'error-desc': 'Unable to write to socket: Broken pipe' }],
    ['cancelled', { status: 'cancelled' }],
  ])('ends with a migration that %s', async (end, reply) => {
    const { recorded } = await record([...IDLE, active(100, 900), reply]);
    expect(recorded).toMatchObject({ end, reason: 'error-desc' in reply ? reply['error-desc'] : null });
  });

  test.each([
    ['after the switchover began', { ...active(200, 10, 2), status: 'device' }, true],
    ['before it', active(200, 10, 2), false],
  ])('is whole when QEMU closes the connection %s', async (_when, reply, hadSwitched) => {
    const end = () => {
      fake!.drop();
      return {};
    };
    const { recorded, text } = await record([...IDLE, active(100, 900), reply, end]);
    expect(recorded).toMatchObject({ end: 'disconnected', hadSwitched, hasBegun: true });
    expect(readRecordFrame(text, 'run.jsonl').end).toBe('disconnected');
  });

  test('ends when it is told to, and when nothing begins in time', async () => {
    let asked = 0;
    const { recorded } = await record([...IDLE, active(100, 900)], { isStopped: () => (asked += 1) > 3 });
    expect(recorded).toMatchObject({ end: 'interrupted', hasBegun: true });
    await fake!.stop();
    await expect(record([{}], { timeoutMs: 1000 })).rejects.toThrow('no migration began within 1 s');
  });

  test('only asks', async () => {
    await record([...IDLE, active(100, 900), completed]);
    for (const { execute } of fake!.asked)
      expect(execute).toMatch(
        /^(query-|x-query-|qom-get$|qom-list$|human-monitor-command$|qmp_capabilities$)/,
      );
  });
});

describe('the command', () => {
  const out = () => join(folder, 'run.jsonl');

  test('writes what learn and validate take, and says how it ended on stderr', async () => {
    const { socket } = await qemu([...IDLE, active(50, 900), completed]);
    const ended = await inProcess(['record', socket, '--out', out()]);
    expect(ended).toMatchObject({ status: 0, stdout: '' });
    expect(ended.stderr).toBe(`The migration completed in 900 ms, downtime 30 ms; recorded in ${out()}\n`);
    expect(readRecorded(readFileSync(out(), 'utf8'), 'run.jsonl').measured).toMatchObject({ downtimeMs: 30 });
  });

  test('comes too late in one line, and leaves no file', async () => {
    const { socket } = await qemu([completed], { 'query-status': { status: 'postmigrate' } });
    const ended = await inProcess(['record', socket, '--out', out()]);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toMatch(
      /^migsim: the guest has already migrated .*; start the recording before the migration\n$/,
    );
    expect(() => readFileSync(out())).toThrow();
  });

  test('does not overwrite an earlier recording', async () => {
    writeFileSync(out(), 'mine');
    const { socket } = await qemu([{}]);
    const ended = await inProcess(['record', socket, '--out', out()]);
    expect(ended).toMatchObject({ status: 2, stderr: `${out()}: exists already; expected a new file\n` });
    expect(readFileSync(out(), 'utf8')).toBe('mine');
  });

  test('exits with 1 when the migration fails, and keeps what it recorded', async () => {
    const failed = { status: 'failed', 'error-desc': 'no route' };
    const { socket } = await qemu([...IDLE, active(50, 900), failed]);
    const ended = await inProcess(['record', socket, '--out', out()]);
    expect(ended.status).toBe(1);
    expect(ended.stderr).toBe(`the migration failed: no route; recorded in ${out()}\n`);
    expect(readRecordFrame(readFileSync(out(), 'utf8'), 'run.jsonl').end).toBe('failed');
  });

  test('exits with 1 when no migration begins, and leaves no file', async () => {
    const { socket } = await qemu([{}]);
    const ended = await inProcess(['record', socket, '--out', out(), '--timeout', '1ms']);
    expect(ended).toMatchObject({ status: 1, stderr: 'no migration began within 1 ms\n' });
    expect(() => readFileSync(out())).toThrow();
  });

  test('lets go of QEMU when the file cannot be made, so that the command ends', async () => {
    const monitor = await qemu([{}]);
    writeFileSync(out(), 'kept');
    const ended = await inProcess(['record', monitor.socket, '--out', out()]);
    expect(ended).toMatchObject({ status: 2, stderr: `${out()}: exists already; expected a new file\n` });
    expect(readFileSync(out(), 'utf8')).toBe('kept');
    await monitor.left();
  });

  test.each([
    ['no such socket', ['/nowhere/vm.sock'], /there is no such socket/],
    ['a scenario that is none', ['/nowhere/vm.sock', '--predict', 'package.json'], /^package\.json:/],
  ])('refuses %s in one line', async (_what, words, message) => {
    const ended = await inProcess(['record', ...words, '--out', out()]);
    expect(ended.status).toBe(2);
    expect(ended.stderr.split('\n').at(0)).toMatch(message);
    expect(() => readFileSync(out())).toThrow();
  });
});

describe('what is left of a migration', () => {
  const scenario = parseScenario(
    `
    guest: { memory: 1GiB, vcpus: [{ workload: { write: 40MiB/s, working-set: 256MiB } }] }
    link: { bandwidth: 1Gbit/s }
    migration: { max-bandwidth: unlimited }
    `,
    'guest.yaml',
  );
  const result = simulate(scenario, scenario.strategies[0]!, { memory: 'fluid' });

  // At a run's own syncs, with what remains right after them, the rest of that very run is left.
  test('at a state of the run itself is the rest of the run', () => {
    expect(result.converged).toBe(true);
    expect(leftOf(result, 0, 0)).toBe(result.totalTimeMs);
    for (const { n, timeMs, remainingBytes } of result.syncs)
      expect(leftOf(result, n, remainingBytes)).toBeCloseTo(Math.max(0, result.totalTimeMs - timeMs), 6);
  });

  test('falls as less remains, and is not known in a pass that the run never made', () => {
    const [sync] = result.syncs;
    const half = leftOf(result, 1, sync!.remainingBytes / 2)!;
    expect(half).toBeLessThan(leftOf(result, 1, sync!.remainingBytes)!);
    expect(half).toBeGreaterThan(leftOf(result, 1, 0)!);
    expect(leftOf(result, result.syncs.length + 5, 0)).toBeNull();
  });
});

describe('a real recording', () => {
  test('says to learn its own memory, vCPUs and settings', () => {
    const read = readLogs([{ file: FIXTURE, text: readFileSync(FIXTURE, 'utf8') }]);
    expect(read).toMatchObject({
      kind: 'migration',
      log: {
        source: 'record',
        settings: { memoryBytes: 64 * 2 ** 20, vcpus: 1, downtimeLimitMs: 300, maxBandwidth: 20 * 2 ** 20 },
      },
    });
  });

  test('is validated against a scenario under the settings in force', async () => {
    const file = join(folder, 'guest.yaml');
    writeFileSync(
      file,
      `
      guest: { memory: 64MiB, hidden: 16968KiB, vcpus: [{ workload: idle }] }
      link: { bandwidth: 10Gbit/s }
      migration: { max-bandwidth: 1GiB/s, downtime-limit: 300ms, qemu: '10.0' }
      strategies: [auto-converge]
      expect: { auto-converge: { converges: false } }
      `,
    );
    const recorded = readRecorded(readFileSync(FIXTURE, 'utf8'), FIXTURE);
    const found = validateRecord(recorded, { text: readFileSync(file, 'utf8'), file }, { runs: 3 });
    expect(found).toMatchObject({
      isLearned: false,
      completedShare: 1,
      under: { differences: ['max-bandwidth: 1GiB/s in the file, 20MiB/s in force'] },
      figures: { totalTimeMs: { measured: 81775, holds: false }, dirtySyncCount: { measured: 31 } },
    });
    // An idle guest of 64 MiB at 20 MiB/s, and no pass but the first.
    const predicted = found.figures.totalTimeMs.point;
    expect(predicted).toBeGreaterThan(2500);
    expect(predicted).toBeLessThan(5000);
    const { stdout } = await inProcess(['validate', FIXTURE, file, '--runs', '3']);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^total time .* 1 min 22 s +outside$/m);
    expect(stdout).not.toContain('learned from');
  });

  test('is validated against a guest learned from itself, which the page says', async () => {
    const { stdout, status } = await inProcess(['validate', FIXTURE, '--runs', '2']);
    expect(status).toBe(0);
    expect(stdout).toContain('how well migsim');
  });

  test('is drawn, and made a page', async () => {
    const plotted = await inProcess(['plot', FIXTURE, '--out', folder]);
    expect(plotted).toMatchObject({ status: 0, stderr: '' });
    expect(plotted.stdout).toMatch(/timeline-measured-none\.svg/);
    // What the guest did is not recorded, and so not drawn.
    expect(plotted.stdout).not.toContain('guest-work');
    const page = join(folder, 'run.html');
    expect(await inProcess(['report', FIXTURE, '--out', page])).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(page, 'utf8')).toContain('measured, none');
  });

  test.each([
    ['two recordings', [FIXTURE, FIXTURE], /expected one recording of migsim record/],
    ['a table of one', [FIXTURE, '--csv'], /--csv is for folders of recordings/],
  ])('refuses %s', async (_what, words, message) => {
    const { status, stderr } = await inProcess(['validate', ...words]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
