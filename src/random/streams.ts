/** Named streams of random numbers: the same seed, run and name give the same numbers, any other triple unrelated ones. */
import { Generator, firstFloat } from './generator.js';

const { imul } = Math;

/** A bijection of 32-bit words in which each input bit flips each output bit about half the time (Wellons' lowbias32). */
function mix(word: number): number {
  let x = word;
  x = imul(x ^ (x >>> 16), 0x7feb352d);
  x = imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}

/** Four 32-bit words that take in a name letter by letter. */
class Absorber {
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 0;

  /** Takes in seed and run, and of a name of `length` letters the first ones. */
  begin(seed: number, run: number, length: number, letters: string): void {
    // Digits of pi: any constants that are not special.
    this.a = 0x243f6a88;
    this.b = 0x85a308d3 | 0;
    this.c = 0x13198a2e;
    this.d = 0x03707344;
    this.word(seed);
    this.word(run);
    this.word(length);
    this.letters(letters);
  }

  letters(letters: string): void {
    for (let index = 0; index < letters.length; index++) this.word(letters.charCodeAt(index));
  }

  letter(code: number): void {
    this.word(code);
  }

  copy(from: Absorber): void {
    this.a = from.a;
    this.b = from.b;
    this.c = from.c;
    this.d = from.d;
  }

  /** The generator of the name that was taken in. */
  end(): Generator {
    this.word(0);
    const { a, b, c, d } = this;
    return (a | b | c | d) === 0 ? new Generator(1, b, c, d) : new Generator(a, b, c, d);
  }

  /** The first `nextFloat` of that generator. */
  endFloat(): number {
    this.word(0);
    const { a, b, c, d } = this;
    return (a | b | c | d) === 0 ? firstFloat(1, b, c, d) : firstFloat(a, b, c, d);
  }

  // For a given word this is a bijection of the 128-bit state, so nothing that was absorbed gets lost again.
  private word(word: number): void {
    const a = mix(this.a ^ this.d ^ word);
    const b = mix((this.b + a) | 0);
    const c = mix(this.c ^ b);
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = mix((this.d + c) | 0);
  }
}

const absorber = new Absorber();
const begun = new Absorber();
const ten = new Absorber();
const ZERO = 48;

/**
 * The generator of one purpose in one run.
 *
 * `seed` and `run` are unsigned 32-bit integers, neighbouring ones are as good as any; `name` says what it is for, such
 * as `vcpu 3 writes`. A stream does not depend on which others exist, so that another strategy meets the same workload.
 */
export function stream(seed: number, run: number, name: string): Generator {
  absorber.begin(seed, run, name.length, name);
  return absorber.end();
}

/**
 * The first `nextFloat` of each of the streams `${name}0`, `${name}1` … `${name}${count - 1}`. Names that differ in their
 * last letters only are taken in together up to there, which takes a tenth of the time.
 */
export function firstFloats(seed: number, run: number, name: string, count: number): number[] {
  const floats: number[] = [];
  let length = 0;
  for (let index = 0; index < count; index++) {
    const ones = index % 10;
    if (ones === 0) {
      // Ten names differ in their last digit only, and the names of as many digits in their digits.
      const tens = index === 0 ? '' : `${(index - ones) / 10}`;
      if (name.length + tens.length + 1 !== length) {
        length = name.length + tens.length + 1;
        begun.begin(seed, run, length, name);
      }
      ten.copy(begun);
      ten.letters(tens);
    }
    absorber.copy(ten);
    absorber.letter(ZERO + ones);
    floats.push(absorber.endFloat());
  }
  return floats;
}
