/** Named streams of random numbers: the same seed, run and name give the same numbers, any other triple unrelated ones. */
import { Generator } from './generator.js';

const { imul } = Math;

/** A bijection of 32-bit words in which each input bit flips each output bit about half the time (Wellons' lowbias32). */
function mix(word: number): number {
  let x = word;
  x = imul(x ^ (x >>> 16), 0x7feb352d);
  x = imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}

/**
 * The generator of one purpose in one run.
 *
 * `seed` and `run` are unsigned 32-bit integers, neighbouring ones are as good as any; `name` says what it is for, such
 * as `vcpu 3 writes`. A stream does not depend on which others exist, so that another strategy meets the same workload.
 */
export function stream(seed: number, run: number, name: string): Generator {
  // Digits of pi: any constants that are not special.
  let a = 0x243f6a88;
  let b = 0x85a308d3;
  let c = 0x13198a2e;
  let d = 0x03707344;
  // For a given word this is a bijection of the 128-bit state, so nothing that was absorbed gets lost again.
  const absorb = (word: number): void => {
    a = mix(a ^ d ^ word);
    b = mix((b + a) | 0);
    c = mix(c ^ b);
    d = mix((d + c) | 0);
  };
  absorb(seed);
  absorb(run);
  absorb(name.length);
  for (let index = 0; index < name.length; index++) absorb(name.charCodeAt(index));
  absorb(0);
  if ((a | b | c | d) === 0) a = 1;
  return new Generator(a, b, c, d);
}
