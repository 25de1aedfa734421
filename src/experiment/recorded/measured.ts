/** What a recording of `migsim record` shows of its migration, under the names of a prediction. */
import { lastOf, type NonEmpty } from '../../lists.js';
import { hasEnded, type LogSample, type MigrationLog } from '../../formats/migration-log.js';
import { readRecordFrame, type RecordFrame } from '../../formats/record.js';
import { readLogs } from '../../formats/readers/read-logs.js';
import { UsageError } from '../../errors.js';
import { largest } from '../../stats/extremes.js';
import type { Conditions } from './under.js';

/** A recorded migration. */
export interface RecordedMigration {
  readonly file: string;
  readonly frame: RecordFrame;
  readonly log: MigrationLog;
  readonly conditions: Conditions;
  readonly measured: MeasuredFigures;
  /** First sample after each bitmap sync, in order. */
  readonly syncs: readonly MeasuredSync[];
}

/** null: not measured, or there was none. */
export interface MeasuredFigures {
  readonly totalTimeMs: number | null;
  readonly downtimeMs: number | null;
  readonly dirtySyncCount: number | null;
  readonly transferredBytes: number | null;
  readonly normalPages: number | null;
  readonly zeroPages: number | null;
  readonly maxThrottlePercent: number | null;
  readonly completed: boolean;
}

/** Up to one interval of the log after the sync. */
export interface MeasuredSync {
  readonly n: number;
  readonly timeMs: number;
  readonly remainingBytes: number;
}

/** @throws UsageError when the text is no recording with figures of a migration */
export function readRecorded(text: string, file: string): RecordedMigration {
  const frame = readRecordFrame(text, file);
  const read = readLogs([{ file, text }]);
  if (read.kind !== 'migration') throw new UsageError('there is no migration in this recording', { file });
  const { log } = read;
  const last = lastOf(log.samples);
  const completed = last.status === 'completed';
  return {
    file,
    frame,
    log,
    conditions: conditionsOf(frame, log.samples),
    measured: {
      totalTimeMs: last.tUs === null ? null : last.tUs / 1000,
      downtimeMs: completed ? last.downtimeMs : null,
      dirtySyncCount: last.dirtySyncCount,
      transferredBytes: last.transferredBytes,
      normalPages: last.normalPages,
      zeroPages: last.zeroPages,
      maxThrottlePercent: largest(log.samples.map(({ throttlePercent }) => throttlePercent)),
      completed,
    },
    syncs: syncsIn(log.samples),
  };
}

function conditionsOf(frame: RecordFrame, samples: NonEmpty<LogSample>): Conditions {
  const [first, ...later] = frame.parameters;
  const last = lastOf(samples);
  const postcopy = samples.find(({ status }) => status.startsWith('postcopy'));
  const beganMs = frame.beganMs ?? first?.t ?? 0;
  return {
    qemu: frame.header.qemu,
    parameters: first?.parameters ?? {},
    capabilities: frame.capabilities,
    changes: later.map(({ t, parameters }) => ({ afterMs: t - beganMs, parameters })),
    postcopyMs: postcopy?.tUs == null ? null : postcopy.tUs / 1000,
    givenUpMs:
      hasEnded(last.status) && last.status !== 'completed' && last.tUs !== null ? last.tUs / 1000 : null,
  };
}

function syncsIn(samples: readonly LogSample[]): MeasuredSync[] {
  const found: MeasuredSync[] = [];
  for (const { dirtySyncCount: n, tUs, remainingBytes, status } of samples) {
    if (n === null || tUs === null || remainingBytes === null || hasEnded(status)) continue;
    if (n > (found.at(-1)?.n ?? 0)) found.push({ n, timeMs: tUs / 1000, remainingBytes });
  }
  return found;
}
