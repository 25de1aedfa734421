/** What `migsim learn` says of what it has learned. */
import { UsageError } from '../../errors.js';
import type { LearnResult } from '../../recording/learn/learn-from-log.js';
import type { SelfCheck } from '../../recording/learn/answer/self-check.js';
import { formatBytes, formatDurationMs, fixedPercent } from '../../units.js';
import type { Given } from '../command.js';
import type { LearnedGuestperfRun } from '../../experiment/learn-guestperf.js';
import { guestperfCheckText } from '../../report/terminal/guestperf-check.js';
import { wrap } from '../../report/terminal/kit/text.js';
import type { LearnAnswer } from '../long-tasks.js';
import { grid } from '../../report/terminal/kit/grid.js';

/** `write`: where the scenario goes; null: to the output. */
export function printLearned(
  given: Given,
  answer: LearnAnswer,
  write: ((scenario: string) => void) | null,
): void {
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
  given.print(`Written to ${given.value('out')}\n`);
}

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
