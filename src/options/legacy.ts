/**
 * The builder with which strategies described their options before there were tables: zod, of which only this much is
 * declared. It stays for one release.
 */
import { z as zod } from 'zod';
import type { OptionParser } from './table.js';

/** One value. */
export interface LegacySchema<Value> {
  min(bound: number): LegacySchema<Value>;
  max(bound: number): LegacySchema<Value>;
  gt(bound: number): LegacySchema<Value>;
  gte(bound: number): LegacySchema<Value>;
  lt(bound: number): LegacySchema<Value>;
  lte(bound: number): LegacySchema<Value>;
  default(value: Value): LegacySchema<Value>;
  describe(text: string): LegacySchema<Value>;
  optional(): LegacySchema<Value | undefined>;
}

/** What the values of a map of schemas are. */
export type LegacyValues<Shape> = {
  readonly [Key in keyof Shape]: Shape[Key] extends LegacySchema<infer Value> ? Value : never;
};

/** The builder. */
export interface LegacyBuilder {
  int(): LegacySchema<number>;
  number(): LegacySchema<number>;
  boolean(): LegacySchema<boolean>;
  string(): LegacySchema<string>;
  enum<const Word extends string>(words: readonly Word[]): LegacySchema<Word>;
  array<Value>(entry: LegacySchema<Value>): LegacySchema<Value[]>;
  strictObject<Shape extends Readonly<Record<string, LegacySchema<unknown>>>>(
    shape: Shape,
  ): OptionParser<LegacyValues<Shape>>;
}

const builder: object = zod;
export const legacyBuilder = builder as LegacyBuilder;
