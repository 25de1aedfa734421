import { describe, expect, test } from '@jest/globals';
import { parseVariation, variationOf } from '../../src/experiment/sweep/variation.js';
import { parseBytes } from '../../src/units.js';

const stepsOf = (text: string): string[] => parseVariation(text).steps.map((step) => step.join('+'));

describe('a list', () => {
  test('is split at commas, but not inside of YAML', () => {
    expect(stepsOf('link.bandwidth=1Gbit/s, 10Gbit/s')).toEqual(['1Gbit/s', '10Gbit/s']);
    expect(stepsOf('strategies.0=none,{dirty-limit: {a: 1, b: [2,3]}},"x,y"')).toEqual([
      'none',
      '{dirty-limit: {a: 1, b: [2,3]}}',
      '"x,y"',
    ]);
  });

  test('moves several keys together', () => {
    const { keys, steps } = parseVariation('a.b+c=1Gbit/s+100MiB/s,10Gbit/s+1GiB/s');
    expect({ keys, steps }).toEqual({
      keys: ['a.b', 'c'],
      steps: [
        ['1Gbit/s', '100MiB/s'],
        ['10Gbit/s', '1GiB/s'],
      ],
    });
  });
});

describe('a range', () => {
  test('by powers of two comes out in powers of two', () => {
    expect(stepsOf('guest.memory=4GiB..1TiB:9:log')).toEqual(
      [4, 8, 16, 32, 64, 128, 256, 512].map((n) => `${n}GiB`).concat('1TiB'),
    );
  });

  test.each([
    ['migration.downtime-limit=10ms..10s:40:log', 'ms'],
    ['strategies.dirty-limit.vcpu-dirty-limit=1MiB/s..300MiB/s:40:log', 'MiB/s'],
  ])('of %s has values that QEMU takes, each once', (text, unit) => {
    const steps = stepsOf(text);
    expect(new Set(steps).size).toBe(steps.length);
    expect(steps.length).toBeGreaterThan(30);
    for (const step of steps) expect(step).toMatch(unit === 'ms' ? /^\d+(ms|s)$/ : /^\d+MiB\/s$/);
  });

  test('is as fine as the finer of its ends', () => {
    expect(stepsOf('link.latency=100us..1ms:4:log')).toEqual(['100us', '215us', '464us', '1ms']);
    expect(stepsOf('guest.memory=1GiB..2GiB:3:log')).toEqual(['1GiB', '1448MiB', '2GiB']);
  });

  test.each([
    ['x=1Gbit/s..10Gbit/s:4:log', ['1Gbit/s', '2154Mbit/s', '4642Mbit/s', '10Gbit/s']],
    ['x=100ms..1s:4:lin', ['100ms', '400ms', '700ms', '1s']],
    ['x=10..40:4', ['10', '20', '30', '40']],
    ['x=1..100:3:log', ['1', '10', '100']],
    ['x=0.1..0.3:3:lin', ['0.1', '0.2', '0.3']],
    ['x=10%..30%:3', ['10%', '20%', '30%']],
    ['x=1,2..4:3', ['1', '2', '3', '4']],
    ['x=1..3:9', ['1', '2', '3']],
  ])('%s', (text, values) => expect(stepsOf(text)).toEqual(values));

  test('writes values that lie within half a hundredth of the exact ones', () => {
    const values = stepsOf('m=3GiB..700GiB:17:log').map(parseBytes);
    for (const [index, value] of values.entries()) {
      const exact = 3 * 2 ** 30 * (700 / 3) ** (index / 16);
      expect(Math.abs(value / exact - 1)).toBeLessThanOrEqual(5e-3);
    }
  });
});

describe('what cannot be read is refused with the text', () => {
  test.each([
    ['guest.memory', 'expected key=values'],
    ['=1', 'expected key=values'],
    ['a=1,,2', 'a value is missing'],
    ['a=1,1', '1 is listed twice'],
    ['a+a=1+2', 'a is listed twice'],
    ['a+b=1', 'expected 2 values with + between them, got "1"'],
    ['a=4GiB..1s:3', 'GiB and s do not go together'],
    ['a=4GiB..8:3', 'GiB and no unit do not go together'],
    ['a=8GiB..4GiB:3', 'expected a range that rises'],
    ['a=0..8:3:log', 'cannot be log'],
    ['a=4..8:1', 'expected 2 to 100000 values, got 1'],
    ['a=4..8:3:cubic', 'expected from..to:count:lin or :log'],
  ])('%s', (text, message) => {
    expect(() => parseVariation(text)).toThrow(`--vary ${text}: `);
    expect(() => parseVariation(text)).toThrow(message);
  });

  test('keys of one entry of a file must have as many values each', () => {
    expect(() => variationOf({ a: ['1', '2'], b: ['3'] })).toThrow('a has 2 values and b has 1');
    expect(variationOf({ a: '1..3:3', b: ['x', 'y', 'z'] }).steps).toEqual([
      ['1', 'x'],
      ['2', 'y'],
      ['3', 'z'],
    ]);
  });
});
