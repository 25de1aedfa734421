import { describe, expect, test } from '@jest/globals';
import { Generator } from '../../src/random/generator.js';
import { stream } from '../../src/random/streams.js';
import { chiSquare, chiSquareLimit } from './chi-square.js';

const WORD = 2n ** 32n;

/** xoshiro128++ as its authors define it, in 64-bit integers and without any trick. */
function* reference(state: bigint[]): Generator32 {
  const word = (value: bigint): bigint => value & 0xffffffffn;
  const rotate = (value: bigint, by: bigint): bigint => word((value << by) | (value >> (32n - by)));
  let [s0, s1, s2, s3] = state as [bigint, bigint, bigint, bigint];
  for (;;) {
    yield Number(word(rotate(word(s0 + s3), 7n) + s0));
    const shifted = word(s1 << 9n);
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotate(s3, 11n);
  }
}
type Generator32 = Iterator<number, never>;

describe('xoshiro128++', () => {
  test('begins as the published algorithm does from state 1, 2, 3, 4', () => {
    const generator = new Generator(1, 2, 3, 4);
    // By hand: rotl(1 + 4, 7) + 1 = 641; the state becomes 7, 0, 1026, 12288, so rotl(7 + 12288, 7) + 7 = 1573767.
    const drawn = Array.from({ length: 10 }, () => generator.nextUint32());
    expect(drawn.slice(0, 2)).toEqual([641, 1573767]);
    // The rest as other implementations print it.
    expect(drawn.slice(2)).toEqual([
      3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420,
    ]);
  });

  test('follows the definition in 64-bit arithmetic for any state, words of all ones included', () => {
    const states = [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0, 0, 0, 1],
      [0x80000000, 0, 0x7fffffff, 0xdeadbeef],
    ];
    for (const state of states) {
      const generator = new Generator(...(state as [number, number, number, number]));
      const expected = reference(state.map(BigInt));
      for (let draw = 0; draw < 1000; draw++) expect(generator.nextUint32()).toBe(expected.next().value);
    }
  });

  test('refuses the one state it could never leave', () => {
    expect(() => new Generator(0, 0, 0, 0)).toThrow(RangeError);
  });
});

test('a float is the upper 53 bits of two words: never 1, and on the grid of 2^-53', () => {
  const words = new Generator(5, 6, 7, 8);
  const floats = new Generator(5, 6, 7, 8);
  for (let draw = 0; draw < 1000; draw++) {
    const bits = (BigInt(words.nextUint32() >>> 5) << 26n) | BigInt(words.nextUint32() >>> 6);
    expect(floats.nextFloat()).toBe(Number(bits) / 2 ** 53);
  }
});

describe('integers below n', () => {
  test('are the upper word of draw * n, exactly, also where the product exceeds 53 bits', () => {
    const words = stream(1, 0, 'below');
    const below = stream(1, 0, 'below');
    /** Lemire's rule as he states it, in wide integers. */
    const expected = (n: bigint): bigint => {
      for (;;) {
        const product = BigInt(words.nextUint32()) * n;
        if (product % WORD >= WORD % n) return product / WORD;
      }
    };
    for (let draw = 0; draw < 3000; draw++) {
      for (const n of [2 ** (draw % 33), 2 ** 32 - 1 - draw, 2 ** 31 + draw, 3_000_001]) {
        if (BigInt(below.nextBelow(n)) !== expected(BigInt(n))) throw new Error(`wrong below ${n}`);
      }
    }
    expect(below.nextUint32()).toBe(words.nextUint32());
  });

  test('reject exactly the draws that would favour some values', () => {
    // With n = 2^32 - 1 only the draw 0 has a lower word below 2^32 mod n = 1; the state makes it come first.
    const rejecting = new Generator(0, 1, 0, 0);
    const witness = new Generator(0, 1, 0, 0);
    expect(witness.nextUint32()).toBe(0);
    const second = witness.nextUint32();
    expect(BigInt(rejecting.nextBelow(2 ** 32 - 1))).toBe((BigInt(second) * (2n ** 32n - 1n)) >> 32n);
  });

  test('are unbiased where a plain scaling would be off by half: n = 3 * 2^30', () => {
    // Scaling 2^32 values onto 3 * 2^30 without rejection gives every third value twice the weight of the others.
    const generator = stream(2, 0, 'unbiased');
    const counts = [0, 0, 0];
    for (let draw = 0; draw < 60_000; draw++) counts[generator.nextBelow(3 * 2 ** 30) % 3]! += 1;
    const { statistic, degrees } = chiSquare(counts, [20_000, 20_000, 20_000]);
    expect(statistic).toBeLessThan(chiSquareLimit(degrees));
  });

  test.each([1, 2, 3, 10, 97, 1000])('fill 0 .. %d - 1 evenly and never leave it', (n) => {
    const generator = stream(3, 0, `fill ${n}`);
    const counts = new Float64Array(n);
    for (let draw = 0; draw < 40_000; draw++) {
      const value = generator.nextBelow(n);
      counts[value]! += 1;
    }
    // A draw outside is lost, so that the counts no longer add up.
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(40_000);
    const { statistic, degrees } = chiSquare(counts, new Float64Array(n).fill(40_000 / n));
    expect(statistic).toBeLessThanOrEqual(n === 1 ? 0 : chiSquareLimit(degrees));
  });

  // Between a third and half of all draws are rejected where n is just above a power of two, none where n is one.
  test.each([1, 7, 1000, 2 ** 20, 2 ** 23 + 1, 3 * 2 ** 29, 2 ** 30 + 1, 2 ** 31 - 100])(
    'below %d come in blocks as they come one by one',
    (n) => {
      const one = stream(4, 0, 'blocks');
      const block = stream(4, 0, 'blocks');
      const drawn = new Int32Array(500);
      for (const count of [0, 1, 499, 500]) {
        block.fillRange(100, n, drawn, count);
        for (let i = 0; i < count; i += 1) expect(drawn[i]).toBe(100 + one.nextBelow(n));
      }
      expect(block.nextUint32()).toBe(one.nextUint32());
    },
  );
});
