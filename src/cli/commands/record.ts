/** `migsim record`: a migration from its running QEMU. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { errorCode, ExpectationError, UsageError } from '../../errors.js';
import { connectQmp, QmpCommandError, type QmpClient } from '../../qmp/client.js';
import { mapIn, numberIn, textIn } from '../../qmp/measure/ask.js';
import {
  recordMigration,
  type MigrateReply,
  type Recorded,
  type RecordedSettings,
} from '../../qmp/record/record.js';
import type { RemainingPredictor, RemainingTime } from '../../qmp/record/remaining.js';
import { readText } from '../../scenario/read-text.js';
import { formatBytes, formatBytesPerSecond, formatDurationMs } from '../../units.js';
import { defineOptions, type Command, type Given } from '../command.js';
import { EXIT, leave } from '../exit.js';
import { read } from '../options/values.js';

const options = defineOptions({
  out: {
    kind: 'text',
    summary: 'Write the recording to this new file instead of printing it',
    value: 'FILE',
  },
  predict: { kind: 'text', summary: 'Show meanwhile how long this guest will still take', value: 'SCENARIO' },
  timeout: {
    kind: 'duration',
    summary: 'How long to wait for a migration to begin (default: no limit)',
    value: 'DURATION',
  },
});

export const recordCommand: Command = {
  hearsSignals: true,
  positional: {
    name: 'socket',
    describe: 'QMP server of the source: unix:/run/vm.sock or tcp:localhost:4444',
  },
  options,
  examples: [
    ['record /run/vm.sock --out run.jsonl', 'then: migsim validate run.jsonl guest.yaml'],
    ['record /run/vm.sock --out run.jsonl --predict guest.yaml', 'with the time that is left'],
    ['record /run/vm.sock | migsim learn -', 'a guest from its migration'],
  ],
  async run(given) {
    const timeoutUs = read(given, options, 'timeout');
    const predictorOf = await readPredicted(given);
    const client = await connectQmp(given.positional);
    let sink: Sink | undefined;
    try {
      sink = openSink(given);
      const { recorded, signal } = await watched(given, client, sink, {
        predictor: predictorOf?.(client) ?? null,
        ...(timeoutUs === undefined ? {} : { timeoutMs: timeoutUs / 1000 }),
      });
      sink.close();
      ended(given, recorded, signal);
    } catch (error) {
      sink?.close();
      throw error instanceof QmpCommandError ? new UsageError(error.message) : error;
    } finally {
      client.close();
    }
  },
};

interface Watch {
  readonly predictor: RemainingPredictor | null;
  readonly timeoutMs?: number;
}

async function watched(
  given: Given,
  client: QmpClient,
  sink: Sink,
  { predictor, ...limits }: Watch,
): Promise<{ readonly recorded: Recorded; readonly signal: NodeJS.Signals | null }> {
  let stopped: NodeJS.Signals | null = null;
  const stop = (signal: NodeJS.Signals): void => {
    stopped ??= signal;
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const line = given.status();
  line.show('waiting for a migration');
  let atStart: RemainingTime | null = null;
  let working = predictor;
  const leftAt = (reply: MigrateReply, inForce: RecordedSettings): RemainingTime | null => {
    try {
      working?.under(inForce);
      return working?.at(reply) ?? null;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      // The recording matters more.
      given.warn(`migsim: no prediction: ${error.message}`);
      working = null;
      return null;
    }
  };
  try {
    const recorded = await recordMigration(client, {
      ...limits,
      from: given.positional,
      started: new Date().toISOString(),
      now: () => performance.now(),
      onLine: (entry) => sink.write(`${JSON.stringify(entry)}\n`),
      onReply(reply, inForce) {
        const left = leftAt(reply, inForce);
        atStart ??= left === null ? null : plus(left, numberIn(reply, 'total-time') ?? 0);
        line.show(statusText(reply, left, working?.isHopeless === true));
      },
      onIdle: () => working?.step(),
      isStopped: () => stopped !== null,
    });
    line.end();
    if (atStart !== null) given.warn(predictedText(atStart, recorded));
    else if (working?.isHopeless === true) given.warn('Predicted: it does not complete');
    return { recorded, signal: stopped };
  } finally {
    line.end();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** As from the begin of the migration. */
function plus({ pointMs, lowMs, highMs }: RemainingTime, passedMs: number): RemainingTime {
  return { pointMs: pointMs + passedMs, lowMs: lowMs + passedMs, highMs: highMs + passedMs };
}

function ended(given: Given, recorded: Recorded, signal: NodeJS.Signals | null): void {
  const where = given.value('out') === undefined ? '' : `; recorded in ${given.value('out')}`;
  const nothing = recorded.hasBegun ? where : '; no migration was seen, and nothing is kept';
  switch (recorded.end) {
    case 'completed':
      return given.warn(`The migration completed${figuresText(recorded.last)}${where}`);
    case 'failed': {
      const why = recorded.reason === null ? '' : `: ${recorded.reason}`;
      throw new ExpectationError(`the migration failed${why}${where}`);
    }
    case 'cancelled':
      throw new ExpectationError(`the migration was cancelled${where}`);
    case 'interrupted':
      given.warn(`migsim: interrupted${nothing}`);
      return leave(signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted);
    case 'disconnected':
      if (!recorded.hadSwitched)
        throw new ExpectationError(`QEMU closed the connection before the switchover${where}`);
      given.warn(
        `QEMU ended at the switchover, as it does when the migration has completed; its downtime is not known${where}`,
      );
  }
}

function figuresText(reply: MigrateReply | null): string {
  const total = reply === null ? undefined : numberIn(reply, 'total-time');
  const downtime = reply === null ? undefined : numberIn(reply, 'downtime');
  if (total === undefined || downtime === undefined) return '';
  return ` in ${formatDurationMs(total)}, downtime ${formatDurationMs(downtime)}`;
}

function predictedText({ pointMs, lowMs, highMs }: RemainingTime, { end, last }: Recorded): string {
  const total = last === null ? undefined : numberIn(last, 'total-time');
  const measured = end !== 'completed' || total === undefined ? '' : `; it took ${formatDurationMs(total)}`;
  return `Predicted as it began: ${formatDurationMs(pointMs)} (90 %: ${bandText(lowMs, highMs)})${measured}`;
}

function bandText(lowMs: number, highMs: number): string {
  return `${formatDurationMs(lowMs)} to ${formatDurationMs(highMs)}`;
}

/** One line of at most 79 columns. */
function statusText(reply: MigrateReply, left: RemainingTime | null, isHopeless: boolean): string {
  const ram = mapIn(reply['ram']);
  const passed = numberIn(reply, 'total-time') ?? 0;
  const remaining = numberIn(ram, 'remaining');
  const mbps = numberIn(ram, 'mbps') ?? 0;
  const parts = [
    `${textIn(reply, 'status') ?? ''} ${formatDurationMs(passed)}`,
    ...(remaining === undefined
      ? []
      : [`sync ${numberIn(ram, 'dirty-sync-count') ?? 0}`, `${formatBytes(remaining)} left`]),
    ...(mbps > 0 ? [formatBytesPerSecond((mbps * 1e6) / 8)] : []),
    ...(left === null
      ? isHopeless
        ? ['predicted not to complete']
        : []
      : [`ends in ${formatDurationMs(left.pointMs)} (${bandText(left.lowMs, left.highMs)})`]),
  ];
  return parts.join(', ');
}

// ---------------------------------------------------------------------------------------------------- what is given

/** Read before anything is waited for: a mistake in it should show at once. */
async function readPredicted(given: Given): Promise<((client: QmpClient) => RemainingPredictor) | null> {
  const file = given.value('predict');
  if (file === undefined) return null;
  const text = readText(file);
  const { parseScenario } = await import('../../scenario/parse.js');
  parseScenario(text, file);
  const { RemainingPredictor } = await import('../../qmp/record/remaining.js');
  return ({ version: { major, minor, micro } }) =>
    new RemainingPredictor(text, file, `${major}.${minor}.${micro}`);
}

interface Sink {
  write(text: string): void;
  /** Where no migration was seen, no file stays. */
  close(): void;
}

/** Each line is written as it comes, so that an end at any time leaves whole lines. An earlier recording is not overwritten. */
function openSink(given: Given): Sink {
  const out = given.value('out');
  if (out === undefined) return { write: (text) => given.print(text), close: () => undefined };
  let file: number | null;
  try {
    file = openSync(out, 'wx');
  } catch (error) {
    const code = errorCode(error);
    const what =
      code === 'EEXIST'
        ? 'exists already; expected a new file'
        : `cannot be written (${code ?? 'unknown reason'})`;
    throw new UsageError(what, { file: out });
  }
  let isKept = false;
  return {
    write(text) {
      if (file === null) return;
      writeSync(file, text);
      isKept ||= text.includes('"query-migrate":');
    },
    close() {
      if (file === null) return;
      closeSync(file);
      file = null;
      if (!isKept) rmSync(out, { force: true });
    },
  };
}
