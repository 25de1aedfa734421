/** What a user is told who gets something wrong: one line, with the place, what was expected, and the nearest right word. */
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { loadScenario } from '../../src/scenario/load.js';
import { changed, GOOD, parse } from './texts.js';

function errorOf(run: () => unknown): UsageError {
  try {
    run();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

const messageOf = (text: string, set: readonly string[] = []): string =>
  errorOf(() => parse(text, set)).message;

test('the scenario that all others are made from is accepted', () => {
  expect(() => parse(GOOD)).not.toThrow();
});

/** [what is wrong, the passage, what stands there instead, how the line begins, what else it says] */
type Row = readonly [string, string, string, string, ...(string | RegExp)[]];

const rows: readonly Row[] = [
  // keys
  [
    'a key that is unknown',
    'memory: 4GiB',
    'memory: 4GiB\n  memroy: 5GiB',
    'guest.yaml:4:3: guest: unknown key "memroy"',
    'did you mean memory?',
  ],
  ['… at the top', 'name: good', 'nam: good', 'guest.yaml:1:1: unknown key "nam"', 'did you mean name?'],
  [
    '… in a long map',
    'max-bandwidth:',
    'max-bandwith:',
    'guest.yaml:10:14: migration: unknown key "max-bandwith"',
    'did you mean max-bandwidth?',
  ],
  [
    '… of the host',
    'name: good',
    'host: { write-falt: 1us }',
    'guest.yaml:1:9: host: unknown key "write-falt"',
    'did you mean write-fault?',
  ],
  [
    '… of an own prototype',
    'name: good',
    '__proto__: { name: x }',
    'guest.yaml:1:1: unknown key "__proto__"',
  ],
  [
    'a key that is missing',
    '  memory: 4GiB\n',
    '',
    'guest.yaml:2:1: guest.memory: missing',
    'expected a size such as 16GiB',
  ],
  [
    '… at the top',
    'link: { bandwidth: 10Gbit/s }\n',
    '',
    'guest.yaml:1:1: link: missing',
    '{ bandwidth: 10Gbit/s',
  ],
  [
    'a key twice',
    'memory: 4GiB',
    'memory: 4GiB\n  memory: 5GiB',
    'guest.yaml:4:3: the key memory stands here a second time',
    'expected each key once',
  ],
  // sizes, rates, durations, shares
  [
    'a size without a unit',
    'memory: 4GiB',
    'memory: 4',
    'guest.yaml:3:11: guest.memory: "4" lacks a unit',
    'such as 16GiB',
  ],
  [
    'a wrong unit',
    'memory: 4GiB',
    'memory: 4Gb',
    'guest.yaml:3:11: guest.memory: unknown unit "Gb"',
    'did you mean 4GB?',
  ],
  [
    'a negative size',
    'memory: 4GiB',
    'memory: -4GiB',
    'guest.yaml:3:11: guest.memory:',
    'cannot be negative',
  ],
  [
    'a size of zero',
    'memory: 4GiB',
    'memory: 0GiB',
    'guest.yaml:3:11: guest.memory: expected a size from 1MiB to 64TiB, got "0GiB"',
  ],
  [
    'an absurd size',
    'memory: 4GiB',
    'memory: 4000TiB',
    'guest.yaml:3:11: guest.memory: expected a size from 1MiB to 64TiB',
  ],
  [
    'a size that is no number of pages',
    'memory: 4GiB',
    'memory: 1GB',
    'guest.yaml:3:11: guest.memory: expected a multiple of the page size 4KiB',
  ],
  [
    '… of the host',
    'memory: 4GiB',
    'memory: 1500MiB\n  host-page: 1GiB',
    'guest.yaml:3:11: guest.memory: expected a multiple of the page size 1GiB',
  ],
  [
    'nothing where a size belongs',
    'memory: 4GiB',
    'memory:',
    'guest.yaml:3:10: guest.memory: expected a size such as 16GiB, got nothing',
  ],
  [
    'a list where a size belongs',
    'memory: 4GiB',
    'memory: [4GiB]',
    'guest.yaml:3:11: guest.memory:',
    'got a list',
  ],
  [
    'a list of expectations',
    'name: good',
    'name: good\nexpect: [none converges]',
    'guest.yaml:2:9: expect: expected a map such as { auto-converge: { converges: true } }, got a list',
  ],
  [
    'a rate that is a size',
    'write: 300MiB/s',
    'write: 300MiB',
    'guest.yaml:7:52: guest.vcpus.0.workload.write:',
    'did you mean 300MiB/s?',
  ],
  ['bits for bytes', '10Gbit/s', '10Gb', 'guest.yaml:9:20: link.bandwidth:', 'did you mean 10Gbit/s?'],
  ['a lone G for a link', '10Gbit/s', '25G', 'guest.yaml:9:20: link.bandwidth:', 'did you mean 25Gbit/s?'],
  [
    "QEMU's own unit left out",
    'max-bandwidth: 1GiB/s',
    'downtime-limit: 300',
    'guest.yaml:10:30: migration.downtime-limit:',
    'did you mean 300ms?',
  ],
  [
    'a link that carries nothing',
    '10Gbit/s',
    '0Gbit/s',
    'guest.yaml:9:20: link.bandwidth: expected a rate from 1kbit/s',
  ],
  [
    'a word that is nearly right',
    '1GiB/s }',
    'unlimted }',
    'guest.yaml:10:29: migration.max-bandwidth:',
    'did you mean unlimited?',
  ],
  [
    'a duration without a unit',
    'max-bandwidth: 1GiB/s',
    'downtime-limit: 300',
    'guest.yaml:10:30: migration.downtime-limit: "300" lacks a unit',
    'such as 300ms',
  ],
  [
    'a part of a ms',
    'max-bandwidth: 1GiB/s',
    'downtime-limit: 1500us',
    'guest.yaml:10:30: migration.downtime-limit: expected whole ms',
  ],
  [
    'a share without a unit',
    '10%',
    '0.1',
    'guest.yaml:4:15: guest.zero-pages: "0.1" lacks a unit',
    'did you mean 10%?',
  ],
  ['more than all', '10%', '110%', 'guest.yaml:4:15: guest.zero-pages: expected a share', 'up to 100%'],
  // numbers, words, flags
  [
    'no vCPU',
    'count: 2',
    'count: 0',
    'guest.yaml:7:16: guest.vcpus.0.count: expected a whole number from 1 to 4096, got 0',
  ],
  [
    'half a vCPU',
    'count: 2',
    'count: 1.5',
    'guest.yaml:7:16: guest.vcpus.0.count: expected a whole number from 1 to 4096, got 1.5',
  ],
  [
    'words for numbers',
    'count: 2',
    'count: two',
    'guest.yaml:7:16: guest.vcpus.0.count: expected a whole number from 1 to 4096, got "two"',
  ],
  [
    'yes for true',
    'max-bandwidth: 1GiB/s',
    'return-path: yes',
    'guest.yaml:10:27: migration.return-path: expected true or false',
    'did you mean true?',
  ],
  [
    'a version that is not known',
    'max-bandwidth: 1GiB/s',
    'qemu: newest',
    'guest.yaml:10:20: migration.qemu: expected one of 7.2, 8.0, 8.1, 8.2, 9.0, 9.1, 9.2, 10.0, 10.1, 10.2, 11.0, 11.1, ' +
      'or a name with a version in it, got "newest"',
  ],
  [
    'an unknown profile',
    'name: good',
    'host: { profile: defalt }',
    'guest.yaml:1:18: host.profile: expected',
    'did you mean default?',
  ],
  [
    'a name with a dot',
    'name: reader',
    'name: rea.der',
    'guest.yaml:8:15: guest.vcpus.1.name: expected a name of letters',
  ],
  // the dirty ring
  [
    'a ring that is no power of two',
    '4096',
    '4000',
    'guest.yaml:5:20: guest.dirty-ring-size: expected a power of two',
    'did you mean 4096?',
  ],
  [
    'a ring beyond the kernel',
    '4096',
    '131072',
    'guest.yaml:5:20: guest.dirty-ring-size:',
    'from 256 to 65536',
  ],
  [
    'a ring within the reserve of PML',
    '4096',
    '512',
    'guest.yaml:5:20: guest.dirty-ring-size: expected more than the 576 entries',
  ],
  // workloads
  [
    'an unknown workload',
    '{ write: 300MiB/s, working-set: 512MiB }',
    'stres',
    'guest.yaml:7:43: guest.vcpus.0.workload: unknown workload "stres"',
    'did you mean stress?',
  ],
  [
    '… with options',
    '{ write: 300MiB/s, working-set: 512MiB }',
    '{ stres: {} }',
    'guest.yaml:7:45: guest.vcpus.0.workload: unknown workload "stres"',
    'did you mean stress?',
  ],
  [
    'an unknown option of one',
    '{ write: 300MiB/s, working-set: 512MiB }',
    '{ stress: { leav: 1GiB } }',
    'guest.yaml:7:55: guest.vcpus.0.workload.stress: unknown key "leav"',
    'did you mean leave?',
  ],
  [
    'an unknown word in one',
    '{ write: 300MiB/s, working-set: 512MiB }',
    '{ database: { load: read16 } }',
    'guest.yaml:7:63: guest.vcpus.0.workload.database.load:',
    'did you mean read-16?',
  ],
  [
    'a workload beside other keys',
    '{ write: 300MiB/s, working-set: 512MiB }',
    '{ stress: {}, write: 1MiB/s }',
    'guest.yaml:7:43: guest.vcpus.0.workload: expected stress alone',
  ],
  [
    'one that needs options',
    '{ write: 300MiB/s, working-set: 512MiB }',
    'dirty-curve',
    'guest.yaml:7:43: guest.vcpus.0.workload: dirty-curve.points is missing',
  ],
  [
    'a curve that turns back',
    '{ write: 300MiB/s, working-set: 512MiB }',
    '{ dirty-curve: { points: [[1s, 2MiB], [2s, 1MiB]] } }',
    'guest.yaml:7:81: guest.vcpus.0.workload.dirty-curve.points.1: expected a longer time',
  ],
  [
    'a bare curve with half a page',
    '{ write: 300MiB/s, working-set: 512MiB }',
    '{ dirty-curve: [[1s, 0.5]] }',
    'guest.yaml:7:64: guest.vcpus.0.workload.dirty-curve.0.1: expected a size such as 100MiB, or a whole number of pages',
  ],
  [
    'neither reading nor writing',
    '{ write: 300MiB/s, working-set: 512MiB }',
    '{ working-set: 1GiB }',
    'guest.yaml:7:43: guest.vcpus.0.workload: neither writes nor reads',
    'idle',
  ],
  [
    'no working set',
    '{ write: 300MiB/s, working-set: 512MiB }',
    '{ write: 1MiB/s }',
    'guest.yaml:7:33: guest.vcpus.0.workload.working-set: missing',
  ],
  [
    'an unknown pattern',
    'working-set: 512MiB',
    'working-set: 512MiB, pattern: zip',
    'guest.yaml:7:92: guest.vcpus.0.workload.pattern:',
    'did you mean zipf?',
  ],
  [
    'an option of another pattern',
    'working-set: 512MiB',
    'working-set: 512MiB, skew: 1',
    'guest.yaml:7:89: guest.vcpus.0.workload.skew: only pattern: zipf has it',
  ],
  [
    'sets of its own for what is known of all',
    'workload: { write: 300MiB/s, working-set: 512MiB }',
    'shared: false, workload: database',
    'guest.yaml:7:41: guest.vcpus.0.shared: expected true',
  ],
  // layout
  [
    'working sets larger than RAM',
    'working-set: 512MiB',
    'working-set: 3GiB',
    'guest.yaml:7:7: guest.vcpus.0: there is no room for working sets of 2 vCPUs, 6 GiB',
    'in 4 GiB of RAM',
  ],
  [
    'no room for zero pages',
    '10%',
    '70%',
    'guest.yaml:4:15: guest.zero-pages: there is no room',
    'of zero pages',
    'expected smaller sets',
  ],
  [
    'working sets one over the other',
    'name: reader',
    'at: 512MiB, name: reader',
    'guest.yaml:8:7: guest.vcpus.1: the working set begins at 512 MiB and reaches into that of writer',
    'expected another "at"',
  ],
  // migration
  [
    'a delay that nobody waits for',
    'max-bandwidth: 1GiB/s',
    'migrate-continue-delay: 2ms',
    'guest.yaml:10:38: migration.migrate-continue-delay:',
    'expected pause-before-switchover: true',
  ],
  [
    'what the version does not have',
    'max-bandwidth: 1GiB/s',
    "qemu: '7.2', avail-switchover-bandwidth: 1GiB/s",
    'guest.yaml:10:55: migration.avail-switchover-bandwidth: QEMU 7.2 does not have it',
    "expected qemu: '8.2'",
  ],
  [
    'multifd with post-copy',
    'max-bandwidth: 1GiB/s',
    'postcopy-ram: true, stream: multifd',
    'guest.yaml:10:28: migration.postcopy-ram: QEMU 10.0 refuses it',
    "expected qemu: '10.1' or later",
  ],
  [
    'zero-page detection before it came',
    'max-bandwidth: 1GiB/s',
    "qemu: '8.2', stream: { multifd: { zero-page-detection: multifd } }",
    'guest.yaml:10:69: migration.stream.multifd.zero-page-detection: QEMU 8.2 has no zero-page-detection',
    "expected qemu: '9.0' or later",
  ],
  [
    'a machine type that the binary does not have yet',
    'max-bandwidth: 1GiB/s',
    "qemu: '9.2', machine: pc-q35-10.0",
    'guest.yaml:10:36: migration.machine: QEMU 9.2 has no machine type of 10.0',
    'expected 9.2 or older',
  ],
  [
    'an unknown stream',
    'max-bandwidth: 1GiB/s',
    'stream: multifs',
    'guest.yaml:10:22: migration.stream: unknown stream "multifs"',
    'did you mean multifd?',
  ],
  [
    'a cache that is no power of two',
    'max-bandwidth: 1GiB/s',
    'stream: { xbzrle: { cache-size: 60MiB } }',
    'guest.yaml:10:46: migration.stream.xbzrle.cache-size: expected a power of two',
    '64MiB',
  ],
  [
    'phases of the link out of order',
    'bandwidth: 10Gbit/s',
    'bandwidth: 10Gbit/s, phases: [{ from: 5s }, { from: 4s }]',
    'guest.yaml:9:61: link.phases.1.from: expected phases in order of time',
  ],
  // strategies and policies
  [
    'an unknown strategy',
    '- none',
    '- auto-convrge',
    'guest.yaml:12:5: strategies.0: unknown strategy "auto-convrge"',
    'did you mean auto-converge?',
  ],
  [
    'an unknown option of one',
    '- none',
    '- auto-converge: { cpu-throttle-inital: 30 }',
    'guest.yaml:12:22: strategies.0.auto-converge: unknown key "cpu-throttle-inital"',
    'did you mean cpu-throttle-initial?',
  ],
  [
    'an option out of range',
    '- none',
    '- auto-converge: { cpu-throttle-initial: 300 }',
    'guest.yaml:12:44: strategies.0.auto-converge.cpu-throttle-initial: expected a whole percentage from 1 to 99',
    'got 300',
  ],
  [
    'both throttles at once',
    '- none',
    '- { auto-converge: {}, dirty-limit: {} }',
    'guest.yaml:12:5: strategies.0: expected one strategy, got auto-converge and dirty-limit',
    'QEMU refuses both',
    'entries of their own',
  ],
  [
    'a strategy that is a number',
    '- none',
    '- 5',
    'guest.yaml:12:5: strategies.0: expected the name of a strategy',
    'got 5',
  ],
  [
    'a strategy from a file',
    '- none',
    '- ./mine.js',
    'guest.yaml:12:5: strategies.0:',
    '--strategy ./mine.js',
  ],
  ['a strategy twice', '- none', '- none\n  - none', 'guest.yaml:13:5: strategies.1: none is listed twice'],
  [
    'one strategy that is no list',
    'strategies:\n  - none\n  - dirty-limit: { vcpu-dirty-limit: 100MiB/s }',
    'strategies: none',
    'guest.yaml:11:13: strategies: expected a list such as [none, auto-converge], got "none"',
  ],
  [
    'no strategy at all',
    'strategies:\n  - none\n  - dirty-limit: { vcpu-dirty-limit: 100MiB/s }',
    'strategies: []',
    'guest.yaml:11:13: strategies: expected at least 1 entry',
  ],
  [
    'an unknown policy',
    'name: good',
    'policy: wiat',
    'guest.yaml:1:9: policy: unknown policy "wiat"',
    'did you mean wait?',
  ],
  // expectations
  [
    'an expectation of nobody',
    'name: good',
    'expect: { dirty-limt: { converges: true } }',
    'guest.yaml:1:11: expect: unknown strategy "dirty-limt"',
    'did you mean dirty-limit?',
  ],
  [
    'an expectation of an unknown measure',
    'name: good',
    'expect: { dirty-limit: { converge: true } }',
    'guest.yaml:1:26: expect.dirty-limit: unknown measure "converge"',
    'did you mean converges?',
  ],
  [
    '… of an unknown group',
    'name: good',
    "expect: { dirty-limit: { readers.work-done: '> 1%' } }",
    'guest.yaml:1:26: expect.dirty-limit: unknown vCPU group "readers"',
    'did you mean reader?',
  ],
  [
    '… that is no condition',
    'name: good',
    'expect: { dirty-limit: { converges: [] } }',
    'guest.yaml:1:37: expect.dirty-limit.converges: expected a condition',
  ],
  [
    'a relation that is none',
    'name: good',
    'expect: { relations: [dirty-limit is best] }',
    'guest.yaml:1:23: expect.relations.0: expected a relation such as',
  ],
  [
    'a relation with a stranger',
    'name: good',
    'expect: { relations: [dirty-limit.sent < nne.sent] }',
    'guest.yaml:1:23: expect.relations.0: unknown strategy "nne"',
    'did you mean none?',
  ],
  // YAML
  ['a list that is not closed', '10Gbit/s }', '10Gbit/s', 'guest.yaml:10:1: not YAML:'],
  ['a tab', '  memory', '\tmemory', 'guest.yaml:3:1: a tab; expected spaces'],
  ['an alias of nothing', 'name: good', 'name: *other', 'guest.yaml:1:7: nothing is called &other'],
];

describe('one line that says where, what and what was expected:', () => {
  test.each(rows)('%s', (_, passage, instead, begins, ...says) => {
    const message = messageOf(changed(passage, instead));
    expect(message).not.toContain('\n');
    expect(message.slice(0, begins.length)).toBe(begins);
    expect(message).toMatch(
      /expected|did you mean|twice|Expected|only pattern|--strategy|cannot be negative|set guest/,
    );
    for (const words of says) expect(message).toContain(words);
  });

  test('without a file in the way of the place, the error carries it for tools', () => {
    const { place } = errorOf(() => parse(changed('memory: 4GiB', 'memory: 4')));
    expect(place).toEqual({ file: 'guest.yaml', line: 3, column: 11 });
  });
});

test('stress in a guest smaller than what it leaves alone', () => {
  const text = changed('memory: 4GiB', 'memory: 512MiB');
  const message = messageOf(text.replace('{ write: 300MiB/s, working-set: 512MiB }', 'stress'));
  expect(message).toMatch(
    /^guest\.yaml:7:43: guest\.vcpus\.0\.workload: stress leaves 512 MiB .*expected more guest memory/,
  );
});

test('several things wrong give as many lines, in the order of the file', () => {
  const text = changed('memory: 4GiB', 'memory: 4')
    .replace('count: 2', 'count: 0')
    .replace('name: good', 'nam: good');
  const lines = messageOf(text).split('\n');
  expect(lines.map((line) => /^guest\.yaml:(\d+):/.exec(line)?.[1])).toEqual(['1', '3', '7']);
});

describe('texts that are no scenario', () => {
  test.each([
    ['', 'guest.yaml: empty'],
    ['# only a comment\n', 'guest.yaml: empty'],
    ['- none\n', 'guest.yaml:1:1: not a map'],
    ['hello\n', 'guest.yaml:1:1: not a map'],
    ['name: a\n---\nname: b\n', 'guest.yaml:2:1: a second document begins here'],
  ])('%j', (text, begins) => {
    expect(messageOf(text)).toMatch(new RegExp(`^${begins.replaceAll('.', '\\.')}.*expected`));
  });
});

describe('files that are no scenario', () => {
  const folder = mkdtempSync(join(tmpdir(), 'migsim-'));
  mkdirSync(join(folder, 'empty-folder'));
  writeFileSync(join(folder, 'guest.yaml'), GOOD);
  writeFileSync(join(folder, 'image.yaml'), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]));
  writeFileSync(join(folder, 'latin.yaml'), Buffer.from('name: caf\xe9\n', 'latin1'));
  const messageOfFile = (name: string): string => errorOf(() => loadScenario(join(folder, name))).message;

  test('a file in order is read, and knows its path', () => {
    expect(loadScenario(join(folder, 'guest.yaml'))).toMatchObject({
      name: 'good',
      file: join(folder, 'guest.yaml'),
      text: GOOD,
    });
  });

  test.each([
    ['gest.yaml', `no such file; did you mean ${join(folder, 'guest.yaml')}?`],
    ['nothing-like-it.yaml', 'no such file; expected a scenario file (YAML)'],
    ['no-such-folder/x.yaml', 'no such file; expected a scenario file (YAML)'],
    ['guest.yaml/x.yaml', 'no such file; expected a scenario file (YAML)'],
    ['.', `a folder; expected a scenario file (YAML) such as ${join(folder, 'guest.yaml')}`],
    ['empty-folder', 'a folder; expected a scenario file (YAML)'],
    ['image.yaml', 'a binary file; expected a scenario file (YAML)'],
    ['latin.yaml', 'not UTF-8 text; expected a scenario file (YAML)'],
  ])('%s', (name, message) => {
    expect(messageOfFile(name)).toBe(`${join(folder, name)}: ${message}`);
  });
});

describe('values from the command line', () => {
  test.each([
    ['guest.memory=4', '--set guest.memory=4: guest.memory: "4" lacks a unit'],
    ['guest.memroy=4GiB', '--set guest.memroy=4GiB: guest: unknown key "memroy"; did you mean memory?'],
    ['guest.vcpus.7.count=1', '--set guest.vcpus.7.count=1: guest.vcpus has no entry 7; expected 0 to 1'],
    [
      'guest.vcpus.writr.count=1',
      '--set guest.vcpus.writr.count=1: guest.vcpus: unknown entry "writr"; did you mean writer?',
    ],
    ['guest.memory.x=1', '--set guest.memory.x=1: guest.memory is "4GiB", so it has no x'],
    ['strategies.none.x=1', '--set strategies.none.x=1: strategies.0.none: unknown key "x"'],
    ['__proto__.x=1', '--set __proto__.x=1: unknown key "__proto__"'],
    ['guest.memory', 'cannot read "guest.memory"; expected path=value such as guest.memory=32GiB'],
    ['guest..memory=1GiB', 'cannot read "guest..memory=1GiB"; expected path=value'],
    ['link.bandwidth=[', '"link.bandwidth=[": not YAML'],
  ])('%s', (set, begins) => {
    expect(messageOf(GOOD, [set]).slice(0, begins.length)).toBe(begins);
  });

  test('what a value makes wrong elsewhere stands in the file', () => {
    expect(messageOf(GOOD, ['guest.memory=1GiB'])).toMatch(
      /^guest\.yaml:8:7: guest\.vcpus\.1: there is no room/,
    );
  });
});
