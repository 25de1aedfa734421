import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { completeLog, pagesSent, type MigrateLog } from '../../src/formats/complete.js';
import { readLogs } from '../../src/formats/readers/read-logs.js';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const fixture = (name: string): string => readFileSync(path.join(FIXTURES, name), 'utf8');

/** A reply as QEMU gives it, with changes. */
function reply(changes: object = {}, ram: object = {}): object {
  return {
    status: 'active',
    'total-time': 1000,
    'expected-downtime': 300,
    ...changes,
    ram: {
      total: 2 ** 30,
      remaining: 2 ** 29,
      transferred: 2 ** 29 + 2 ** 20,
      duplicate: 0,
      normal: 2 ** 17,
      'dirty-sync-count': 1,
      'page-size': 4096,
      ...ram,
    },
  };
}

const readText = (text: string, file: string): MigrateLog => {
  const read = readLogs([{ file, text }]);
  if (read.kind !== 'migration') throw new Error('expected a log of a migration');
  return completeLog(read.log)!;
};
const read = (...replies: object[]): MigrateLog => readText(JSON.stringify(replies), 'log.json');

describe('the three forms', () => {
  test('an array of wrappers; what has no RAM statistics yet is passed over', () => {
    const log = readText(fixture('wrapped.json'), 'wrapped.json');
    expect(log.skipped).toBe(0);
    expect(log.samples.map(({ tUs }) => tUs)).toEqual([200_000, 401_000]);
    expect(log.samples.map(({ throttlePercent }) => throttlePercent)).toEqual([0, 20]);
    expect(pagesSent(log.samples[1]!)).toBe(8192 + 1024);
  });

  test('a QMP log: greetings, commands, events and other returns stand between the replies', () => {
    const log = readText(fixture('qmp.log'), 'qmp.log');
    expect(log.samples.map(({ tUs }) => tUs)).toEqual([1_000_000, 2_000_000]);
    expect(log.samples[1]!.place).toEqual({ file: 'qmp.log', line: 7 });
  });

  test('raw replies, one a line', () => {
    const lines = [reply(), reply({ 'total-time': 2000 })].map((one) => JSON.stringify(one)).join('\n');
    expect(readText(lines, 'lines').samples).toHaveLength(2);
  });
});

describe('what is no such log is refused with its place', () => {
  const cases: [string, string, string][] = [
    ['empty', '', 'log: the file is empty'],
    [
      'other JSON',
      '{"a": 1}',
      'log:1: no known format; expected one of: guestperf report, recording of migsim record, QMP',
    ],
    [
      'cut off in an array',
      '[\n{"status": "active"',
      'log:2:20: the JSON ends in the middle: is the file truncated?',
    ],
    ['broken inside', '[{"status" "active"}]', 'log:1:12: this is not JSON'],
    [
      'virsh domjobinfo',
      'Job type:         Unbounded\nTime elapsed:     294154 ms\n',
      'no job with figures of memory',
    ],
    ['info migrate', 'Migration status: active\n', 'this "info migrate" has no figures of RAM'],
    ['a recording', '{"format": "migsim-recording/1"}', 'migsim validate'],
    ['a guestperf report', '{"progress_history": []}', 'log: hardware: missing'],
    ['only statuses', '[{"status": "setup"}]', 'no query-migrate reply with RAM statistics'],
  ];
  test.each(cases)('%s', (_, text, message) => {
    const refused = (): unknown => readText(text, 'log');
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(message);
  });
});

describe('figures that cannot be are refused with the sample', () => {
  const cases: [string, object, object, string][] = [
    [
      'remaining above total',
      {},
      { remaining: 2 ** 31 },
      'sample 1: remaining (2147483648) is more than total',
    ],
    ['total in MiB', {}, { total: 1023 }, 'sample 1: total is 1023, expected bytes'],
    ['remaining in kB', {}, { remaining: 524_287 }, 'sample 1: remaining is 524287, expected bytes'],
    ['a negative counter', {}, { normal: -1 }, 'sample 1: "normal" is negative'],
    ['another page size', {}, { 'page-size': 65_536 }, 'sample 1: page-size is 65536'],
    [
      'a text for a number',
      { 'total-time': '1 s' },
      {},
      'sample 1: "total-time" is "1 s"; expected a number',
    ],
    ['a missing counter', {}, { 'dirty-sync-count': undefined }, 'sample 1: "dirty-sync-count" is missing'],
    [
      'transferred in MiB',
      {},
      { transferred: 512 },
      'sample 1: transferred (512) is less than the 131072 pages sent',
    ],
    [
      'normal-bytes of other pages',
      {},
      { 'normal-bytes': 7 },
      'sample 1: normal-bytes (7) is not normal (131072) times 4096',
    ],
    ['an unknown status', { status: 'running' }, {}, 'sample 1: "running" is no migration status'],
    [
      'a throttle of 100 %',
      { 'cpu-throttle-percentage': 100 },
      {},
      'sample 1: cpu-throttle-percentage is 100',
    ],
  ];
  test.each(cases)('%s', (_, changes, ram, message) => {
    expect(() => read(reply(changes, ram))).toThrow(`log.json: ${message}`);
  });

  test('a clock in another unit: bytes over time are far from what mbps says', () => {
    const samples = [0, 1, 2, 3].map((at) =>
      reply({ 'total-time': 1 + at }, { mbps: 1082, transferred: 2 ** 30 + at * 27e6 }),
    );
    expect(() => read(...samples)).toThrow(/transferred over total-time is 2.0e\+2 times what mbps says/);
  });

  test('where time, syncs, pages or memory go back, another migration begins', () => {
    const later = { 'total-time': 2000 };
    const twice = (first: object, second: object): string => {
      const log = read(first, second);
      expect(log.samples).toHaveLength(1);
      return log.notes.join();
    };
    for (const note of [
      twice(reply(later), reply()),
      twice(reply({}, { 'dirty-sync-count': 2 }), reply(later)),
      twice(reply(), reply(later, { normal: 1000 })),
      twice(reply(), reply(later, { total: 2 ** 31 })),
    ]) {
      expect(note).toContain('2 migrations are in the log');
    }
  });

  test('a log that breaks off keeps what is whole', () => {
    expect(readText(`${JSON.stringify(reply())}\n{"status": "act`, 'log').samples).toHaveLength(1);
    expect(readText(`[${JSON.stringify(reply())},\n{"status": "act`, 'log').samples).toHaveLength(1);
    expect(readText(`": 12}}\n${JSON.stringify(reply())}`, 'log').samples).toHaveLength(1);
  });
});
