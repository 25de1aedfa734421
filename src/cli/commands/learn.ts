/** `migsim learn`: a guest from a log of its migration. */
import { UsageError } from '../../errors.js';
import type { LearnResult } from '../../recording/learn/learn-from-log.js';
import type { LearnOptions } from '../../recording/learn/learned.js';
import type { SelfCheck } from '../../recording/learn/answer/self-check.js';
import { formatBytes, formatDurationMs, fixedPercent } from '../../units.js';
import { defineOptions, type Command, type Given } from '../command.js';
import { nameOfLog, readLogFile } from '../options/log-files.js';
import { openNewFile } from '../../report/files/output-folder.js';
import type { LearnedGuestperfRun } from '../../experiment/learn-guestperf.js';
import { guestperfCheckText } from '../../report/terminal/guestperf-check.js';
import { wrap } from '../../report/terminal/kit/text.js';
import { longWork } from '../long-work.js';
import { grid } from '../../report/terminal/kit/grid.js';
import { parsed, read } from '../options/values.js';

const options = defineOptions({
  out: { kind: 'text', summary: 'Write the scenario to this file instead of printing it', value: 'FILE' },
  cpu: {
    kind: 'share',
    max: '100%',
    summary: "Share of its vCPUs' time that the load is busy, such as 40% (default: 83%)",
    value: 'SHARE',
  },
  vcpus: {
    kind: 'count',
    min: 1,
    max: 65_536,
    summary: 'vCPUs of the guest, if not in the log (default: 4)',
    value: 'N',
  },
  memory: { kind: 'size', summary: 'Guest RAM, if not in the log', value: 'SIZE' },
  'dirty-ring-size': {
    kind: 'text',
    summary: 'Dirty ring size of the logged guest (default: dirty bitmap)',
    value: 'N',
  },
  'downtime-limit': {
    kind: 'duration',
    zero: true,
    summary: 'Downtime limit, if not in the log',
    value: 'DURATION',
  },
  'max-bandwidth': { kind: 'rate', summary: 'Bandwidth limit, if not in the log', value: 'RATE' },
  json: { kind: 'flag', summary: 'Print the result as JSON instead' },
});

export const learnCommand: Command = {
  positional: {
    name: 'logs',
    describe: 'Log of a migration in any known format, several logs of one migration, or - for stdin',
    takes: 'one or more',
  },
  options,
  examples: [
    ['learn migrate.log --out guest.yaml', 'then: migsim compare guest.yaml'],
    ['learn -', 'from a pipe: virsh domjobinfo vm | migsim learn -'],
    ['learn migrate.log --cpu 40%', 'a load that mostly waits for its disk'],
    ['learn report.json --out run.yaml', 'reconstruct a run of guestperf; then: migsim run run.yaml'],
    ['learn dirty.csv --memory 16GiB', 'from readings of (period, pages)'],
  ],
  async run(given) {
    const options = readOptions(given);
    const out = given.value('out');
    const write = out === undefined ? null : openNewFile(out);
    const files = given.all('logs').map((path) => ({ file: nameOfLog(path), text: readLogFile(path) }));
    const predict = given.has('out') && !given.flag('json');
    const answer = await longWork('learn', { files, options, predict });
    if (answer.kind === 'guestperf') return printGuestperf(given, answer.run, write);
    const { result, predictions } = answer;
    const { learned, scenario, check, outlook } = result;
    write?.(scenario);
    if (given.flag('json')) {
      const { understood } = result;
      given.print(`${JSON.stringify({ learned, check, outlook, understood }, null, 2)}\n`);
      return;
    }
    if (write === null) {
      // The scenario goes to standard output, for a file or a pipe; its words go to stderr.
      given.print(scenario);
      for (const line of wordsOf(given, result)) given.warn(line);
      return;
    }
    for (const line of wordsOf(given, result)) given.print(`${line}\n`);
    if (check !== null) printCheck(given, check);
    if (learned.guest.classes.length > 0)
      given.print(
        `Assumed: the load needs ${Number((learned.guest.cpu * 100).toFixed(1))} % of its time (--cpu); more in the file\n`,
      );
    for (const line of predictions.flatMap((one) => wrap(one, given.page.width, '  ')))
      given.print(`${line}\n`);
    given.print(`Written to ${out}\n`);
  },
};

/** What was understood, what would have ended the migration, and what to record next; no line is wider than the page. */
function wordsOf(given: Given, { understood, outlook }: LearnResult): string[] {
  const { width } = given.page;
  const indent = ' '.repeat(10);
  const row = (label: string, text: string): string[] =>
    wrap(text, width - indent.length, '').map(
      (line, at) => `${at === 0 ? label.padEnd(indent.length) : indent}${line}`,
    );
  return [
    ...understood.lines.flatMap(([label, text]) => row(label, text)),
    ...(outlook?.remedies ?? []).flatMap((remedy, at) => row(at === 0 ? 'Ends with' : '', remedy)),
    ...row('Next time', understood.next),
  ];
}

/** A report says of its run what the options say of a log's. */
const SAID_BY_REPORT = [
  'cpu',
  'vcpus',
  'memory',
  'dirty-ring-size',
  'downtime-limit',
  'max-bandwidth',
] as const;

function printGuestperf(
  given: Given,
  { learned, scenario, check }: LearnedGuestperfRun,
  write: ((scenario: string) => void) | null,
): void {
  const option = SAID_BY_REPORT.find((one) => given.value(one) !== undefined);
  if (option !== undefined) {
    throw new UsageError(`--${option} is for logs: a guestperf report already contains it`, {
      file: given.positional,
    });
  }
  write?.(scenario);
  if (given.flag('json')) return given.print(`${JSON.stringify({ learned, check }, null, 2)}\n`);
  if (write === null) return given.print(scenario);
  given.print(`${guestperfCheckText(check)}\n`);
  given.print('Not in the report:\n');
  for (const one of learned.assumptions) {
    given.print(`${wrap(`- ${one}`, given.page.width, '  ').join('\n')}\n`);
  }
  given.print(`Written to ${given.value('out')}\n`);
}

function readOptions(given: Given): LearnOptions {
  const ringSize = (text: string): number => {
    const size = /^\d+$/.test(text) ? Number(text) : NaN;
    if (size === 0 || (size >= 1024 && size <= 65_536 && Number.isInteger(Math.log2(size)))) return size;
    throw new UsageError(`expected 0 or a power of two from 1024 to 65536, got ${text}`);
  };
  const limitUs = read(given, options, 'downtime-limit');
  const said = {
    cpu: read(given, options, 'cpu'),
    vcpus: read(given, options, 'vcpus'),
    memoryBytes: read(given, options, 'memory'),
    dirtyRingSize: parsed(given, 'dirty-ring-size', ringSize),
    downtimeLimitMs: limitUs === undefined ? undefined : limitUs / 1000,
    maxBandwidth: read(given, options, 'max-bandwidth'),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function printCheck(given: Given, check: SelfCheck): void {
  const { passes, plateau } = check;
  const rows = passes.map((pass) => [
    `pass ${pass.n - 1}`,
    formatDurationMs(pass.loggedMs),
    formatDurationMs(pass.simulatedMs),
    formatBytes(pass.loggedRemainingBytes),
    formatBytes(pass.simulatedRemainingBytes),
  ]);
  if (plateau !== null) {
    rows.push([
      'plateau',
      formatDurationMs(plateau.logged.passMs),
      formatDurationMs(plateau.simulated.passMs),
      formatBytes(plateau.logged.remainingBytes),
      formatBytes(plateau.simulated.remainingBytes),
    ]);
  }
  if (rows.length > 0) given.print(`${gridOf(rows)}\n`);
  if (check.medianDeviation === null || check.largestDeviation === null) {
    given.print('No pass can be compared: no pass of 1 s or longer could be identified, and none settled\n');
    return;
  }
  given.print(
    `Deviation: median ${fixedPercent(check.medianDeviation, 1)}, largest ${fixedPercent(check.largestDeviation, 1)}\n`,
  );
}

function gridOf(rows: readonly string[][]): string {
  const heads = ['', 'length:\nlog', '\nsimulated', 'remaining after:\nlog', '\nsimulated'];
  const columns = heads.map((head, at) => ({
    head,
    align: at === 0 ? ('left' as const) : ('right' as const),
  }));
  return grid(columns, rows);
}
