/**
 * `migsim-record/1`: what `migsim record` writes, one JSON object per line. The first line describes the guest. Each further
 * line has `t`, ms since the recording began, and one of: a reply of `query-migrate`, of `query-migrate-parameters` or of
 * `query-migrate-capabilities` (these two at the start of the migration and when they changed), an event, or the end.
 */
import { isList, isMap, type UnknownMap } from '../lists.js';
import { UsageError } from '../errors.js';

export const RECORD_FORMAT = 'migsim-record/1';

/** The first line. */
export interface RecordHeader {
  readonly format: typeof RECORD_FORMAT;
  /** Address of the QMP server. */
  readonly from: string;
  /** When the recording began, ISO 8601; empty where nothing said so. */
  readonly started: string;
  /** `major.minor.micro`. */
  readonly qemu: string;
  readonly kvm: boolean;
  readonly machine: string | null;
  readonly memory_bytes: number;
  readonly vcpus: number;
}

/** How a recording ended; `disconnected`: QEMU closed the connection. */
export type RecordEnd = 'completed' | 'failed' | 'cancelled' | 'interrupted' | 'disconnected';

/** A line behind the first. */
export type RecordLine =
  | { readonly t: number; readonly 'query-migrate': unknown }
  | { readonly t: number; readonly 'query-migrate-parameters': unknown }
  | { readonly t: number; readonly 'query-migrate-capabilities': unknown }
  | { readonly t: number; readonly event: string; readonly data: unknown; readonly host_us: number }
  | { readonly t: number; readonly end: RecordEnd };

/** Parameters as they were from an instant on. */
export interface TimedParameters {
  /** ms since the recording began. */
  readonly t: number;
  readonly parameters: UnknownMap;
}

/** What a recording holds beyond the replies of `query-migrate`. */
export interface RecordFrame {
  readonly header: RecordHeader;
  /** Those at the start of the migration first. */
  readonly parameters: readonly TimedParameters[];
  readonly capabilities: readonly string[];
  /** The clock when QEMU's `total-time` was 0, ms; null where no reply has one. */
  readonly beganMs: number | null;
  readonly events: readonly { readonly t: number; readonly event: string }[];
  /** null where the file is cut. */
  readonly end: RecordEnd | null;
}

const HEADER = /^\s*\{"format":\s*"migsim-record\//;
const LINE = /^\{"t":[\d.]+,"query-migrate/m;

/** Whether a text is a recording, or a part of one. */
export function looksLikeRecord(text: string): boolean {
  return hasRecordHeader(text) || LINE.test(text);
}

/** Whether it has the first line. */
export function hasRecordHeader(text: string): boolean {
  return HEADER.test(text.slice(0, 200));
}

/** @throws UsageError when the first line is none of a recording. A last line that is cut is left out. */
export function readRecordFrame(text: string, file: string): RecordFrame {
  const lines = text.split('\n').map(parsedLine);
  const header = headerOf(lines[0], file);
  const parameters: TimedParameters[] = [];
  const events: { t: number; event: string }[] = [];
  let capabilities: readonly string[] = [];
  let beganMs: number | null = null;
  let end: RecordEnd | null = null;
  for (const line of lines.slice(1)) {
    const t = line?.['t'];
    if (line === null || typeof t !== 'number') continue;
    const given = line['query-migrate-parameters'];
    if (isMap(given)) parameters.push({ t, parameters: given });
    const on = line['query-migrate-capabilities'];
    if (isList(on)) capabilities = capabilitiesIn(on);
    if (typeof line['event'] === 'string') events.push({ t, event: line['event'] });
    const reply = line['query-migrate'];
    const total = isMap(reply) ? reply['total-time'] : undefined;
    if (typeof total === 'number' && total > 0) beganMs ??= t - total;
    if (isEnd(line['end'])) end = line['end'];
  }
  return { header, parameters, capabilities, beganMs, events, end };
}

const ENDS: readonly unknown[] = ['completed', 'failed', 'cancelled', 'interrupted', 'disconnected'];

function isEnd(value: unknown): value is RecordEnd {
  return ENDS.includes(value);
}

function parsedLine(line: string): UnknownMap | null {
  try {
    const value: unknown = JSON.parse(line);
    return isMap(value) ? value : null;
  } catch {
    return null;
  }
}

/** Names of those that are on, in a reply of `query-migrate-capabilities`. */
export function capabilitiesIn(reply: readonly unknown[]): string[] {
  return reply.flatMap((one) =>
    isMap(one) && one['state'] === true && typeof one['capability'] === 'string' ? [one['capability']] : [],
  );
}

function headerOf(line: UnknownMap | null | undefined, file: string): RecordHeader {
  const text = (key: string): string => (typeof line?.[key] === 'string' ? line[key] : '');
  const number = (key: string): number => {
    const value = line?.[key];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw new UsageError(`"${key}" is ${JSON.stringify(value) ?? 'missing'}; expected a number above 0`, {
      file,
      line: 1,
    });
  };
  if (line == null || line['format'] !== RECORD_FORMAT) {
    const found = text('format') === '' ? 'none' : `"${text('format')}"`;
    throw new UsageError(`expected "format": "${RECORD_FORMAT}" in the first line, found ${found}`, {
      file,
      line: 1,
    });
  }
  return {
    format: RECORD_FORMAT,
    from: text('from'),
    started: text('started'),
    qemu: text('qemu'),
    kvm: line['kvm'] === true,
    machine: text('machine') === '' ? null : text('machine'),
    memory_bytes: number('memory_bytes'),
    vcpus: number('vcpus'),
  };
}
