import { describe, expect, test } from '@jest/globals';
import { hybrid } from '../../src/policies/hybrid.js';
import { dirtyCurveExponent, plateauBytes, type Pass } from '../../src/policies/kit/plateau.js';
import { FakeMigration, GIB, MIB } from './fake-migration.js';

/** The passes of a guest that dirties c·τ^β bytes in τ s, over a link of B bytes/s, from a first pass of `firstS`. */
function passesOf(c: number, beta: number, bandwidth: number, firstS: number, count: number): Pass[] {
  const passes: Pass[] = [];
  let seconds = firstS;
  for (let i = 0; i < count; i++) {
    const dirtiedBytes = c * seconds ** beta;
    passes.push({ seconds, dirtiedBytes });
    seconds = dirtiedBytes / bandwidth;
  }
  return passes;
}

// Fitted on a trace of PostgreSQL with 16 update threads over 129 MiB/s: D(τ) = 97 τ^0.74 MiB. Fixed point of τ' = D(τ)/B:
// τ* = (97/129)^(1/0.26) = 0.334 s, that is, 43 MiB a pass.
const C = 97 * MIB;
const BETA = 0.74;
const B = 129 * MIB;

describe('the plateau', () => {
  test('of a power law comes out of any two of its passes', () => {
    const exact = B * (C / B) ** (1 / (1 - BETA));
    expect(exact / MIB).toBeCloseTo(43, 0);
    const passes = passesOf(C, BETA, B, 60, 6);
    for (let i = 1; i < 5; i++) expect(plateauBytes(passes[i - 1]!, passes[i]!, B) / exact).toBeCloseTo(1, 9);
    expect(dirtyCurveExponent(passes[0]!, passes[1]!)).toBeCloseTo(BETA, 9);
  });

  test('is where iterating the passes leads', () => {
    const passes = passesOf(C, BETA, B, 60, 100);
    expect(plateauBytes(passes[0]!, passes[1]!, B)).toBeCloseTo(passes.at(-1)!.dirtiedBytes, -3);
  });

  // A constant rate, β = 1: passes shrink by the same factor for ever.
  test('of a constant dirty rate below the bandwidth is nothing', () => {
    const passes = passesOf(50 * MIB, 1, B, 60, 2);
    expect(plateauBytes(passes[0]!, passes[1]!, B)).toBe(0);
  });

  test('of a saturated set, as dirty after a short pass as after a long one, is that set', () => {
    expect(plateauBytes({ seconds: 60, dirtiedBytes: GIB }, { seconds: 8, dirtiedBytes: GIB }, B)).toBe(GIB);
    expect(plateauBytes({ seconds: 60, dirtiedBytes: GIB }, { seconds: 8, dirtiedBytes: 2 * GIB }, B)).toBe(
      2 * GIB,
    );
  });

  test('is reached when passes no longer get shorter', () => {
    expect(plateauBytes({ seconds: 8, dirtiedBytes: GIB }, { seconds: 7.9, dirtiedBytes: GIB }, B)).toBe(GIB);
  });
});

/** Runs these passes; index of the pass after which post-copy was started, null if it was not. */
function switchesAfter(passes: readonly Pass[], bandwidth: number): number | null {
  const migration = FakeMigration.under(hybrid);
  let ms = 0;
  for (const [i, { seconds, dirtiedBytes }] of passes.entries()) {
    ms += seconds * 1000;
    migration.runUntilMs(ms);
    migration.transferredBytes += bandwidth * seconds;
    migration.endPass(dirtiedBytes);
    if (migration.calls.length > 0) {
      expect(migration.calls).toEqual([expect.stringMatching(/ startPostcopy$/)]);
      return i;
    }
  }
  return null;
}

describe('attached to a migration', () => {
  // Five times the dirtying: τ* = (485/129)^(1/0.26) = 163 s. Begun with a pass of 1000 s, ln τ goes a quarter of its way to
  // ln τ* each time: passes leave 1.6, 1.38, 1.23 … times the plateau.
  test('switches at the first pass that leaves less than 1/0.9 of the plateau', () => {
    const passes = passesOf(5 * C, BETA, B, 1000, 12);
    const plateau = B * ((5 * C) / B) ** (1 / (1 - BETA));
    const expected = passes.findIndex(({ dirtiedBytes }) => plateau > 0.9 * dirtiedBytes);
    expect(expected).toBeGreaterThan(1);
    expect(switchesAfter(passes, B)).toBe(expected);
  });

  // 300 ms at 129 MiB/s are 38.7 MiB; half the dirtying settles at 3 MiB and ends by itself.
  test('does nothing where the plateau fits into downtime-limit', () => {
    expect(switchesAfter(passesOf(C / 2, BETA, B, 60, 40), B)).toBeNull();
  });

  test('does nothing where passes shrink to nothing', () => {
    expect(switchesAfter(passesOf(50 * MIB, 1, B, 60, 12), B)).toBeNull();
  });

  // Twice more dirtied than sent: every pass is longer than the one before, and the second already tells.
  test('switches after the second pass of a guest that dirties faster than the link sends', () => {
    expect(switchesAfter(passesOf(2 * B, 1, B, 10, 5), B)).toBe(1);
  });
});
