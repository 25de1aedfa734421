import { describe, expect, test } from '@jest/globals';
import { show } from '../../src/experiment/expect/measure.js';
import { sparkline } from '../../src/report/terminal/kit/sparkline.js';
import { wrap, wrapHyphens, wrapItems } from '../../src/report/terminal/kit/text.js';

describe('breaking lines', () => {
  const text = 'the quick brown fox jumps over the lazy dog again and again';

  test('loses no word, and no line is longer than asked for', () => {
    for (let width = 8; width < 70; width++) {
      const lines = wrap(text, width, '  ');
      expect(lines.map((line) => line.trim()).join(' ')).toBe(text);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  test('items stay whole', () => {
    expect(wrapItems(['16 GiB guest', 'link 10 Gbit/s', 'QEMU 10.0'], 29)).toEqual([
      '16 GiB guest, link 10 Gbit/s,',
      'QEMU 10.0',
    ]);
  });

  test('names break after hyphens, which stay', () => {
    expect(wrapHyphens('dirty-restraint [2]', 10)).toEqual(['dirty-', 'restraint', '[2]']);
    expect(wrapHyphens('none', 10)).toEqual(['none']);
  });
});

describe('sparkline', () => {
  test('has a character a value, from blank for nothing to a full block for the top', () => {
    expect(sparkline([0, 1, 4, 8], 80)).toBe(' ▁▄█');
  });

  test('where values share a character the highest shows, so that no peak is lost', () => {
    expect(sparkline([0, 8, 0, 0], 2)).toBe('█ ');
  });

  test('a top of its own keeps curves comparable', () => {
    expect(sparkline([50, 50], 80, 100)).toBe('▄▄');
  });

  test('is never wider than asked for', () => {
    for (let count = 1; count < 200; count += 7) {
      expect(
        sparkline(
          Array.from({ length: count }, () => 1),
          60,
        ),
      ).toHaveLength(Math.min(count, 60));
    }
  });
});

describe('values for people', () => {
  test.each([
    ['ms', 12_400, '12.4 s'],
    ['us', 130_639, '131 ms'],
    ['bytes', 2 ** 34, '16 GiB'],
    ['share', 0.9945, '99.5 %'],
    ['percent', 50, '50 %'],
    ['count', 1_234_567, '1 234 567'],
    ['flag', true, 'yes'],
    ['ms', null, '-'],
    ['ms', 8.4e-12, '0 ms'],
  ] as const)('%s %p is %s', (unit, value, text) => {
    expect(show(unit, value)).toBe(text);
  });
});
