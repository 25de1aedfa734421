/** JSON as QEMU writes it (qobject/qjson.c): ASCII only, with a space after each comma and colon. */
import { isMap } from '../../../lists.js';
import { JsonFloat } from './parser.js';

/** Of null, booleans, numbers, strings, lists, maps and what the parser makes; members without a value are left out. */
export function jsonText(value: unknown): string {
  if (value instanceof JsonFloat) return numberText(value.value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return stringText(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  if (!isMap(value)) return value === true || value === false ? String(value) : 'null';
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${stringText(key)}: ${jsonText(member)}`).join(', ')}}`;
}

/** Beyond a double's range QEMU writes `inf`, which is no JSON. */
function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value < 0 ? '-inf' : 'inf';
}

function stringText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}
