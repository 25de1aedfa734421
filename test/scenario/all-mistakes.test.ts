/** All mistakes of a file in one round: what the schema finds, and what is found when the rest is built. */
import { describe, expect, test } from '@jest/globals';
import { InfeasibleError, UsageError } from '../../src/errors.js';
import { parse } from './texts.js';

type Section = 'guest' | 'host' | 'link' | 'migration' | 'policy' | 'strategies' | 'expect';

/** Each on a line of its own, in this order. */
const GOOD: Readonly<Record<Section, string>> = {
  guest: '{ memory: 4GiB, vcpus: [{ name: writer, workload: { write: 1MiB/s, working-set: 1GiB } }] }',
  host: '{ profile: default }',
  link: '{ bandwidth: 1Gbit/s }',
  migration: '{ max-bandwidth: 1GiB/s }',
  policy: 'wait',
  strategies: '[none]',
  expect: '{ none: { converges: true } }',
};
const SECTIONS = Object.keys(GOOD) as Section[];

const IDLE = 'vcpus: [{ workload: idle }]';

type Mistake = readonly [section: Section, text: string, says: string];

/** What the schema refuses: the section has no value then. */
const UNREAD: readonly Mistake[] = [
  ['guest', `{ memory: 4GB/s, ${IDLE} }`, 'guest.memory: '],
  ['guest', `{ memory: 4GiB, ballon: 1GiB, ${IDLE} }`, 'guest: unknown key "ballon"'],
  ['guest', `{ memory: { normal: [4GiB] }, ${IDLE} }`, 'guest.memory: expected [middle, standard deviation]'],
  ['host', '{ profile: defualt }', 'host.profile: '],
  ['link', '{ bandwith: 1Gbit/s }', 'link: unknown key "bandwith"'],
  ['link', '{ bandwidth: 1Gbit/s, latency: fast }', 'link.latency: '],
  ['migration', '{ downtime-limit: 300 }', 'migration.downtime-limit: '],
  ['policy', 'wiat', 'policy: '],
  ['strategies', '[nnoe]', 'strategies.0: '],
  ['expect', '{ none: fast }', 'expect.none: '],
];

/** What goes wrong although each value can be read, by the sections that it needs; the mistake is in the first. */
const UNBUILT: readonly (Mistake | readonly [...Mistake, needs: Section])[] = [
  [
    'guest',
    '{ memory: 4GiB, vcpus: [{ workload: { write: 1MiB/s, working-set: 8GiB } }] }',
    'guest.vcpus.0: there is no room',
    'host',
  ],
  [
    'guest',
    `{ memory: 4GiB, dirty-ring-size: 512, ${IDLE} }`,
    'guest.dirty-ring-size: expected more than',
    'host',
  ],
  [
    'link',
    '{ bandwidth: 1Gbit/s, phases: [{ from: 2s, latency: 1ms }, { from: 1s, latency: 1ms }] }',
    'link.phases.1.from: ',
  ],
  [
    'link',
    '{ bandwidth: 1Gbit/s, outages: [{ from: 2s, for: 1s }, { from: 1s, for: 1s }] }',
    'link.outages.1.from: ',
  ],
  ['migration', '{ postcopy-preempt: true }', 'migration.postcopy-preempt: nothing to preempt'],
  ['migration', '{ at: [{ after: 1s }] }', 'migration.at.0: nothing to do'],
  ['strategies', '[none, none]', 'strategies.1: none is listed twice'],
  ['expect', '{ none: { toal-time: 1s } }', 'expect.none: unknown measure "toal-time"'],
];

function messagesOf(mistakes: readonly Mistake[]): {
  readonly lines: readonly string[];
  readonly error: unknown;
} {
  const texts = { ...GOOD, ...Object.fromEntries(mistakes.map(([section, text]) => [section, text])) };
  try {
    parse(SECTIONS.map((section) => `${section}: ${texts[section]}\n`).join(''));
  } catch (error) {
    if (error instanceof UsageError) return { lines: error.message.split('\n'), error };
    throw error;
  }
  return { lines: [], error: null };
}

const lineOf = ([section]: Mistake): number => SECTIONS.indexOf(section) + 1;

function expectEachOnce(mistakes: readonly Mistake[]): void {
  const inOrder = mistakes.toSorted((a, b) => lineOf(a) - lineOf(b));
  const { lines } = messagesOf(mistakes);
  expect(lines).toHaveLength(mistakes.length);
  for (const [i, mistake] of inOrder.entries()) {
    expect(lines[i]).toMatch(new RegExp(`^guest\\.yaml:${lineOf(mistake)}:\\d+: `));
    expect(lines[i]).toContain(mistake[2]);
  }
}

test('the sections are in order, and each mistake is one by itself', () => {
  expect(messagesOf([]).lines).toEqual([]);
  for (const [section, text, says] of [...UNREAD, ...UNBUILT]) expectEachOnce([[section, text, says]]);
});

describe('a section that cannot be read hides no mistake of the others', () => {
  test.each(UNREAD)('%s: %s', (...unread) => {
    for (const [section, text, says, needs] of UNBUILT)
      if (section !== unread[0] && needs !== unread[0]) expectEachOnce([unread, [section, text, says]]);
  });
});

test('all sections at once: each line once, in the order of the file', () => {
  const mistakes = SECTIONS.map((section) => UNREAD.find((one) => one[0] === section) ?? null);
  expectEachOnce(mistakes.filter((one) => one !== null));
});

test('what lies in two sections is one mistake of the first, and found with any other', () => {
  const hint: Mistake = [
    'guest',
    `{ memory: 4GiB, free-page-hint: 1GiB, ${IDLE} }`,
    'guest.free-page-hint: QEMU asks for no hints',
  ];
  const { lines } = messagesOf([
    hint,
    ['migration', '{ postcopy-ram: true, downtime-limit: 1500us }', ''],
    UNREAD[4]!,
  ]);
  expect(lines.map((line) => line.replace(/^guest\.yaml:(\d+):\d+: ([^:]*):.*$/, '$1 $2'))).toEqual([
    '1 guest.free-page-hint',
    '3 link',
    '4 migration.downtime-limit',
  ]);
});

// A sweep skips cells whose values do not go together, and stops at those that cannot be read.
test('only what can be read whole is infeasible', () => {
  const [room] = UNBUILT;
  const mistake: Mistake = [room![0], room![1], room![2]];
  expect(messagesOf([mistake]).error).toBeInstanceOf(InfeasibleError);
  expect(messagesOf([mistake, UNREAD[5]!]).error).not.toBeInstanceOf(InfeasibleError);
});

describe('what follows from an unknown key is not said', () => {
  test.each([
    [
      'guest.vcpus.0.workload: unknown key "type"',
      '{ memory: 4GiB, vcpus: [{ workload: { type: writer, working-set: 1GiB } }] }',
    ],
    [
      'guest.vcpus.0.workload: unknown key "wirte"',
      '{ memory: 4GiB, vcpus: [{ workload: { wirte: 1MiB/s, working-set: 1GiB } }] }',
    ],
    [
      'guest.vcpus.0.workload: unknown key "working-sets"',
      '{ memory: 4GiB, vcpus: [{ workload: { write: 1MiB/s, working-sets: 1GiB } }] }',
    ],
    ['guest: unknown key "memroy"', `{ memroy: 4GiB, ${IDLE} }`],
  ])('%s', (says, guest) => {
    expectEachOnce([['guest', guest, says]]);
  });

  test('but what is missing by itself is', () => {
    const { lines } = messagesOf([
      ['guest', '{ memroy: 4GiB, vcpus: [{ workload: { wite: 1MiB/s } }] }', ''],
    ]);
    expect(lines.map((line) => line.replace(/^\S+ (.*?)[;,].*$/, '$1'))).toEqual([
      'guest: unknown key "memroy"',
      'guest.vcpus.0.workload.working-set: missing',
      'guest.vcpus.0.workload: unknown key "wite"',
    ]);
  });
});
