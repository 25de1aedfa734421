import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { tableFault } from '../../src/options/check-table.js';
import { isTable, type Problem, readEntry, readOptions } from '../../src/options/read.js';
import type { OptionEntry } from '../../src/options/table.js';

type Described<Entry> = Entry extends OptionEntry ? Omit<Entry, 'summary'> : never;

function read(entry: Described<OptionEntry>, input: unknown): unknown {
  const problems: Pick<Problem, 'message'>[] = [];
  const described = { ...entry, summary: 'what it is' } as OptionEntry;
  const value = readEntry(described, input, (message) => problems.push({ message }));
  expect(problems).toEqual([]);
  return value;
}

/** The one line that a user is told about a bad value. */
function complaint(entry: Described<OptionEntry>, input: unknown): string {
  const messages: string[] = [];
  readEntry({ ...entry, summary: 'what it is' } as OptionEntry, input, (message) => messages.push(message));
  expect(messages).toHaveLength(1);
  expect(messages[0]).not.toContain('\n');
  return messages[0]!;
}

describe('percent', () => {
  const type = { kind: 'percent', min: 1, max: 99 } as const;

  test.each([
    [20, 20],
    ['20', 20],
    ['20%', 20],
    [' 20 % ', 20],
    [1, 1],
    [99, 99],
  ])('%j is %i', (value, expected) => {
    expect(read(type, value)).toBe(expected);
  });

  test.each([0, 100, 2.5, '2.5%', '-5', 'much', '', true, null, [], NaN])('%j is refused', (value) => {
    expect(complaint(type, value)).toMatch(
      /^expected a whole percentage from 1 to 99, such as 20 or 20%, got /,
    );
  });
});

describe('mib-per-second', () => {
  const type = { kind: 'mib-per-second', min: 1 } as const;

  test.each([
    ['100MiB/s', 100],
    ['1GiB/s', 1024],
    ['1024KiB/s', 1],
    ['100', 100],
    [100, 100],
  ])('%j is %i', (value, expected) => {
    expect(read(type, value)).toBe(expected);
  });

  // 10^8 / 2^20 = 95.367…
  test('a rate that is no whole number of MiB/s is refused with its value', () => {
    expect(complaint(type, '100MB/s')).toBe(
      '"100MB/s" is 95.37 MiB/s, and QEMU takes whole MiB/s; expected such as 95MiB/s',
    );
  });

  test('a wrong unit is answered with the right one', () => {
    expect(complaint(type, '100Mb/s')).toContain('did you mean 100Mbit/s?');
  });

  test.each([0, '0MiB/s', true, {}])('%j is refused', (value) => {
    expect(complaint(type, value)).toMatch(
      /^expected a whole number of MiB\/s from 1, such as 100MiB\/s, got /,
    );
  });

  test('a value that is missing is said to be so', () => {
    expect(complaint(type, undefined)).toMatch(/^missing; expected /);
  });
});

describe('duration-ms', () => {
  test.each([
    ['500ms', 500],
    ['0.5s', 500],
    ['2000us', 2],
  ])('%j is %i ms', (value, expected) => {
    expect(read({ kind: 'duration-ms' }, value)).toBe(expected);
  });

  test('a bare number is ms only where QEMU takes ms', () => {
    expect(read({ kind: 'duration-ms', bareNumber: true }, 500)).toBe(500);
    expect(read({ kind: 'duration-ms', bareNumber: true }, '500')).toBe(500);
    expect(complaint({ kind: 'duration-ms' }, 500)).toMatch(
      /^expected a duration .* such as 500ms, got 500$/,
    );
    expect(complaint({ kind: 'duration-ms' }, '500')).toMatch(/^"500" lacks a unit/);
  });

  test.each(['1500us', '2s', '0ms'])('%j is refused: not whole ms from 1 to 1000', (value) => {
    expect(complaint({ kind: 'duration-ms', min: 1, max: 1000 }, value)).toBe(
      `expected a duration of whole ms from 1ms to 1000ms, such as 500ms, got "${value}"`,
    );
  });
});

test('a flag is true or false, and YAML 1.2 knows no yes', () => {
  expect(read({ kind: 'flag' }, true)).toBe(true);
  expect(complaint({ kind: 'flag' }, 'yes')).toBe('expected true or false, got "yes"; did you mean true?');
});

test('a choice suggests the word that was meant', () => {
  const type = { kind: 'choice', choices: ['trigger', 'start'] } as const;
  expect(read(type, 'start')).toBe('start');
  expect(complaint(type, 'triger')).toBe('expected trigger or start, got "triger"; did you mean trigger?');
  expect(complaint(type, 7)).toBe('expected trigger or start, got 7');
});

test('vCPU indexes are whole numbers from 0', () => {
  expect(read({ kind: 'vcpus' }, [0, 3])).toEqual([0, 3]);
  expect(complaint({ kind: 'vcpus' }, [0, -1])).toBe('expected the index of a vCPU, from 0, got -1');
  expect(complaint({ kind: 'vcpus' }, 0)).toBe('expected a list of vCPU indexes such as [0, 1], got 0');
});

test('a list for each vCPU may name vCPUs that are left alone', () => {
  const type = {
    kind: 'per-vcpu',
    each: { kind: 'mib-per-second', orNone: true },
    such: '[100MiB/s, none]',
  } as const;
  expect(read(type, ['none', '100MiB/s', 7])).toEqual(['none', 100, 7]);
  expect(complaint(type, ['100MiB/s', 'nun'])).toMatch(
    /^cannot read "nun" as a rate.*; none is possible too$/,
  );
  expect(complaint(type, 5)).toBe(
    'expected a list with a value for each vCPU, such as [100MiB/s, none], got 5',
  );
});

describe('options written with a parser of their own', () => {
  const parser = z.strictObject({ step: z.int().min(1).default(20) });

  test('are read by it', () => {
    expect(readOptions(parser, {})).toEqual({ value: { step: 20 } });
    expect(readOptions(parser, { step: 0 })).toHaveProperty('problems.0.path', ['step']);
    expect(readOptions(parser, { stp: 1 })).toMatchObject({ problems: [{ path: ['stp'], at: 'key' }] });
  });

  test('are no table', () => {
    expect([isTable(parser), isTable({})]).toEqual([false, true]);
  });
});

describe('a table that a user has written', () => {
  test.each([
    [
      { step: { kind: 'cont', summary: 'steps' } },
      'its option step: unknown kind "cont"; did you mean count?',
    ],
    [{ step: 20 }, /^its option step: expected a map such as/],
    [{ step: { kind: 'count' } }, 'its option step: summary: missing; expected a sentence'],
    [
      { when: { kind: 'choice', summary: 'when' } },
      'its option when: choices: missing; expected a list of words',
    ],
  ])('%j has a fault', (table, fault) => {
    expect(tableFault(table)).toEqual(typeof fault === 'string' ? fault : expect.stringMatching(fault));
  });

  test('and one without', () => {
    expect(tableFault({ step: { kind: 'count', summary: 'steps' } })).toBeNull();
  });
});
