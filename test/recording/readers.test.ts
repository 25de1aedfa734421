/** Each format of other programs: what is known of it, its unit traps, and that nothing in it can break a reader. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { completeLog } from '../../src/formats/complete.js';
import type { LogSample, MigrationLog } from '../../src/formats/migration-log.js';
import { knownFormats, readerOf, readers } from '../../src/formats/readers/index.js';
import { readLogs } from '../../src/formats/readers/read-logs.js';
import { decodeText, plainText } from '../../src/formats/text.js';
import { valuesIn } from '../../src/formats/values.js';
import type { Generator } from '../../src/random/generator.js';
import { stream } from '../../src/random/streams.js';
import { learnFrom } from '../../src/recording/learn/learn-from-log.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { inProcess } from '../cli/migsim.js';

const FOLDER = path.join(import.meta.dirname, 'fixtures', 'logs');
const files = readdirSync(FOLDER).sort();
const fixture = (file: string): string => readFileSync(path.join(FOLDER, file), 'utf8');

function read(text: string, file = 'log'): MigrationLog {
  const found = readLogs([{ file, text }]);
  if (found.kind !== 'migration') throw new Error(`expected a migration, got ${found.kind}`);
  return found.log;
}
const last = (text: string): LogSample => read(text).samples.at(-1)!;

const MIB = 2 ** 20;

describe('what each program says', () => {
  const cases: [file: string, source: string, samples: number, figures: Partial<LogSample>][] = [
    [
      'hmp-2.txt',
      'hmp',
      1,
      {
        tUs: 10_545_458_000,
        remainingBytes: 17_064 * 1024,
        normalPages: 86_201_395,
        zeroPages: 1_812_040,
        dirtySyncCount: 30_466,
        dirtyPagesRate: 10_003,
        mbps: 260.76,
        expectedDowntimeMs: 846,
      },
    ],
    ['hmp-7.2.txt', 'hmp', 11, { status: 'completed', downtimeMs: 40, downtimeBytes: 17_963 * 1024 }],
    [
      'hmp-10.1.txt',
      'hmp',
      1,
      { tUs: 14_292_000, dirtySyncCount: 2, dirtyPagesRate: 264_552, totalBytes: 16_777_992 * 1024 },
    ],
    // 3 digits of each size are left.
    [
      'hmp-11.0.txt',
      'hmp',
      1,
      { status: 'completed', downtimeMs: 188, normalPages: 968_715, totalBytes: Math.round(2.13 * 2 ** 30) },
    ],
    ['domjobinfo.txt', 'virsh', 1, { dirtySyncCount: 5, zeroPages: 1_204_412, dirtyPagesRate: 30_120 }],
    // The last reply has no figures but its status.
    ['hmp-10.0.txt', 'hmp', 3, { status: 'cancelled', tUs: 3_062_000, normalPages: 51_560 }],
    [
      'domjobinfo-completed.txt',
      'virsh',
      1,
      { status: 'completed', tUs: 16_461_000, downtimeMs: 49, remainingBytes: 0, dirtySyncCount: 10 },
    ],
    ['domjobinfo-abort.txt', 'virsh', 2, { status: 'cancelled', normalPages: 16_419 }],
    ['domjobinfo-postcopy.txt', 'virsh', 9, { status: 'postcopy-active', dirtySyncCount: 3 }],
    [
      'domjobinfo-rawstats.txt',
      'virsh',
      7,
      { status: 'completed', downtimeMs: 64, normalPages: 154_487, dirtySyncCount: 7 },
    ],
    [
      'proxmox.log',
      'proxmox',
      16,
      { status: 'completed', downtimeMs: 59, remainingBytes: null, dirtySyncCount: null },
    ],
    ['nova.log', 'nova', 6, { status: 'cancelled', tUs: 180e6, dirtySyncCount: null }],
    ['vdsm.log', 'vdsm', 3, { zeroPages: 1_111_020, dirtySyncCount: 2, dirtyPagesRate: 28_900 }],
    ['virt-launcher.log', 'virt-launcher', 1, { dirtySyncCount: 12, normalPages: 158_000, mbps: 320 }],
    ['cloudstack.txt', 'cloudstack', 1, { tUs: 30.5e6, remainingBytes: 402_653_184 }],
    ['record.jsonl', 'record', 38, { status: 'completed', downtimeMs: 21, dirtySyncCount: 31 }],
    ['qmp-behind-a-name.log', 'qmp', 1, { normalPages: 15, totalBytes: 286_334_976 }],
    ['libvirtd-debug.log', 'qmp', 3, { tUs: 6_253_000 }],
    ['python-qmp.log', 'qmp', 3, { tUs: 6_253_000 }],
    ['qmp-nan.jsonl', 'qmp', 1, { dirtySyncCount: 4 }],
  ];
  test.each(cases)('%s', (file, source, samples, figures) => {
    const log = read(fixture(file), file);
    expect(log.source).toBe(source);
    expect(log.samples).toHaveLength(samples);
    expect(log.samples.at(-1)).toMatchObject(figures);
  });

  test('settings are taken where the log has them', () => {
    expect(read(fixture('qmp-behind-a-name.log')).settings).toEqual({
      maxBandwidth: 22_500,
      downtimeLimitMs: 4000,
    });
    expect(read(fixture('proxmox.log')).settings.downtimeLimitMs).toBe(100);
    expect(read(fixture('nova.log')).settings).toMatchObject({
      downtimeLimitMs: 50,
      laterDowntimeLimitsMs: [95],
    });
  });

  test('a dump is no migration', () => {
    expect(() => read(fixture('domjobinfo-dump.txt'))).toThrow('the job is no migration (Dump)');
  });

  test('a job that is none: before or after the migration', () => {
    for (const text of ['Job type:         None        \n', 'type: 0\nJob type: None\n'])
      expect(() => read(text)).toThrow('it was taken before or after the migration');
  });

  test('domstats: one block a period', () => {
    const found = readLogs([{ file: 'd', text: fixture('domstats.txt') }]);
    expect(found.kind === 'readings' && found.readings.points).toEqual([
      { durationUs: 1e6, pages: (160 * MIB) / 4096 },
      { durationUs: 10e6, pages: (700 * MIB) / 4096 },
    ]);
  });
});

describe('units that programs really print', () => {
  test("vdsm's megabits are MiB times 8, its early MBps are MiB, its zero pages are pages", () => {
    const rate = last(fixture('vdsm.log')).mbps;
    expect(rate).toBeCloseTo(((985 / 8) * MIB * 8) / 1e6, 6);
    expect(last(fixture('vdsm.log').replaceAll('985Mbps', '123MBps')).mbps).toBeCloseTo(
      (123 * MIB * 8) / 1e6,
      6,
    );
  });

  test('virt-launcher: versions that print 1/64 of each Mbps are told by what was processed', () => {
    const right = last(fixture('virt-launcher.log'));
    const wrong = read(
      fixture('virt-launcher.log').replace('320Mbps', '5Mbps').replace('9385Mbps', '146Mbps'),
    );
    expect(wrong.samples[0]!.mbps / right.mbps).toBeCloseTo(1, 1);
    expect(wrong.samples[0]!.dirtyPagesRate / right.dirtyPagesRate).toBeCloseTo(1, 1);
    expect(wrong.notes.join()).toContain('1/64');
  });

  test('HMP: kbytes are 1024 bytes, and a counter that ran below 0 is 0', () => {
    const text = fixture('hmp-2.txt').replace('17064 kbytes', '18446744073709551612 kbytes');
    expect(last(text).remainingBytes).toBe(0);
  });

  test('Proxmox up to 2021 has bytes, and what remains', () => {
    const old =
      '10:00:01 migration status: active (transferred 103025691, remaining 317911040), total 2156597248)';
    expect(last(old)).toMatchObject({ transferredBytes: 103_025_691, remainingBytes: 317_911_040 });
    expect(
      last(
        fixture('proxmox.log').replace(
          '1.0 GiB/s\n2025-01-01 10:00:18',
          '1.0 GiB/s, VM dirties lots of memory: 2.0 GiB/s\n2025-01-01 10:00:18',
        ),
      ).status,
    ).toBe('completed');
  });

  test('Proxmox up to 2020 sets the limit in seconds and the rate in bytes/s', () => {
    const log = read(
      'Nov 24 12:26:43 migrate_set_speed: 8589934592\nNov 24 12:26:43 migrate_set_downtime: 0.1\n' +
        'Nov 24 12:26:45 migration status: active (transferred 133567908, remaining 930062336), total 1082789888)',
    );
    expect(log.settings).toMatchObject({ maxBandwidth: 8 * 2 ** 30, downtimeLimitMs: 100 });
  });

  // It is on in all of them, so that a log shows what a guest dirties under a throttle that no line states.
  test('Proxmox: a guest whose memory was sent more than once was throttled', () => {
    const [whole, more] = ['11.7', '31.7'].map((sent) =>
      read(fixture('proxmox.log').replace('transferred 11.7 GiB', `transferred ${sent} GiB`)).notes.join(),
    );
    expect(whole).not.toContain('auto-converge');
    expect(more).toContain('auto-converge');
  });

  test('domjobinfo: downtime is the expected one while the job runs (--rawstats)', () => {
    const raw = read(fixture('domjobinfo-rawstats.txt'));
    expect(raw.samples[0]).toMatchObject({
      downtimeMs: null,
      expectedDowntimeMs: 300,
      totalBytes: 537_403_392,
    });
  });
});

describe('what is around the lines', () => {
  const plain = fixture('domjobinfo.txt');
  const same = (text: string): void => {
    expect(read(text).samples.map(({ tUs, normalPages }) => [tUs, normalPages])).toEqual([
      [42_125_000, 1_231_002],
    ]);
  };
  test.each([
    ['a mark and line ends of Windows', `\ufeff${plain.replaceAll('\n', '\r\n')}`],
    [
      'a prompt, a date and a time',
      `[root@host ~]# virsh domjobinfo vm\nThu Jan  1 10:00:00 UTC 2026\n--- t=42\n${plain}`,
    ],
    ['a journal', plain.replaceAll(/^/gm, 'Jan 01 10:00:00 host virsh[17]: ')],
    [
      'a journal as JSON',
      plain
        .split('\n')
        .map((line) => JSON.stringify({ MESSAGE: line, __REALTIME_TIMESTAMP: '1767261600000000' }))
        .join('\n'),
    ],
  ])('%s', (_, text) => same(text));

  test('UTF-16, as PowerShell writes', () => {
    same(decodeText(Buffer.from(`\ufeff${plain}`, 'utf16le')));
  });

  test('colours and the echo of a monitor', () => {
    const echoed = fixture('hmp-11.0.txt').replace('(qemu) info', '(qemu) i\u001b[K\u001b[Dinfo');
    expect(last(echoed).normalPages).toBe(968_715);
  });

  test('values: JSON one after another, Python, and behind the prefix of each line', () => {
    expect(valuesIn('{"a": 1}\n{"b": [2]} x {')).toMatchObject([{ value: { a: 1 } }, { value: { b: [2] } }]);
    expect(valuesIn("{'a': True, 'b': None, u'c': 12L, 'd': -nan}")[0]!.value).toEqual({
      a: true,
      b: null,
      c: 12,
      d: null,
    });
    expect(valuesIn('10:00:01 vm> {"a":\n10:00:02 vm>  {"b": 1}}')[0]!.value).toEqual({ a: { b: 1 } });
    expect(plainText('{"msg": "{\\"a\\": 1}"}')).toBe('{"a": 1}');
  });
});

describe('a Proxmox log that is cut at its begin', () => {
  const lines = fixture('proxmox.log').trimEnd().split('\n');
  const active = lines.findIndex((line) => line.includes('migration active'));
  const whole = last(lines.join('\n')).tUs!;
  // Its first line is the 6th to 12th of 15: what had been sent by then is behind it, at a rate that varies by a third.
  test.each([5, 8, 11])('%d lines after the first', (more) => {
    const log = read(lines.slice(active + more).join('\n'));
    expect(log.samples.at(-1)!.tUs! / whole).toBeGreaterThan(0.75);
    expect(log.samples.at(-1)!.tUs! / whole).toBeLessThan(1.25);
    expect(log.notes.join()).toContain('the log begins after the migration did');
  });

  test('one that is whole is taken as it is', () => {
    expect(read(lines.join('\n')).notes.join()).not.toContain('begins after');
    expect(whole).toBe(16e6);
  });
});

describe('several of them', () => {
  test('the limits of a migration are those that were set for it', () => {
    const raised = (ms: number): string => `auto-increased downtime to continue migration: ${ms} ms`;
    const one = fixture('proxmox.log').replace(
      /(?=.*average migration speed)/,
      `${raised(200)}\n${raised(400)}\n`,
    );
    const other = fixture('proxmox.log')
      .split('\n')
      .filter((line, at) => !line.includes('migration active') || at % 2 === 0)
      .join('\n')
      .replace('downtime limit: 100 ms', 'downtime limit: 300 ms');
    const own = { downtimeLimitMs: 100, laterDowntimeLimitsMs: [200, 400] };
    expect(read(one).settings).toMatchObject(own);
    expect(read(`${other}\n${one}`).settings).toMatchObject(own);
    expect(read(`${one}\n${other}`).settings).toMatchObject(own);
  });

  test("a guest's limits are not those of another in the same log", () => {
    const step = (guest: string, ms: number): string =>
      `[instance: ${guest}] Increasing downtime to ${ms} ms after 0 sec elapsed time`;
    const nova = fixture('nova.log');
    const [, guest = ''] = /\[instance: ([0-9a-f-]+)\]/.exec(nova)!;
    const mixed = nova.replace(/\n/, `\n${step('0123abcd-0000', 5000)}\n`);
    expect(guest).not.toBe('');
    expect(read(mixed).settings).toEqual(read(nova).settings);
  });

  const replies = fixture('qmp-tiny-cap.jsonl').trim().split('\n');
  test('replies in files of their own, in any order, are one migration', () => {
    const given = [...replies].reverse().map((text, at) => ({ file: `${at}.json`, text }));
    const found = readLogs(given);
    expect(found.kind === 'migration' && found.log.samples.map(({ tUs }) => tUs)).toEqual(
      read(replies.join('\n')).samples.map(({ tUs }) => tUs),
    );
  });

  test('two migrations in one log: the one that says more, and a note', () => {
    const log = read([...replies.slice(0, 3), ...replies].join('\n'));
    expect(log.samples).toHaveLength(replies.length);
    expect(log.notes.join()).toContain('2 migrations are in the log');
  });

  test('a rate that no link has is refused', () => {
    const text = fixture('qmp-tiny-cap.jsonl').replace(/"mbps": [\d.]+/, '"mbps": 18446744073709551612');
    expect(() => read(text)).toThrow(/mbps is 18446744073709552000; in which unit is it\?/);
  });

  test('logs of two kinds are refused', () => {
    const both = ['vdsm.log', 'proxmox.log'].map((file) => ({ file, text: fixture(file) }));
    expect(() => readLogs(both)).toThrow(
      'proxmox.log: recognised as Proxmox VE task log, but vdsm.log as vdsm log',
    );
  });
});

test('what follows from a log that counts neither pages nor syncs', () => {
  const log = completeLog(read(fixture('nova.log')))!;
  const [first] = log.samples;
  // The first pass sends each page once, a zero page as 9 bytes and any other as 4104: two equations.
  const { normalPages, zeroPages } = first!;
  expect(normalPages + zeroPages).toBeCloseTo((8_607_571_968 - 4_984_139_776) / 4096, -1);
  expect((normalPages * 4104 + zeroPages * 9) / 3_539_992_576).toBeCloseTo(1, 3);
  expect(log.samples.at(-1)!.dirtySyncCount).toBeGreaterThan(3);
  expect(log.derived.length).toBeGreaterThan(1);
});

test('a text in no known format is refused with the list of formats', () => {
  expect(() => read('Dear Sir or Madam')).toThrow(`no known format; expected one of: ${knownFormats()}`);
  for (const reader of readers)
    if (reader.command === undefined) expect(knownFormats()).toContain(reader.name);
});

test.each([
  ['apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\n', 'the virt-launcher pod'],
  [
    '{\n "apiVersion": "kubevirt.io/v1",\n "kind": "VirtualMachineInstanceMigration"\n}\n',
    'the virt-launcher pod',
  ],
  [
    '# a guest\nguest:\n  memory: 4GiB\nlink: { bandwidth: 1Gbit/s }\n',
    'recognised as a scenario, which `migsim run` reads',
  ],
])('what is at hand in place of a log is named: %j', (text, says) => {
  expect(() => read(text)).toThrow(says);
  expect(() => read(text)).toThrow('expected one of: guestperf report');
});

// A pattern that runs on over lines comes back to each of them: these would take hours, and not parts of a second.
test.each([
  ['blank lines', ' \n'.repeat(1_000_000)],
  ['the begin of a scenario', 'guest:\n'.repeat(400_000)],
  ['the begin of an object', '"\n'.repeat(1_000_000)],
])('a large text of %s is refused in one line', (_what, text) => {
  expect(() => read(`${text}x`)).toThrow(/^[^\n]*no known format[^\n]*$/);
});

test('every fixture is recognised by one reader, and by a part of it still by the same', () => {
  for (const file of files) {
    const text = plainText(fixture(file));
    const lines = text.split('\n');
    const half = lines.slice(Math.floor(lines.length / 3)).join('\n');
    const found = readerOf(text);
    expect([file, found?.name]).not.toEqual([file, undefined]);
    expect([null, found]).toContain(readerOf(half));
  }
});

/** Numbers that no program means, where one stood. */
const NUMBERS = [
  '1e300',
  '9007199254740993',
  '0.5',
  '-1',
  '0',
  '-nan',
  '1e-300',
  '18446744073709551612',
  '4096',
  '',
];

/** A line changed as a careless hand, a full disk or another version would. */
function mutated(text: string, random: Generator): string {
  const lines = text.split('\n');
  const at = random.nextBelow(lines.length);
  const line = lines[at]!;
  const kind = random.nextBelow(6);
  if (kind === 0) lines[at] = line.slice(0, random.nextBelow(line.length + 1));
  else if (kind === 1) lines.splice(at, 1);
  else if (kind === 2) lines.splice(at, 0, lines[random.nextBelow(lines.length)]!);
  else if (kind === 3) lines.splice(at);
  else {
    const numbers = [...line.matchAll(/\d+(?:\.\d+)?/g)];
    const number = numbers[random.nextBelow(Math.max(1, numbers.length))];
    const other = NUMBERS[random.nextBelow(NUMBERS.length)]!;
    if (number !== undefined)
      lines[at] = line.slice(0, number.index) + other + line.slice(number.index + number[0].length);
  }
  return lines.join('\n');
}

test('10,000 logs with a changed line are read or refused in one line', () => {
  const random = stream(1, 1, 'mutated logs');
  const texts = files.map((file) => fixture(file).slice(0, 1500));
  let refused = 0;
  for (let at = 0; at < 10_000; at += 1) {
    try {
      readLogs([{ file: 'log', text: mutated(texts[at % texts.length]!, random) }]);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      expect(error.message).not.toContain('\n');
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(500);
  expect(refused).toBeLessThan(9500);
});

test('what learn writes loads, whatever a line of the log became', () => {
  const random = stream(2, 1, 'mutated logs');
  let learned = 0;
  for (let at = 0; at < 4 * files.length; at += 1) {
    const text = mutated(mutated(fixture(files[at % files.length]!), random), random);
    try {
      const found = readLogs([{ file: 'log', text }]);
      const { scenario } = learnFrom(found, found.kind === 'readings' ? { memoryBytes: 16 * 2 ** 30 } : {});
      parseScenario(scenario, 'learned.yaml');
      learned += 1;
    } catch (error) {
      if (!(error instanceof UsageError) || error.message.startsWith('learned.yaml')) throw error;
    }
  }
  expect(learned).toBeGreaterThan(files.length);
});

/** Mutated logs of which learn made what does not load, or what took minutes: [what, the text]. */
const ODD: readonly (readonly [string, () => string])[] = [
  [
    'no clock, with thousands of syncs',
    () => without('hmp-2.txt', /^total time: .*\n/m).replace('10003 pages', '1 pages'),
  ],
  [
    'a second job of which only the memory is known',
    () => `${fixture('cloudstack.txt').trimEnd()}\nmemTotal:4312604672`,
  ],
  [
    'hundreds of hours for a pass',
    () => without('hmp-10.1.txt', /^Time \(ms\): .*\n/m).replace('9380.51', '0.5'),
  ],
  [
    'zero pages counted twice',
    () =>
      without('qmp-tiny-cap.jsonl', /^.*"duplicate": 69514.*\n/m).replace(
        '"duplicate": 69594',
        '"duplicate": 0',
      ),
  ],
];

function without(file: string, lines: RegExp): string {
  const text = fixture(file);
  expect(text).toMatch(lines);
  return text.replace(lines, '');
}

test.each(ODD)('learn of a log with %s loads', (_, text) => {
  const { scenario } = learnFrom(readLogs([{ file: 'log', text: text() }]));
  expect(() => parseScenario(scenario, 'learned.yaml')).not.toThrow();
});

test('more bytes in a phase than in all are refused', () => {
  const text = fixture('hmp-7.2.txt').replace(/downtime ram: \d+/, 'downtime ram: 9007199254740993');
  expect(() => readLogs([{ file: 'log', text }])).toThrow(/downtime-bytes .* is more than transferred/);
});

test('other commands name what they cannot read, and the command that can', async () => {
  const log = path.join(FOLDER, 'vdsm.log');
  for (const command of ['plot', 'validate']) {
    const { status, stderr } = await inProcess([command, log]);
    expect([command, status]).toEqual([command, 2]);
    expect(stderr).toContain('recognised as vdsm log, which `migsim learn` reads');
  }
});
