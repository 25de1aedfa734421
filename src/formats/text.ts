/** What stands around the lines of a log: byte order marks, line ends, terminals' codes, and logs kept as JSON. */
import { isMap, nth } from '../lists.js';
import type { JsonObject } from './json.js';

/** The bytes of a file as text: UTF-8, or UTF-16 with its mark, as PowerShell writes. */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}

/** `guest.yaml` of `scenarios/guest.yaml`: what stands behind the last slash. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Escape sequences of terminals: colours, and the cursor moves that a monitor echoes commands with. */
const TERMINAL = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** The lines as the program wrote them: without marks, and out of the JSON that a journal keeps them in. */
export function plainText(text: string): string {
  const lines = text
    .replace(/^\ufeff/, '')
    .replaceAll(TERMINAL, '')
    .replaceAll(/\r\n?/g, '\n');
  if (!/\{\\?"/.test(lines)) return lines;
  return lines
    .split('\n')
    .map((line) => {
      const message = messageIn(line);
      return message ?? (line.includes('{\\"') ? line.replaceAll('\\"', '"') : line);
    })
    .join('\n');
}

/** journald, zap and logrus, Docker. */
const MESSAGES = ['MESSAGE', 'message', 'msg', 'log'];
const STAMPS = ['__REALTIME_TIMESTAMP', 'timestamp', 'time', 'ts'];

/** The message of a line that is a JSON object, behind its time; null for another line. */
function messageIn(line: string): string | null {
  const start = line.indexOf('{"');
  if (start < 0 || !line.trimEnd().endsWith('}') || !MESSAGES.some((key) => line.includes(`"${key}"`)))
    return null;
  let value: unknown;
  try {
    value = JSON.parse(line.slice(start));
  } catch {
    return null;
  }
  if (!isMap(value)) return null;
  const message = MESSAGES.map((key) => value[key]).find((one) => typeof one === 'string');
  if (typeof message !== 'string') return null;
  return `${stampOf(value)}${message.replace(/\n$/, '')}`;
}

function stampOf(value: JsonObject): string {
  const stamp = STAMPS.map((key) => value[key]).find((one) => one !== undefined);
  if (typeof stamp === 'string' && /^\d{4}-/.test(stamp)) return `${stamp} `;
  const number = Number(stamp);
  // Seconds, ms or us since 1970, by their size.
  const ms = number > 1e14 ? number / 1000 : number > 1e11 ? number : number * 1000;
  return stamp !== undefined && ms > 1e11 && ms < 1e13 ? `${new Date(ms).toISOString()} ` : '';
}

/** A date and time in a line of a log, ms since 1970 in whatever zone it is in; null without one. */
export function stampMs(line: string): number | null {
  const match = /(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?/.exec(line);
  if (match !== null) {
    const [year = 0, month = 1, day, hour, minute, second] = match.slice(1, 7).map(Number);
    const fraction = match[7] === undefined ? 0 : Number(`0.${match[7]}`) * 1000;
    return Date.UTC(year, month - 1, day, hour, minute, second) + fraction;
  }
  const syslog = /\b([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)\b/.exec(line);
  if (syslog === null) return null;
  const month = MONTHS.indexOf(nth(syslog, 1));
  const [day, hour, minute, second] = syslog.slice(2).map(Number);
  return month < 0 ? null : Date.UTC(2000, month, day, hour, minute, second);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
