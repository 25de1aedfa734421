/** Values of command-line options, read and refused in one way. Each is undefined when the option was not given. */
import { UsageError } from '../../errors.js';
import { readEntry } from '../../options/read.js';
import type { OptionEntry, OptionValue } from '../../options/table.js';
import { unknown } from '../../options/wording.js';
import type { Given, Option, Options } from '../command.js';

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

/** What an option is read as; undefined where it was not given and has no default. */
type Read<Of extends Option> = Of extends OptionEntry
  ? Of extends { readonly default: unknown }
    ? OptionValue<Of>
    : OptionValue<Of> | undefined
  : never;

/** Names of options that an entry describes: text is read by the command itself. */
type Described<Table extends Options> = {
  [Name in keyof Table & string]: Table[Name] extends OptionEntry ? Name : never;
}[keyof Table & string];

/** The value of an option that its entry describes. Throws `UsageError`. */
export function read<Table extends Options, Name extends Described<Table>>(
  given: Given,
  options: Table,
  name: Name,
): Read<Table[Name]> {
  const option: Option | undefined = options[name];
  const text = given.value(name);
  if (option?.kind === 'choice' && text !== undefined && !option.choices.includes(text)) {
    throw new UsageError(unknown(option.called ?? name, text, option.choices));
  }
  return parsed(given, name, (text) => readText(option, text)) as Read<Table[Name]>;
}

function readText(option: Option | undefined, text: string): unknown {
  if (option === undefined || option.kind === 'text') return text;
  const isNumber = option.kind === 'count' || option.kind === 'number';
  return readEntry(option, isNumber && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text, (message) => {
    throw new UsageError(message);
  });
}
