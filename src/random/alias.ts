/** Picks an index with given weights in constant time, however many there are. */
import type { Generator } from './generator.js';

const TWO_POW_32 = 2 ** 32;

/** Walker's alias method, built as Vose proposed ("A Linear Algorithm for Generating Random Numbers…", 1991). */
export class AliasTable {
  readonly size: number;
  /** An index is kept with this probability, in units of 2^-32; else its alias is taken. */
  private readonly kept: Float64Array;
  private readonly alias: Uint32Array;

  /** Weights >= 0, with a positive finite sum; throws `RangeError` otherwise. */
  constructor(weights: ArrayLike<number>) {
    const size = weights.length;
    let sum = 0;
    for (let index = 0; index < size; index++) {
      if (!(weights[index]! >= 0)) throw new RangeError(`a weight must be at least 0, not ${weights[index]}`);
      sum += weights[index]!;
    }
    if (!(sum > 0 && Number.isFinite(sum)))
      throw new RangeError('the weights must have a positive finite sum');
    this.size = size;
    this.kept = new Float64Array(size).fill(TWO_POW_32);
    this.alias = new Uint32Array(size);
    this.pair(Float64Array.from(weights, (weight) => (weight / sum) * size));
  }

  /** Fills every index with less than an average share up to it, from one that has more. */
  private pair(share: Float64Array): void {
    const poor: number[] = [];
    const rich: number[] = [];
    for (let index = 0; index < share.length; index++) (share[index]! < 1 ? poor : rich).push(index);
    while (poor.length > 0 && rich.length > 0) {
      const receiver = poor.pop()!;
      const giver = rich[rich.length - 1]!;
      this.kept[receiver] = share[receiver]! * TWO_POW_32;
      this.alias[receiver] = giver;
      share[giver] = share[giver]! - (1 - share[receiver]!);
      if (share[giver] < 1) poor.push(rich.pop()!);
    }
  }

  /** An index in 0 .. size - 1. */
  draw(generator: Generator): number {
    const index = generator.nextBelow(this.size);
    return generator.nextUint32() < this.kept[index]! ? index : this.alias[index]!;
  }
}
