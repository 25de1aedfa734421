import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import {
  formatBytes,
  formatBytesPerSecond,
  formatDurationMs,
  parseBytes,
  parseBytesPerSecond,
  parseDurationNs,
  parseDurationUs,
  parseLinkBytesPerSecond,
  parseShare,
} from '../src/units.js';
import { UsageError } from '../src/errors.js';

describe('sizes', () => {
  test.each([
    ['512B', 512],
    ['4KiB', 4096],
    ['1MiB', 2 ** 20],
    ['64GiB', 64 * 2 ** 30],
    ['2TiB', 2 ** 41],
    ['1kB', 1000],
    ['1KB', 1000],
    ['100MB', 100_000_000],
    ['1.5GB', 1_500_000_000],
    ['1TB', 1e12],
    ['0B', 0],
    ['16 GiB', 16 * 2 ** 30],
  ])('%s is %d bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  test('are whole even where the decimal fraction is not: 1.1 GiB is 1181116006.4 bytes', () =>
    expect(parseBytes('1.1GiB')).toBe(1_181_116_006));

  test.each([
    ['16GIB', '16GiB'],
    ['16gib', '16GiB'],
    ['16Gi', '16GiB'],
    ['16G', '16GiB'],
    ['16gb', '16GB'],
    ['1.5mb', '1.5MB'],
    ['4k', '4KiB'],
    ['4kib', '4KiB'],
    ['100bytes', '100B'],
    ['400MiB/s', '400MiB'],
  ])('%s is refused, and %s suggested', (wrong, right) => {
    expect(() => parseBytes(wrong)).toThrow(`did you mean ${right}?`);
    expect(() => parseBytes(right)).not.toThrow();
  });

  test('a bit is never taken for a byte', () => {
    expect(() => parseBytes('10Gbit')).toThrow(UsageError);
    expect(() => parseBytes('10Gbit')).not.toThrow('did you mean');
  });
});

describe('rates', () => {
  test.each([
    ['10Gbit/s', 1_250_000_000],
    ['1Mbit/s', 125_000],
    ['8kbit/s', 1000],
    ['64bit/s', 8],
    ['400MiB/s', 400 * 2 ** 20],
    ['1GB/s', 1e9],
    ['1GiB/s', 2 ** 30],
    ['100B/s', 100],
    ['0MiB/s', 0],
  ])('%s is %d bytes a second', (text, rate) => expect(parseBytesPerSecond(text)).toBe(rate));

  test.each([
    ['10Gb/s', '10Gbit/s'],
    ['10Gbps', '10Gbit/s'],
    ['10gbit', '10Gbit/s'],
    ['10Gbit', '10Gbit/s'],
    ['10GBIT/S', '10Gbit/s'],
    ['100Kbit/s', '100kbit/s'],
    ['10GB', '10GB/s'],
    ['400MiB', '400MiB/s'],
    ['400mib/s', '400MiB/s'],
    ['400MiBps', '400MiB/s'],
  ])('%s is refused, and %s suggested', (wrong, right) => {
    expect(() => parseBytesPerSecond(wrong)).toThrow(`did you mean ${right}?`);
    expect(() => parseBytesPerSecond(right)).not.toThrow();
  });
});

describe('rates of a link', () => {
  test.each([
    ['10G', '10Gbit/s'],
    ['25G', '25Gbit/s'],
    ['10g', '10Gbit/s'],
    ['10Gi', '10Gbit/s'],
    ['100M', '100Mbit/s'],
    ['100k', '100kbit/s'],
    ['1T', '1Tbit/s'],
    ['10G/s', '10Gbit/s'],
    ['10Gb', '10Gbit/s'],
    // Bytes where they are named.
    ['1GB', '1GB/s'],
    ['1GiB', '1GiB/s'],
  ])('%s is refused, and %s suggested', (wrong, right) => {
    expect(() => parseLinkBytesPerSecond(wrong)).toThrow(`did you mean ${right}?`);
    expect(parseLinkBytesPerSecond(right)).toBe(parseBytesPerSecond(right));
  });

  test('elsewhere a lone G is what QEMU takes for max-bandwidth: GiB/s', () =>
    expect(() => parseBytesPerSecond('10G')).toThrow('did you mean 10GiB/s?'));
});

describe('durations', () => {
  test.each([
    ['1000ns', 1],
    ['1500ns', 2],
    ['100us', 100],
    ['300ms', 300_000],
    ['0.1ms', 100],
    ['12.5s', 12_500_000],
    ['10min', 600_000_000],
    ['2h', 7_200_000_000],
    ['0s', 0],
  ])('%s is %d us', (text, us) => expect(parseDurationUs(text)).toBe(us));

  test('in ns keep what us would round', () => {
    expect(parseDurationNs('250ns')).toBe(250);
    expect(parseDurationNs('1.5us')).toBe(1500);
    expect(parseDurationNs('2s')).toBe(2_000_000_000);
  });

  test.each([
    ['5sec', '5s'],
    ['5seconds', '5s'],
    ['10m', '10min'],
    ['10minutes', '10min'],
    ['300MS', '300ms'],
    ['300msec', '300ms'],
    ['100\u00b5s', '100us'],
    ['100usec', '100us'],
    ['2hours', '2h'],
  ])('%s is refused, and %s suggested', (wrong, right) => {
    expect(() => parseDurationUs(wrong)).toThrow(`did you mean ${right}?`);
    expect(() => parseDurationUs(right)).not.toThrow();
  });
});

describe('shares', () => {
  test.each([
    ['30%', 0.3],
    ['99.9%', 0.999],
    ['0%', 0],
    ['150%', 1.5],
  ])('%s is %d', (text, share) => expect(parseShare(text)).toBe(share));

  test('a bare fraction is taken for the percentage it probably means', () => {
    expect(() => parseShare('0.3')).toThrow('did you mean 30%?');
    expect(() => parseShare('30')).toThrow('did you mean 30%?');
    expect(() => parseShare('0.07')).toThrow('did you mean 7%?');
  });
});

describe('whatever the quantity', () => {
  const parsers = [
    { name: 'size', parse: parseBytes, unit: 'GiB', example: '16GiB' },
    { name: 'rate', parse: parseBytesPerSecond, unit: 'MiB/s', example: '10Gbit/s' },
    { name: 'duration', parse: parseDurationUs, unit: 'ms', example: '300ms' },
    { name: 'share', parse: parseShare, unit: '%', example: '30%' },
  ];

  describe.each(parsers)('a $name', ({ parse, unit, example }) => {
    test.each([
      '',
      ' ',
      unit,
      `NaN${unit}`,
      'NaN',
      `Infinity${unit}`,
      `1,000${unit}`,
      `1.2.3${unit}`,
      `1 2${unit}`,
    ])('that reads "%s" is refused with the accepted form', (text) => {
      expect(() => parse(text)).toThrow(UsageError);
      expect(() => parse(text)).toThrow(example);
    });

    test('without a unit is refused, 0 as well, as it would be a guess', () => {
      expect(() => parse('12')).toThrow('lacks a unit');
      expect(() => parse('0')).toThrow('lacks a unit');
    });

    test('below zero is refused', () => expect(() => parse(`-1${unit}`)).toThrow('cannot be negative'));

    test('with an unknown unit names it', () => expect(() => parse('3parsec')).toThrow('"parsec"'));

    test('is refused in one line', () => {
      expect(() => parse('3parsec')).toThrow(/^[^\n]+$/);
    });
  });

  test('an amount that would round to 0 is refused, as 0 may mean "unlimited"', () => {
    expect(() => parseBytes('0.4B')).toThrow('too small');
    expect(() => parseBytesPerSecond('1bit/s')).toThrow('too small');
    expect(() => parseDurationUs('400ns')).toThrow('too small');
  });

  test('an amount beyond the exact integers is refused', () => {
    expect(() => parseBytes('8192TiB')).toThrow('too large');
    expect(parseBytes('8191TiB')).toBe(8191 * 2 ** 40);
  });

  property.prop([fc.integer({ min: 0, max: 2 ** 20 }), fc.constantFrom('KiB', 'MiB', 'GiB')], { seed: 1 })(
    'a size keeps its value when its unit is spelled out',
    (amount, unit) => {
      const factor = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit]!;
      expect(parseBytes(`${amount}${unit}`)).toBe(amount * factor);
      expect(parseBytes(`${amount * factor}B`)).toBe(amount * factor);
    },
  );
});

describe('printing', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [2 ** 20 - 1, '1 MiB'],
    [1_311_000_000, '1.221 GiB'],
    [64 * 2 ** 30, '64 GiB'],
    [3 * 2 ** 50, '3072 TiB'],
    [-2048, '-2 KiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test('rates: memory in binary bytes, links in bits', () => {
    expect(formatBytesPerSecond(400 * 2 ** 20)).toBe('400 MiB/s');
    expect(formatBytesPerSecond(1_250_000_000, 'bit')).toBe('10 Gbit/s');
    expect(formatBytesPerSecond(0, 'bit')).toBe('0 bit/s');
  });

  test.each([
    [0, '0 ms'],
    [0.12, '120 us'],
    [18, '18 ms'],
    [18.44, '18.4 ms'],
    [312, '312 ms'],
    [999.7, '1 s'],
    [12_400, '12.4 s'],
    [59_960, '1 min'],
    [200_000, '3 min 20 s'],
    [3_599_600, '1 h'],
    [3_900_000, '1 h 5 min'],
    [-1500, '-1.5 s'],
    [-200_000, '-3 min 20 s'],
  ])('%d ms are %s', (ms, text) => expect(formatDurationMs(ms)).toBe(text));

  property.prop([fc.double({ min: 1, max: 2 ** 50, noNaN: true })], { seed: 1 })(
    'a printed size is read back with an error of at most half a unit in the fourth digit',
    (bytes) => {
      const read = parseBytes(formatBytes(bytes));
      // Four digits leave 1/2000 at worst; a byte more for the rounding to whole bytes.
      expect(Math.abs(read - bytes)).toBeLessThanOrEqual(bytes / 2000 + 1);
    },
  );
});
