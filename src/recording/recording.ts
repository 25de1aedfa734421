/**
 * `migsim-recording/1`: one real migration with everything that was known before it started, and what came of it.
 * The format is described in recordings/README.md. Reading checks it to the last sample; nothing is repaired.
 */
import { isMap } from '../lists.js';
import { UsageError } from '../errors.js';
import { parseJson } from '../formats/json.js';
import { ENGLISH } from '../options/zod.js';
import { readerOf, refuseOther } from '../formats/readers/index.js';
import { checkRecording } from './recording-checks.js';
import { RECORDING_FORMAT, type Recording, recordingSchema } from './recording-file.js';

/** @throws UsageError with the file and the field that is wrong. */
export function readRecording(text: string, file: string): Recording {
  if (text.trim() === '')
    throw new UsageError(`the file is empty; expected a ${RECORDING_FORMAT} file`, { file });
  // Logs of other programs show less than a recording: `learn` reads them.
  if (readerOf(text)?.source !== 'recording')
    refuseOther(text, `a recording (${RECORDING_FORMAT}, or one of \`migsim record\`)`, { file });
  const value = parseJson(text, file);
  checkFormat(value, file);
  const parsed = recordingSchema.safeParse(value, ENGLISH);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue === undefined || issue.path.length === 0 ? '' : `${formatPath(issue.path)}: `;
    throw new UsageError(`${path}${issue?.message ?? 'not a recording'}`, { file });
  }
  const recording = { ...parsed.data, file };
  checkRecording(recording);
  return recording;
}

function checkFormat(value: unknown, file: string): void {
  if (!isMap(value))
    throw new UsageError(`expected one JSON object of the format ${RECORDING_FORMAT}`, { file });
  const format = value['format'];
  if (format === RECORDING_FORMAT) return;
  if (typeof format === 'string' && format.startsWith('migsim-recording/')) {
    throw new UsageError(`the format is ${format}; this version reads ${RECORDING_FORMAT}`, { file });
  }
  const found = typeof format === 'string' ? `found "${format}"` : 'there is no "format"';
  throw new UsageError(`not a recording: expected "format": "${RECORDING_FORMAT}", ${found}`, { file });
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
}
