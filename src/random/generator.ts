/**
 * xoshiro128++ (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021): period 2^128 - 1, all
 * arithmetic in 32-bit integers, so that every platform draws the same numbers.
 */
const { imul } = Math;

const TWO_POW_MINUS_32 = 2 ** -32;
const TWO_POW_26 = 2 ** 26;
const TWO_POW_MINUS_53 = 2 ** -53;
const TWO_POW_32 = 2 ** 32;

/** The first `nextFloat` of a generator with this state, without the generator. */
export function firstFloat(s0: number, s1: number, s2: number, s3: number): number {
  const sum = (s0 + s3) | 0;
  const first = (((sum << 7) | (sum >>> 25)) + s0) >>> 0;
  // The second number takes s0 and s3 of the next state only.
  const t = s3 ^ s1;
  const next = s0 ^ t;
  const nextSum = (next + ((t << 11) | (t >>> 21))) | 0;
  const second = (((nextSum << 7) | (nextSum >>> 25)) + next) >>> 0;
  return ((first >>> 5) * TWO_POW_26 + (second >>> 6)) * TWO_POW_MINUS_53;
}

/** One stream of random numbers. Make it with `stream` (streams.ts): raw states must be well mixed. */
export class Generator {
  // Initialised with numbers, as a field that once held `undefined` is slower to read for the rest of its life.
  private s0 = 0;
  private s1 = 0;
  private s2 = 0;
  private s3 = 0;

  /** The state, four 32-bit words; not all may be zero. */
  constructor(s0: number, s1: number, s2: number, s3: number) {
    if ((s0 | s1 | s2 | s3) === 0) throw new RangeError('the state of xoshiro128++ must not be all zero');
    this.s0 = s0 | 0;
    this.s1 = s1 | 0;
    this.s2 = s2 | 0;
    this.s3 = s3 | 0;
  }

  /** Uniform integer in 0 .. 2^32 - 1. */
  nextUint32(): number {
    const s0 = this.s0;
    const s1 = this.s1;
    const sum = (s0 + this.s3) | 0;
    const result = ((sum << 7) | (sum >>> 25)) + s0;
    const s2 = this.s2 ^ s0;
    const s3 = this.s3 ^ s1;
    this.s1 = s1 ^ s2;
    this.s0 = s0 ^ s3;
    this.s2 = s2 ^ (s1 << 9);
    this.s3 = (s3 << 11) | (s3 >>> 21);
    return result >>> 0;
  }

  /** Uniform in [0, 1), a multiple of 2^-53: the upper bits of two `nextUint32`, between which the state is not put back. */
  nextFloat(): number {
    let s0 = this.s0;
    let s1 = this.s1;
    let s2 = this.s2 ^ s0;
    let s3 = this.s3;
    let sum = (s0 + s3) | 0;
    const high = (((sum << 7) | (sum >>> 25)) + s0) >>> 5;
    s3 ^= s1;
    const shifted = s1 << 9;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = (s3 << 11) | (s3 >>> 21);
    sum = (s0 + s3) | 0;
    const low = (((sum << 7) | (sum >>> 25)) + s0) >>> 6;
    s2 ^= s0;
    s3 ^= s1;
    this.s2 = s2 ^ (s1 << 9);
    this.s1 = s1 ^ s2;
    this.s0 = s0 ^ s3;
    this.s3 = (s3 << 11) | (s3 >>> 21);
    return (high * TWO_POW_26 + low) * TWO_POW_MINUS_53;
  }

  /**
   * Uniform integer in 0 .. n - 1, for an integer n in 1 .. 2^32; every value is exactly as likely as any other
   * (Lemire, "Fast Random Integer Generation in an Interval", 2019).
   */
  nextBelow(n: number): number {
    for (;;) {
      const draw = this.nextUint32();
      const low = imul(draw, n) >>> 0;
      // The product has up to 64 bits and is rounded to 53: by at most half a unit in the last place. Less `low` it is a
      // multiple of 2^32 but for that error, so rounding the difference snaps back to it: the upper word is exact.
      const high = ((draw * n - low) * TWO_POW_MINUS_32) >>> 0;
      if (low >= n || low >= (TWO_POW_32 - n) % n) return high;
    }
  }

  /**
   * The next `count` draws of first + nextBelow(n), into `into`; first + n at most 2^31. The same numbers as one by one,
   * at less than half the cost: the state stays in registers, and the bound of the rejection is computed once.
   */
  fillRange(first: number, n: number, into: Int32Array, count: number): void {
    let s0 = this.s0;
    let s1 = this.s1;
    let s2 = this.s2;
    let s3 = this.s3;
    const least = (TWO_POW_32 - n) % n;
    let i = 0;
    while (i < count) {
      const sum = (s0 + s3) | 0;
      const draw = (((sum << 7) | (sum >>> 25)) + s0) >>> 0;
      s2 ^= s0;
      s3 ^= s1;
      const shifted = s1 << 9;
      s1 ^= s2;
      s0 ^= s3;
      s2 ^= shifted;
      s3 = (s3 << 11) | (s3 >>> 21);
      const low = imul(draw, n) >>> 0;
      // See nextBelow. A rejected draw is overwritten by the next.
      into[i] = first + (draw * n - low) * TWO_POW_MINUS_32;
      if (low >= least) i += 1;
    }
    this.s0 = s0;
    this.s1 = s1;
    this.s2 = s2;
    this.s3 = s3;
  }
}
