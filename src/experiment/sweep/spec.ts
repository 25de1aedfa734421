/** All that decides the bytes of a sweep, as plain data: it goes to workers, into plan.json, and is hashed there. */
import { createHash } from 'node:crypto';
import type { SourceFile } from '../manifest.js';
import { version } from '../version.js';
import type { Variation } from './variation.js';

/** A sweep whose choices and values are texts. */
export interface SweepSpec {
  /** What the sweep is to answer, in words; null when not stated. */
  readonly question: string | null;
  readonly scenario: { readonly file: string; readonly text: string };
  /** `key=value`, put into every cell before what varies. */
  readonly set: readonly string[];
  /** The first varies slowest. */
  readonly vary: readonly Variation[];
  /** As `--strategy` takes them; empty: those of the scenario; `all` alone: every one that does not refuse a cell. */
  readonly strategies: readonly string[];
  /** null: the scenario's. */
  readonly policy: string | null;
  /** Strategies and policies of the user's own: their contents decide as well. */
  readonly files: readonly SourceFile[];
  /** Runs of each strategy in each cell, at most. */
  readonly runs: number;
  readonly seed: number;
  readonly memory: 'page' | 'fluid';
  /** A cell ends early when the intervals of all strategies are within this share of their means; null: it never does. */
  readonly precision: number | null;
}

/** Of the experiment and of what computes it: two sweeps with the same hash give the same bytes. */
export function hashOf(spec: SweepSpec): string {
  // Exponentials may differ in their last bits between major versions of Node.js, not within one.
  const versions = { migsim: version(), node: process.version.split('.')[0] };
  const { question: _words, ...deciding } = spec;
  return createHash('sha256').update(JSON.stringify({ versions, deciding })).digest('hex');
}
