import { expect, test } from '@jest/globals';
import { repeatedSum } from '../../src/migration/repeated-sum.js';
import { stream } from '../../src/random/streams.js';

function addedOneByOne(start: number, step: number, count: number): number {
  let sum = start;
  for (let i = 0; i < count; i += 1) sum += step;
  return sum;
}

test('a repeated sum is what a loop adds up, to the last bit, across many powers of two', () => {
  const random = stream(1, 1, 'repeated sums');
  for (let i = 0; i < 300; i += 1) {
    const start = 2 ** (40 * random.nextFloat() - 6);
    const step = 2 ** (30 * random.nextFloat() - 10) * (1 + random.nextFloat());
    const count = random.nextBelow(20_000);
    expect(repeatedSum(start, step, count)).toBe(addedOneByOne(start, step, count));
  }
});

// Just above a power of two the grid has 52 digits behind the first: half of its spacing is rounded up or down, to the even point.
test.each([
  ['an even point, up to the odd one or down', 2 ** 20, 0],
  ['an odd point', 2 ** 20, 1],
])('steps that end in the middle of two doubles, from %s', (_name, power, odd) => {
  const spacing = power * 2 ** -52;
  for (const points of [3, 4, 1001, 1002]) {
    const step = (points + 0.5) * spacing;
    const start = power + odd * spacing;
    expect(repeatedSum(start, step, 5000)).toBe(addedOneByOne(start, step, 5000));
    // Across a border, behind which the same step ends elsewhere between two points.
    const below = 2 * power - (2000 + odd) * spacing;
    expect(repeatedSum(below, step, 5000)).toBe(addedOneByOne(below, step, 5000));
  }
});

test('nothing, whole numbers and steps below the grid', () => {
  expect(repeatedSum(0, 7, 1000)).toBe(7000);
  expect(repeatedSum(5, 1 / 3, 0)).toBe(5);
  // Less than half of the spacing: each addition is lost.
  expect(repeatedSum(2 ** 30, 2 ** -24, 1000)).toBe(2 ** 30);
});
