import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { editDistance, nearest } from '../src/suggest.js';

const STRATEGIES = ['none', 'auto-converge', 'dirty-limit', 'dirty-restraint', 'postcopy'];

describe('edit distance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['limit', 'limti', 1],
    ['limit', 'limt', 1],
    ['ab', 'cd', 2],
  ])('of "%s" and "%s" is %d', (a, b, distance) => expect(editDistance(a, b)).toBe(distance));

  property.prop([fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 })], { seed: 1 })(
    'is the same both ways, 0 only for equal words, and at most the longer length',
    (a, b) => {
      const distance = editDistance(a, b);
      expect(editDistance(b, a)).toBe(distance);
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    },
  );
});

describe('nearest', () => {
  test.each([
    ['auto-convergence', 'auto-converge'],
    ['autoconverge', 'auto-converge'],
    ['AUTO_CONVERGE', 'auto-converge'],
    ['dirty-limt', 'dirty-limit'],
    ['post-copy', 'postcopy'],
    ['non', 'none'],
    ['auto', 'auto-converge'],
  ])('"%s" means %s', (word, meant) => expect(nearest(word, STRATEGIES)).toBe(meant));

  test('nothing is suggested for a word that is like none, or that begins several', () => {
    expect(nearest('bandwidth', STRATEGIES)).toBeUndefined();
    expect(nearest('dirty', STRATEGIES)).toBeUndefined();
    expect(nearest('', STRATEGIES)).toBeUndefined();
    expect(nearest('x', ['s'])).toBeUndefined();
    expect(nearest('none', [])).toBeUndefined();
  });

  test('of equally near candidates the first wins, so that messages are stable', () => {
    expect(nearest('cat', ['car', 'can'])).toBe('car');
  });
});
