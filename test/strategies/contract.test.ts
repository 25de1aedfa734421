import { expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { findStrategy, strategies } from '../../src/strategies/index.js';
import { testRegistry } from './registry-laws.js';

testRegistry('strategy', strategies);

test('a strategy is found by its name', () => {
  expect(findStrategy('dirty-limit')).toBe(strategies['dirty-limit']);
});

test('an unknown name is refused with the nearest and with all names', () => {
  const place = { file: 'a.yaml', line: 12, column: 5 };
  expect(() => findStrategy('auto-convergence', place)).toThrow(UsageError);
  expect(() => findStrategy('autoconverge', place)).toThrow(
    /^a\.yaml:12:5: unknown strategy "autoconverge"; did you mean auto-converge\? There are none, .*dirty-limit/,
  );
  expect(() => findStrategy('xyz')).toThrow(/^unknown strategy "xyz"; expected none, stop-and-copy/);
});

test('what every object has is not the name of a strategy', () => {
  expect(() => findStrategy('toString')).toThrow(/^unknown strategy "toString"/);
});
