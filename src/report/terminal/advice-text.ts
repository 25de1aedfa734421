/** What `migsim advise` prints. */
import type { Advice } from '../../advice/advise.js';
import type { Advised, Logged } from '../../advice/advised.js';
import { changeText, type Program } from '../../advice/change.js';
import { orderOf } from '../../advice/remedy.js';
import type { Band, Late, Outcome } from '../../advice/outcome.js';
import { keysOf } from '../../lists.js';
import { show } from '../../experiment/expect/measure.js';
import { formatBytesPerSecond, formatDurationMs } from '../../units.js';
import { commandLine } from './check-text.js';
import { grid } from './kit/grid.js';
import type { Page } from './kit/style.js';
import { counted, wrap } from './kit/text.js';

/** Remedies that are shown with their lines, and those that are only named. */
const SHOWN = 3;
const NAMED = 6;

/** What the advice is for. */
export interface AdviceSubject {
  /** Its name and size. */
  readonly heading: string;
  /** Of a log that shows no completion: how far it went; else null. */
  readonly seen: string | null;
  /** Whether the log ends before QEMU has looked for dirty pages: its guest is taken to be idle. */
  readonly isGuestUnknown: boolean;
  /** How far the learned guest's passes are from the log's, as a median share; null where none can be compared, or the log ended. */
  readonly misfit: number | null;
  /** Whether the log gives one point of the guest's dirty curve only. */
  readonly isOnePoint: boolean;
  /** What a log does not say; empty for a scenario. */
  readonly assumptions: readonly string[];
  /** The command that was run, without its goals for the time and the stop. */
  readonly command?: readonly string[];
}

export function adviceText(advice: Advice, subject: AdviceSubject, page: Page): string {
  const { verdict, remedies } = advice;
  const { heading, seen, isGuestUnknown, misfit, isOnePoint, assumptions } = subject;
  const unknown = isGuestUnknown ? ` ${UNKNOWN_GUEST}` : '';
  const inLog = seen === null ? [] : wrap(`In the log: ${seen}.${unknown}`, page.width);
  const unsure = misfit === null || misfit < UNSURE ? [] : wrap(unsureText(misfit), page.width);
  const caution = isOnePoint ? wrap(ONE_POINT, page.width) : [];
  const parts = [
    [...wrap(heading, page.width, '  '), ...inLog, ...unsure, ...caution].join('\n'),
    verdictText(advice, subject, page),
  ];
  if (verdict !== 'finishes') {
    if (remedies.length > 0) {
      parts.push(table(remedies.slice(0, SHOWN), advice));
      const order = orderText(remedies.slice(0, SHOWN));
      if (order !== '') parts.push(wrap(order, page.width).join('\n'));
      const texts = remedies.slice(0, SHOWN).map((remedy, at) => remedyText(remedy, at + 1, page));
      parts.push(texts.join('\n\n'));
    }
    const rest = restText(advice, page);
    if (rest !== '') parts.push(rest);
    if (remedies.length > 0) parts.push(wrap(TUNED, page.width).join('\n'));
  }
  if (assumptions.length > 0) {
    const lines = assumptions.flatMap((text) => wrap(`- ${text}`, page.width, '  '));
    parts.push(['Assumed, as the log does not say it:', ...lines].join('\n'));
  }
  return parts.join('\n\n');
}

const UNKNOWN_GUEST =
  'Too early to say more: the log does not show what the guest dirties. What follows is of an idle guest, and a busy one may not finish.';

const ONE_POINT =
  "Caution: the log gives one point of the guest's dirty curve. The rest of the curve is assumed, and the bands below do not " +
  'cover that. A log that shows the passes is surer.';

/** Bands are of guests such as the learned one: where that is further from the log, they promise too much. */
const UNSURE = 0.2;

function unsureText(misfit: number): string {
  return `The guest as learned, migrated again, misses the log's passes by ${show('share', misfit)} (median): what follows is no surer than that.`;
}

const TUNED =
  'Each value is the one with which the guest loses least while what is wanted is kept with 7 % to spare, so that it ' +
  'differs from the largest or smallest that just converges, which migsim search finds.';

/** What the first is the best by, and why one that took less from the guest comes after it. */
function orderText(remedies: readonly Advised[]): string {
  const [first] = remedies;
  if (first === undefined || remedies.length < 2) return '';
  const order = `Order: ${orderOf(remedies.map(({ price }) => price))}; of each, what took least from the guest first.`;
  const at = remedies.findIndex(({ outcome }) => outcome.lostSeconds < first.outcome.lostSeconds);
  return at < 0
    ? order
    : `${order} Number ${at + 1} takes less than number 1 and comes later for that reason alone.`;
}

function verdictText(
  advice: Advice,
  { command = ['advise'] }: AdviceSubject,
  { width, style }: Page,
): string {
  const { asItIs, verdict, logged } = advice;
  const { outcome, misses } = asItIs;
  const isGood = verdict === 'finishes';
  const sentence = logged === null ? predictedText(advice) : `${finishedText(logged)} ${againText(advice)}`;
  const bad =
    verdict === 'none'
      ? ` None of what was tried keeps what is wanted; what comes near is below. ${nextText(advice, command)}`
      : '';
  const isPartly = outcome.converged > 0 && misses.length > 0;
  const where = outcome.converged < 1 ? 'where it finishes: ' : '';
  const more = isPartly ? ` ${capital(`${where}${outcomeText(outcome)}`)}.` : '';
  const told = `${sentence}${more}${bad}`;
  return [
    ...wrap(isGood ? style.good(told) : style.bad(told), width),
    ...wrap(wantedText(advice), width),
  ].join('\n');
}

/** The goals to ask for next, and by which command. */
function nextText({ nearest, goals, goalReasons }: Advice, command: readonly string[]): string {
  const { deadlineMs, maxDowntimeMs } = nearest ?? { ...goals, deadlineMs: 2 * goals.deadlineMs };
  const isSaid = (key: 'deadlineMs' | 'maxDowntimeMs', ms: number): boolean =>
    goalReasons[key] === undefined || ms > goals[key];
  const options = [
    ...(isSaid('deadlineMs', deadlineMs) ? [GOAL_OPTIONS.deadlineMs, optionText(deadlineMs)] : []),
    ...(isSaid('maxDowntimeMs', maxDowntimeMs)
      ? [GOAL_OPTIONS.maxDowntimeMs, optionText(maxDowntimeMs)]
      : []),
  ];
  const next = `Next: ${commandLine([...command, ...options])}`;
  if (nearest === null) return `${next}.`;
  return `${next} (would do: ${nearest.change === null ? 'the migration as it is' : textOf(nearest.change)}).`;
}

/** Rounded up to two digits, as an option takes it. */
function optionText(ms: number): string {
  const grain = 10 ** Math.max(0, Math.floor(Math.log10(ms)) - 1);
  const rounded = Math.ceil(ms / grain - 1e-9) * grain;
  return rounded % 1000 === 0 ? `${rounded / 1000}s` : `${rounded}ms`;
}

function lateText({ totalTimeMs, blackoutMs }: Late): string {
  return `done in ${formatDurationMs(totalTimeMs)}, the guest stopped for ${formatDurationMs(blackoutMs)}`;
}

function predictedText({ asItIs: { outcome, why, misses, late }, goals }: Advice): string {
  if (misses.length === 0) return `It will finish as it is: ${outcomeText(outcome)}.`;
  if (late !== null)
    return `It will finish as it is, but not within ${formatDurationMs(goals.deadlineMs)}: ${lateText(late)}.`;
  if (outcome.converged === 0) return `It will not finish as it is: ${why ?? misses.join(', ')}.`;
  return `As it is, it ${misses.join(' and ')}${why === null ? '' : `: ${why}`}.`;
}

function finishedText({ totalTimeMs, downtimeMs }: Logged): string {
  const stopped = downtimeMs === null ? '' : `, the guest stopped for ${formatDurationMs(downtimeMs)}`;
  return `It finished: done in ${formatDurationMs(totalTimeMs)}${stopped}.`;
}

function againText({ asItIs: { outcome, why, misses, late }, goals }: Advice): string {
  if (misses.length === 0) return `Predicted for the same guest again: ${outcomeText(outcome)}.`;
  if (late !== null)
    return `Predicted for the same guest again: ${lateText(late)}, which is not within ${formatDurationMs(goals.deadlineMs)}.`;
  if (outcome.converged === 0)
    return `Its guest as learned would not: ${why ?? misses.join(', ')}. It wrote less in the end, or something ended it that the log does not show.`;
  return `Predicted for the same guest again: it ${misses.join(' and ')}.`;
}

const GOAL_OPTIONS = {
  deadlineMs: '--deadline',
  maxDowntimeMs: '--max-downtime',
  keepReaders: '--keep-readers',
} as const;

/** What is wanted, where what was not asked for comes from, and how figures are to be read. */
function wantedText({ goals, goalReasons, hasReaders, memory, seed, runs }: Advice): string {
  const figures = {
    deadlineMs: formatDurationMs(goals.deadlineMs),
    maxDowntimeMs: formatDurationMs(goals.maxDowntimeMs),
    keepReaders: show('share', goals.keepReaders),
  };
  const wanted = [
    `done within ${figures.deadlineMs}`,
    `the guest stopped for ${figures.maxDowntimeMs} at most`,
    ...(hasReaders ? [`readers at ${figures.keepReaders} or more`] : []),
  ].join(', ');
  const assumed = keysOf(GOAL_OPTIONS).filter((key) => key !== 'keepReaders' || hasReaders);
  const unasked = assumed.filter((key) => goalReasons[key] !== undefined);
  const defaults = unasked.map((key, at) => {
    const reason = goalReasons[key] ?? '';
    const changes = at === 0 ? ' changes it' : '';
    return `${figures[key]}${reason === '' ? '' : `, ${reason}`} (${GOAL_OPTIONS[key]}${changes})`;
  });
  const changed = defaults.length === 0 ? '' : ` Defaults: ${defaults.join('; ')}.`;
  const bands = runs > 1 ? ' In parentheses: 90 % bands.' : '';
  return `Wanted in ${show('share', goals.probability)} of such migrations: ${wanted}.${changed} Predicted with the ${memory} memory, seed ${seed}, ${counted(runs, 'run')}.${bands}`;
}

function outcomeText({ totalTimeMs, blackoutMs, writers, readers }: Outcome): string {
  const parts = [
    ...(totalTimeMs === null ? [] : [`done in ${bandText(totalTimeMs)}`]),
    ...(blackoutMs === null ? [] : [`the guest stopped for ${bandText(blackoutMs)}`]),
    ...(writers === null ? [] : [`writers do ${show('share', writers)} of their work`]),
    ...(readers === null ? [] : [`readers ${show('share', readers)}`]),
  ];
  return parts.join(', ');
}

/** `24.6 s (23.1 s to 26 s)`; the ends only where they differ as shown. */
function bandText({ median, low, high }: Band): string {
  const [middle, from, to] = [formatDurationMs(median), formatDurationMs(low), formatDurationMs(high)];
  return from === to ? middle : `${middle} (${from} to ${to})`;
}

function table(remedies: readonly Advised[], { hasReaders }: Advice): string {
  const rows = remedies.map(({ outcome, change }, at) => [
    String(at + 1),
    textOf(change),
    outcome.totalTimeMs === null ? '-' : formatDurationMs(outcome.totalTimeMs.median),
    outcome.blackoutMs === null ? '-' : formatDurationMs(outcome.blackoutMs.median),
    show('share', outcome.writers),
    ...(hasReaders ? [show('share', outcome.readers)] : []),
  ]);
  const heads = [
    '',
    '\nremedy',
    'done\nin',
    'guest\nstopped',
    'work by\nwriters',
    ...(hasReaders ? ['work by\nreaders'] : []),
  ];
  return grid(
    heads.map((head, at) => ({ head, align: at < 2 ? ('left' as const) : ('right' as const) })),
    rows.map(narrowed),
  );
}

const REMEDY_WIDTH = 36;

function narrowed(row: readonly string[]): string[] {
  return row.map((cell, at) => (at === 1 ? wrap(cell, REMEDY_WIDTH, '  ').join('\n') : cell));
}

function textOf(change: Advised['change']): string {
  return changeText(change, formatBytesPerSecond);
}

const PROGRAM_NAMES: Readonly<Record<Program, string>> = {
  qmp: 'QMP',
  hmp: "QEMU's monitor",
  virsh: 'virsh',
  nova: 'nova.conf',
  kubevirt: 'KubeVirt',
  proxmox: 'Proxmox VE',
  ovirt: 'oVirt',
};

function remedyText(
  { change, outcome, needs, risks, lines }: Advised,
  at: number,
  { width, style }: Page,
): string {
  const indent = '   ';
  const facts = [
    `${capital(outcomeText(outcome))}; ${lostText(outcome)}.`,
    ...(needs.length > 0 ? [`Needs ${needs.join(', ')}.`] : []),
    ...(risks.length > 0 ? [`Risk: ${risks.join('; ')}.`] : []),
  ];
  return [
    style.strong(`${at}. ${capital(textOf(change))}`),
    ...facts.flatMap((fact) => wrap(fact, width - indent.length).map((line) => indent + line)),
    ...(lines ?? []).map((line) => `${indent}  ${line}`),
  ].join('\n');
}

function lostText({ lostSeconds, postcopyMs }: Outcome): string {
  const lost = `the guest loses ${Number(lostSeconds.toPrecision(2))} s of vCPU time`;
  return postcopyMs > 0 ? `${lost}, and runs in post-copy for ${formatDurationMs(postcopyMs)}` : lost;
}

/** What is not among the first, in a line each. */
function restText(
  { remedies, others, refused, program, ifLinkCarriesMore }: Advice,
  { width }: Page,
): string {
  const lines: string[] = [];
  const also = remedies.slice(SHOWN);
  if (also.length > 0)
    lines.push(
      `As well: ${also
        .slice(0, NAMED)
        .map(({ change }) => textOf(change))
        .join('; ')}.`,
    );
  const missing = others.filter(({ misses }) => misses.length > 0);
  for (const { change, misses } of missing.slice(0, NAMED)) {
    lines.push(`Not enough: ${textOf(change)} (${misses.join(' and ')}).`);
  }
  const unwritten = others.filter(({ misses, lines: written }) => misses.length === 0 && written === null);
  if (unwritten.length > 0) {
    const named = unwritten.map(({ change }) => textOf(change)).join('; ');
    lines.push(`Would do, but ${PROGRAM_NAMES[program]} has no setting for it: ${named}.`);
  }
  if (ifLinkCarriesMore !== null && ifLinkCarriesMore.misses.length === 0) {
    const { change, outcome } = ifLinkCarriesMore;
    lines.push(
      `If the link carries more than the log shows, ${textOf(change)} may do: on 10 Gbit/s, ${outcomeText(outcome)}. Measure the link (iperf3) and say it: --set link.bandwidth=10Gbit/s.`,
    );
  }
  for (const { name, why } of refused) lines.push(`Not possible here: ${name}: ${why}.`);
  return lines.flatMap((line) => wrap(line, width, '  ')).join('\n');
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
