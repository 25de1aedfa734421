/**
 * The builder with which strategies described their options before there were tables: zod, of which only this much is
 * declared. It stays for one release.
 */
import { z as zod } from 'zod';
import type { OptionParser } from './table.js';

/** One value. */
export interface LegacySchema<Value> {
  /** No less, or no shorter, than this. */
  min(bound: number): LegacySchema<Value>;
  /** No more, or no longer, than this. */
  max(bound: number): LegacySchema<Value>;
  /** More than this. */
  gt(bound: number): LegacySchema<Value>;
  /** This or more. */
  gte(bound: number): LegacySchema<Value>;
  /** Less than this. */
  lt(bound: number): LegacySchema<Value>;
  /** This or less. */
  lte(bound: number): LegacySchema<Value>;
  /** What stands in the place of a missing value. */
  default(value: Value): LegacySchema<Value>;
  /** One line for help and docs. */
  describe(text: string): LegacySchema<Value>;
  /** The value may be missing. */
  optional(): LegacySchema<Value | undefined>;
}

/** What the values of a map of schemas are. */
export type LegacyValues<Shape> = {
  readonly [Key in keyof Shape]: Shape[Key] extends LegacySchema<infer Value> ? Value : never;
};

/** The builder. */
export interface LegacyBuilder {
  /** A whole number. */
  int(): LegacySchema<number>;
  /** A number. */
  number(): LegacySchema<number>;
  /** true or false. */
  boolean(): LegacySchema<boolean>;
  /** A text. */
  string(): LegacySchema<string>;
  /** One of these words. */
  enum<const Word extends string>(words: readonly Word[]): LegacySchema<Word>;
  /** A list of such entries. */
  array<Value>(entry: LegacySchema<Value>): LegacySchema<Value[]>;
  /** A map with these keys and no others. */
  strictObject<Shape extends Readonly<Record<string, LegacySchema<unknown>>>>(
    shape: Shape,
  ): OptionParser<LegacyValues<Shape>>;
}

const builder: object = zod;
export const legacyBuilder = builder as LegacyBuilder;
