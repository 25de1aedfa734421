import { describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import {
  choice,
  durationMs,
  flag,
  mibPerSecond,
  orNone,
  percent,
  perVcpu,
  vcpuIndexes,
} from '../../src/strategies/kit/option-types.js';

/** The one line that a user is told about a bad value. */
function complaint(type: z.ZodType, value: unknown): string {
  const result = type.safeParse(value);
  if (result.success) throw new Error(`accepted as ${JSON.stringify(result.data)}`);
  expect(result.error.issues).toHaveLength(1);
  const { message } = result.error.issues[0]!;
  expect(message).not.toContain('\n');
  return message;
}

describe('percent', () => {
  const type = percent({ min: 1, max: 99 });

  test.each([
    [20, 20],
    ['20', 20],
    ['20%', 20],
    [' 20 % ', 20],
    [1, 1],
    [99, 99],
  ])('%j is %i', (value, expected) => {
    expect(type.parse(value)).toBe(expected);
  });

  test.each([0, 100, 2.5, '2.5%', '-5', 'much', '', true, null, [], NaN])('%j is refused', (value) => {
    expect(complaint(type, value)).toMatch(
      /^expected a whole percentage from 1 to 99, such as 20 or 20%, got /,
    );
  });
});

describe('mibPerSecond', () => {
  const type = mibPerSecond({ min: 1 });

  test.each([
    ['100MiB/s', 100],
    ['1GiB/s', 1024],
    ['1024KiB/s', 1],
    ['100', 100],
    [100, 100],
  ])('%j is %i', (value, expected) => {
    expect(type.parse(value)).toBe(expected);
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
    expect(complaint(type, undefined)).toMatch(/got nothing$/);
  });
});

describe('durationMs', () => {
  test.each([
    ['500ms', 500],
    ['0.5s', 500],
    ['2000us', 2],
  ])('%j is %i ms', (value, expected) => {
    expect(durationMs().parse(value)).toBe(expected);
  });

  test('a bare number is ms only where QEMU takes ms', () => {
    expect(durationMs({ bareNumber: true }).parse(500)).toBe(500);
    expect(durationMs({ bareNumber: true }).parse('500')).toBe(500);
    expect(complaint(durationMs(), 500)).toMatch(/^expected a duration .* such as 500ms, got 500$/);
    expect(complaint(durationMs(), '500')).toMatch(/^"500" lacks a unit/);
  });

  test.each(['1500us', '2s', '0ms'])('%j is refused: not whole ms from 1 to 1000', (value) => {
    expect(complaint(durationMs({ min: 1, max: 1000 }), value)).toBe(
      `expected a duration of whole ms from 1ms to 1000ms, such as 500ms, got "${value}"`,
    );
  });
});

test('a flag is true or false, and YAML 1.2 knows no yes', () => {
  expect(flag().parse(true)).toBe(true);
  expect(complaint(flag(), 'yes')).toBe('expected true or false, got "yes"');
});

test('a choice suggests the word that was meant', () => {
  const type = choice(['trigger', 'start']);
  expect(type.parse('start')).toBe('start');
  expect(complaint(type, 'triger')).toBe('expected trigger or start, got "triger"; did you mean trigger?');
  expect(complaint(type, 7)).toBe('expected trigger or start, got 7');
});

test('vCPU indexes are whole numbers from 0', () => {
  expect(vcpuIndexes().parse([0, 3])).toEqual([0, 3]);
  expect(complaint(vcpuIndexes(), [0, -1])).toBe('expected the index of a vCPU, from 0, got -1');
  expect(complaint(vcpuIndexes(), 0)).toBe('expected a list of vCPU indexes such as [0, 1], got 0');
});

test('a list for each vCPU may name vCPUs that are left alone', () => {
  const type = perVcpu(orNone(mibPerSecond()), '[100MiB/s, none]');
  expect(type.parse(['none', '100MiB/s', 7])).toEqual(['none', 100, 7]);
  expect(complaint(type, ['100MiB/s', 'nun'])).toMatch(
    /^cannot read "nun" as a rate.*; none is possible too$/,
  );
  expect(complaint(type, 5)).toBe(
    'expected a list with a value for each vCPU, such as [100MiB/s, none], got 5',
  );
});
