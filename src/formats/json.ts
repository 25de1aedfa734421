/** JSON texts of other programs: a syntax error names its line and column. */
import { UsageError } from '../errors.js';

/** A parsed object whose fields are still unknown. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses one JSON text. `firstLine` is the line of the file that the text begins in.
 * @throws UsageError with file:line:column; a text that simply ends is called truncated.
 */
export function parseJson(text: string, file: string, firstLine = 1): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    const at = errorOffset(text);
    const before = text.slice(0, at);
    const line = firstLine + before.split('\n').length - 1;
    const column = at - before.lastIndexOf('\n');
    const word = /[\w.+-]{1,20}/y;
    word.lastIndex = at;
    const found = word.exec(text)?.[0];
    throw new UsageError(
      at === text.length
        ? 'the JSON ends in the middle: is the file truncated?'
        : `this is not JSON: expected a value, a comma or a closing bracket here${found === undefined ? '' : `, got ${found}`}`,
      { file, line, column },
    );
  }
}

const TOKEN =
  /[{}[\],:]|"[^"\\\u0000-\u001f]*(?:\\.[^"\\\u0000-\u001f]*)*"|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y;
const SPACE = /[ \t\n\r]*/y;
/** A string, a number or a word that ends where the text does. */
const UNFINISHED = /"[^"\\]*(?:\\[^][^"\\]*)*\\?$|[-\w.+]*$/y;

/**
 * The offset of the first token that cannot stand where it does, the length of the text when it only ends too early.
 * Not every error of JSON.parse says where it is.
 */
function errorOffset(text: string): number {
  const open: string[] = [];
  let want: 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'next' = 'value';
  for (let at = 0; ;) {
    SPACE.lastIndex = at;
    at += SPACE.exec(text)?.[0].length ?? 0;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) {
      UNFINISHED.lastIndex = at;
      return UNFINISHED.test(text) && !/^(?:NaN|-?Infinity)/.test(text.slice(at)) ? text.length : at;
    }
    const closes = (token === '}' || token === ']') && open.at(-1) === token;
    if (closes && (want === 'next' || want.startsWith('first'))) {
      open.pop();
      want = 'next';
    } else if (want === 'value' || want === 'first value') {
      if (/^[}\],:]/.test(token)) return at;
      if (token === '{') open.push('}');
      if (token === '[') open.push(']');
      want = token === '{' ? 'first key' : token === '[' ? 'first value' : 'next';
    } else if (want === 'key' || want === 'first key') {
      if (!token.startsWith('"')) return at;
      want = 'colon';
    } else if (want === 'colon') {
      if (token !== ':') return at;
      want = 'value';
    } else {
      if (token !== ',' || open.length === 0) return at;
      want = open.at(-1) === '}' ? 'key' : 'value';
    }
    at += token.length;
  }
}
