/** What zod finds wrong with a value, in migsim's words. */
import type * as z from 'zod/mini';
import { isMap, nth } from '../../lists.js';
import { expected, expectedFlag, expectedWord, show, unknown } from '../../options/wording.js';

const KINDS: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
};

/** The message of an issue for which the schema has none of its own. */
export function wording(issue: z.core.$ZodRawIssue): string {
  const { input } = issue;
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'boolean'
        ? expectedFlag(input)
        : expected(KINDS[issue.expected] ?? issue.expected, input);
    case 'too_small':
      return Array.isArray(input)
        ? `expected at least ${issue.minimum} ${issue.minimum === 1 ? 'entry' : 'entries'}, got ${show(input)}`
        : expected(`a number of at least ${issue.minimum}`, input);
    case 'too_big':
      return Array.isArray(input)
        ? `expected at most ${issue.maximum} entries, got ${input.length}`
        : expected(`a number of at most ${issue.maximum}`, input);
    case 'invalid_value':
      return expectedWord(issue.values.map(String), input);
    case 'unrecognized_keys':
      return unknown('key', nth(issue.keys, 0), keysOf(issue.inst));
    default:
      return expected('another kind of value', input);
  }
}

/** The keys of the object schema that raised an issue. */
function keysOf(schema: unknown): string[] {
  return isMap(schema) && isMap(schema['shape']) ? Object.keys(schema['shape']) : [];
}
