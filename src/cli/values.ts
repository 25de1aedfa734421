/** Values of command-line options, read and refused in one way. Each is undefined when the option was not given. */
import { UsageError } from '../errors.js';
import { unknown } from '../options/wording.js';
import type { Given } from './command.js';

/** What `parse` makes of the value; its `UsageError` names the option. */
export function parsed<Value>(
  given: Given,
  option: string,
  parse: (text: string) => Value,
): Value | undefined {
  const text = given.value(option);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`--${option}: ${error.message}`) : error;
  }
}

/** From `min` to `max`, both included. */
export function wholeNumber(given: Given, option: string, min: number, max = Infinity): number | undefined {
  return parsed(given, option, (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    const range = max === Infinity ? `from ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`expected a whole number ${range}, got ${JSON.stringify(text)}`);
  });
}

/** One of some words; `kind` says what they are. */
export function choice<Word extends string>(
  given: Given,
  option: string,
  words: readonly Word[],
  kind = option,
): Word | undefined {
  const text = given.value(option);
  if (text === undefined) return undefined;
  const found = words.find((word) => word === text);
  if (found === undefined) throw new UsageError(unknown(kind, text, words));
  return found;
}
