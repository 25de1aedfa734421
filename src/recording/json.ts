/** JSON texts of other programs: a syntax error is told with the line and column it stands in. */
import { UsageError } from '../errors.js';

/** A parsed object whose fields are still unknown. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Parses one JSON text. `firstLine` is the line of the file that the text begins in.
 * @throws UsageError with file:line:column; a text that simply ends is called truncated.
 */
export function parseJson(text: string, file: string, firstLine = 1): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const offset = /position (\d+)/.exec(reason)?.[1];
    const at = offset === undefined ? text.length : Number(offset);
    const before = text.slice(0, at);
    const line = firstLine + before.split('\n').length - 1;
    const column = at - before.lastIndexOf('\n');
    const cut = text.slice(at).trim() === '';
    throw new UsageError(
      cut
        ? 'the JSON ends in the middle: is the file truncated?'
        : 'this is not JSON: expected a value, a comma or a closing bracket here',
      { file, line, column },
    );
  }
}
