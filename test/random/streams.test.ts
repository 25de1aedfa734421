import { describe, expect, test } from '@jest/globals';
import { firstFloats, stream } from '../../src/random/streams.js';
import { chiSquare, chiSquareLimit } from './chi-square.js';

/** Pearson's correlation. */
function correlation(x: readonly number[], y: readonly number[]): number {
  const middle = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [middle(x), middle(y)];
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((value, index) => {
    xy += (value - mx) * (y[index]! - my);
    xx += (value - mx) ** 2;
    yy += (y[index]! - my) ** 2;
  });
  return xy / Math.sqrt(xx * yy);
}

describe('a stream', () => {
  test('is the same whenever it is made, whatever was drawn elsewhere', () => {
    const first = stream(42, 7, 'vcpu 3 writes');
    const drawn = Array.from({ length: 5 }, () => first.nextUint32());
    stream(42, 7, 'vcpu 4 writes').nextUint32();
    const again = stream(42, 7, 'vcpu 3 writes');
    expect(Array.from({ length: 5 }, () => again.nextUint32())).toEqual(drawn);
  });

  test('never repeats another: seed, run and name each make it different, swapped or shifted parts too', () => {
    const firsts = new Set<string>();
    let made = 0;
    for (let seed = 0; seed < 30; seed++) {
      for (let run = 0; run < 30; run++) {
        for (const name of ['', '0', '1', '10', 'vcpu 1', 'vcpu 10', 'vcpu 1\0', 'link']) {
          const generator = stream(seed, run, name);
          firsts.add(`${generator.nextUint32()} ${generator.nextUint32()}`);
          made += 1;
        }
      }
    }
    expect(firsts.size).toBe(made);
  });

  test('of a numbered name begins as the one that is made by itself, whatever the number of digits', () => {
    const together = firstFloats(42, 7, 'host vcpu-drift 3 ', 1001);
    const alone = Array.from({ length: 1001 }, (_, index) =>
      stream(42, 7, `host vcpu-drift 3 ${index}`).nextFloat(),
    );
    expect([...together]).toEqual(alone);
  });

  test('takes seeds of all 32 bits, and the seed 0', () => {
    const seeds = [0, 1, 2 ** 31, 2 ** 32 - 1];
    expect(new Set(seeds.map((seed) => stream(seed, 0, 'x').nextUint32())).size).toBe(seeds.length);
  });
});

describe('neighbouring seeds, which is what replications use', () => {
  const SEEDS = 5000;
  const DRAWS = 9;
  /** columns[d][s]: draw d of seed s. */
  const columns = (make: (index: number) => ReturnType<typeof stream>): number[][] => {
    const table = Array.from({ length: DRAWS }, () => [] as number[]);
    for (let index = 0; index < SEEDS; index++) {
      const generator = make(index);
      for (let draw = 0; draw < DRAWS; draw++) table[draw]!.push(generator.nextFloat());
    }
    return table;
  };

  describe.each([
    ['seeds', (index: number) => stream(index, 0, 'workload')],
    ['runs', (index: number) => stream(1, index, 'workload')],
    ['names', (index: number) => stream(1, 0, `vcpu ${index}`)],
  ])('%s', (_, make) => {
    const table = columns(make);

    test('give each draw uniformly over [0, 1)', () => {
      for (const column of table) {
        const counts = new Array<number>(50).fill(0);
        for (const value of column) counts[Math.floor(value * 50)]! += 1;
        const { statistic, degrees } = chiSquare(counts, new Array<number>(50).fill(SEEDS / 50));
        expect(statistic).toBeLessThan(chiSquareLimit(degrees));
      }
    });

    test('are uncorrelated with each other, and their draws among themselves', () => {
      // Correlations of n independent pairs have a standard deviation of 1/sqrt(n); four of them are granted.
      const limit = 4 / Math.sqrt(SEEDS - 1);
      for (const [draw, column] of table.entries()) {
        expect(Math.abs(correlation(column.slice(1), column.slice(0, -1)))).toBeLessThan(limit);
        const next = table[draw + 1];
        if (next === undefined) continue;
        expect(Math.abs(correlation(column, next))).toBeLessThan(limit);
        expect(Math.abs(correlation(column.slice(1), next.slice(0, -1)))).toBeLessThan(limit);
      }
    });
  });

  test('a seed differs from its neighbour in half of all bits', () => {
    let differing = 0;
    for (let seed = 0; seed < 2000; seed++) {
      let bits = stream(seed, 0, 'x').nextUint32() ^ stream(seed + 1, 0, 'x').nextUint32();
      for (; bits !== 0; bits &= bits - 1) differing += 1;
    }
    // 64,000 fair coins: mean 32,000, standard deviation sqrt(16,000) = 126.5; four of them.
    expect(Math.abs(differing - 32_000)).toBeLessThan(506);
  });
});
