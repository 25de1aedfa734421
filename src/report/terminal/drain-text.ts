/** A drained host in the terminal: when each guest moved, one way next to the other. */
import type { Drain } from '../../experiment/drain.js';
import { show } from '../../experiment/expect/measure.js';
import { workDoneOf } from '../../migration/result.js';
import { SINGLE_RUN_NOISE } from '../../stats/best.js';
import { largest, smallest } from '../../stats/extremes.js';
import { grid } from './kit/grid.js';
import { reasonsOf } from './kit/reasons.js';
import type { Page } from './kit/style.js';
import { wrap } from './kit/text.js';

/** All of `drains` have the same guests. */
export function drainText(drains: readonly Drain[], page: Page): string {
  const note =
    'Work: of the vCPUs that write, against a guest that is not migrated; while held: in the time held.';
  return [
    ...drains.map((drain) => oneWay(drain, page)),
    ...conclusion(drains).map((line) => wrap(line, page.width, '  ').map(page.style.strong).join('\n')),
    wrap(note, page.width).map(page.style.faint).join('\n'),
  ].join('\n\n');
}

/** One line on two ways: which is faster, and what the guests lose; in brackets in parallel. Empty unless there are two. */
function conclusion([one, other, ...more]: readonly Drain[]): string[] {
  if (one === undefined || other === undefined || more.length > 0) return [];
  const [serial, parallel] = one.parallel === 1 ? [one, other] : [other, one];
  const difference = Math.abs(serial.totalTimeMs - parallel.totalTimeMs);
  const isSame = difference <= SINGLE_RUN_NOISE * Math.max(serial.totalTimeMs, parallel.totalTimeMs);
  const speed = isSame
    ? 'about as long'
    : `${show('ms', difference)} ${serial.totalTimeMs < parallel.totalTimeMs ? 'shorter' : 'longer'}`;
  const facts = [
    fact('guests left behind', serial, parallel, ({ guests }) => guests.filter(isLost).length, String),
    fact('lowest work by writers', serial, parallel, lowestWork, (share) => show('share', share)),
    fact('longest downtime', serial, parallel, longestDowntime, (ms) => show('ms', ms)),
  ];
  const told = [speed, ...facts.filter((text) => text !== null)].join(', ');
  return [`In series, compared with in parallel: ${told}.`];
}

/** null where the two do not differ, or where one of them has no such value. */
function fact(
  what: string,
  serial: Drain,
  parallel: Drain,
  of: (drain: Drain) => number | null,
  text: (value: number) => string,
): string | null {
  const [a, b] = [of(serial), of(parallel)];
  if (a === null || b === null || text(a) === text(b)) return null;
  return `${what} ${text(a)} (${text(b)})`;
}

function isLost({ result }: Drain['guests'][number]): boolean {
  return !result.converged;
}

/** Of the guest that does least. */
function lowestWork({ guests }: Drain): number | null {
  const work = guests.map(({ result }) => workDoneOf(result, 'writers')).filter((value) => value !== null);
  return work.length === 0 ? null : smallest(work);
}

function longestDowntime({ guests }: Drain): number | null {
  const times = guests.map(({ result }) => result.downtimeMs).filter((value) => value !== null);
  return times.length === 0 ? null : largest(times);
}

function wayOf({ parallel, guests }: Drain): string {
  return parallel === 1 ? 'One after the other' : `${Math.min(parallel, guests.length)} at a time`;
}

function oneWay({ parallel, guests, totalTimeMs }: Drain, page: Page): string {
  const lost = guests.filter(isLost).length;
  const outcome = lost === 0 ? 'all moved' : `${lost} of ${guests.length} did not converge`;
  const title = `${wayOf({ parallel, guests, totalTimeMs })}: ${show('ms', totalTimeMs)}, ${outcome}`;
  const labels = [...new Set(guests.map(({ result }) => result.strategy))];
  const { table, notes } = fitting(guests, labels, page);
  const reasons = whyLost(guests)
    .flatMap((line) => wrap(line, page.width, '  '))
    .join('\n');
  return [
    lost === 0 ? page.style.strong(title) : page.style.bad(title),
    table,
    ...(notes.length === 0 ? [] : [notes.join('\n')]),
    ...(reasons === '' ? [] : [reasons]),
  ].join('\n\n');
}

/** The table as wide as the page lets it be; numbers in place of strategies, and notes for them, where nothing else fits. */
function fitting(
  guests: Drain['guests'],
  labels: readonly string[],
  { width, style }: Page,
): { table: string; notes: string[] } {
  const fits = (text: string): boolean => text.split('\n').every((line) => line.length <= width);
  const whole = [2, 1].map((gap) => tableOf(guests, (label) => label, gap)).find(fits);
  if (whole !== undefined) return { table: whole, notes: [] };
  const table = tableOf(guests, (label) => `[${labels.indexOf(label) + 1}]`, 1);
  const notes = labels.flatMap((label, at) =>
    wrap(`[${at + 1}] ${label.replaceAll(';', '; ')}`, width, '    '),
  );
  return { table, notes: notes.map(style.faint) };
}

function tableOf(guests: Drain['guests'], nameOf: (label: string) => string, gap: number): string {
  const rows = guests.map(({ startMs, endMs, result }) => [
    result.scenario,
    nameOf(result.strategy),
    result.converged ? 'yes' : 'no',
    show('ms', startMs),
    show('ms', endMs),
    show('ms', result.totalTimeMs),
    show('ms', result.downtimeMs),
    show('share', workDoneOf(result, 'writers')),
    result.heldTimeMs === 0 ? '-' : show('ms', result.heldTimeMs),
    show('share', result.writersWorkHeld),
  ]);
  const columns = [
    { head: 'guest', align: 'left' as const },
    { head: 'strategy', align: 'left' as const },
    ...['moved', 'begin', 'end', 'total\ntime', 'downtime', 'work', 'held\nfor', 'while\nheld'].map(
      (head) => ({ head }),
    ),
  ];
  return grid(columns, rows, gap);
}

/** `db under none did not converge: …`, of the first of each kind of guest that stayed. */
function whyLost(guests: Drain['guests']): string[] {
  const reasons = guests.filter(isLost).flatMap(({ result }): [string, string][] => {
    const why = reasonsOf(result);
    return why === null ? [] : [[`${result.scenario} under ${result.strategy}`, why]];
  });
  const first = new Map([...reasons].reverse());
  const kinds = [...new Set(reasons.map(([kind]) => kind))];
  return kinds.map((kind) => `${kind} did not converge: ${first.get(kind)}`);
}
