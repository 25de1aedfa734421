/** What the report says in sentences. */
import { isOneOf, keysOf, lastOf } from '../../lists.js';
import { show } from '../../experiment/expect/measure.js';
import type { WhyNot } from '../../migration/result.js';
import { mean } from '../../stats/summary.js';
import { groupBy, hasConverged, numberIn, type Row, textIn } from '../files/rows.js';
import type { RunsTable } from '../terminal/runs-table.js';
import { counted } from '../terminal/kit/text.js';

/** `Shows: …`, `Expect: …`: the comment that opens a scenario file, its lines joined; a word with a colon begins a new one. */
export function aboutOf(scenarioText: string): { readonly word: string; readonly text: string }[] {
  const entries: { word: string; text: string }[] = [];
  for (const line of scenarioText.split('\n')) {
    if (!line.startsWith('#')) break;
    const words = line.replace(/^#\s*/, '');
    if (words.startsWith('yaml-language-server')) continue;
    const [, word, rest = ''] = /^([A-Z][a-z]+):\s*(.*)$/.exec(words) ?? [];
    if (word !== undefined) entries.push({ word, text: rest });
    else if (entries.length > 0) lastOf(entries).text += ` ${words}`;
    else entries.push({ word: 'About', text: words });
  }
  return entries.filter(({ text }) => text.trim() !== '');
}

/** Who converged, and who was best at what. */
export function inShort(table: RunsTable): string[] {
  const all = table.rows.filter(({ converged, runs }) => converged === runs);
  const some = table.rows.filter(({ converged, runs }) => converged > 0 && converged < runs);
  const none = table.rows.filter(({ converged }) => converged === 0);
  const labels = (rows: RunsTable['rows']): string => rows.map(({ name }) => name.short).join(', ');
  const once = table.rows.every(({ runs }) => runs === 1);
  const every = once ? '' : ' in every run';
  const outcome = [
    all.length > 0 ? `Converged${every}: ${labels(all)}.` : `No strategy converged${every}.`,
    some.length > 0
      ? `In some runs: ${some.map((row) => `${row.name.short} (${row.converged} of ${row.runs})`).join(', ')}.`
      : '',
    none.length > 0 ? `${once ? 'Did not' : 'Never'}: ${labels(none)}.` : '',
  ];
  const best = SUPERLATIVES.flatMap(([column, words]) => {
    const index = table.columns.findIndex(({ name }) => name === column);
    const rows = table.rows.filter((row) => row.cells[index]?.best === true);
    const { unit } = table.columns[index] ?? { unit: '' };
    if (rows.length === 0) return [];
    return [`${words}: ${labels(rows)} (${rows[0]?.cells[index]?.mean ?? ''} ${unit}).`];
  });
  return [outcome.filter((sentence) => sentence !== '').join(' '), ...best];
}

/** Columns of a table of runs, and what its best is called. */
export const SUPERLATIVES: readonly (readonly [string, string])[] = [
  ['total_time_ms', 'Shortest migration'],
  ['blackout_ms', 'Shortest blackout'],
  ['sent_bytes', 'Least data sent'],
  ['writers_work_done_share', 'Most work by writers'],
  ['readers_work_done_share', 'Most work by readers'],
];

/** In the words of migration/why.ts, without the figures of a single run. */
const BINDS: Readonly<Record<WhyNot['binds'], string>> = {
  'max-bandwidth': 'max-bandwidth lets less through than the guest dirties',
  link: 'the link carries less than the guest dirties',
  'sender-cpu': 'the CPU of the sending side handles less than the guest dirties',
  quota: 'the quota lets the guest dirty more per pass than may remain at the switchover',
  ring: 'the entries of the full dirty rings are more pages than may be left at the switchover',
  throttle: 'even at the highest throttle, the guest dirties too much per pass',
  devices: 'the devices have more state to send than may be left at the switchover',
  'give-up-after': 'it was ended before it came to a standstill',
};

/** A paragraph on the runs of one strategy: whether they converged, what held the guest back, what binds. */
export function bindingOf(rows: readonly Row[]): string[] {
  const converged = rows.filter(hasConverged);
  const counting = converged.length > 0 ? converged : rows;
  const average = (column: string): number | null => averageOf(counting, column);
  const sentences: string[] = [];
  const total = show('ms', average('total_time_ms'));
  if (converged.length > 0) {
    const which =
      rows.length === 1
        ? 'It converged'
        : `It converged in ${converged.length} of ${counted(rows.length, 'run')}`;
    const downtime = average('downtime_ms');
    sentences.push(
      `${which}, after ${total}${downtime === null ? '' : ` with ${show('ms', downtime)} of downtime`}.`,
    );
  }
  const first = average('first_throttle_ms');
  const throttle = average('max_throttle_percent') ?? 0;
  const sleepUs = average('max_ring_full_sleep_us') ?? 0;
  if (first !== null) {
    const brakes = [
      throttle > 0 ? `a CPU throttle of up to ${show('percent', throttle)}` : '',
      sleepUs > 0 ? `sleeps of up to ${show('us', sleepUs)} at full dirty rings` : '',
    ].filter((brake) => brake !== '');
    const by = brakes.length > 0 ? ` by ${brakes.join(' and ')}` : '';
    sentences.push(`The guest was held back from ${show('ms', first)} on${by}.`);
  } else sentences.push('The guest was not held back.');
  for (const [binds, failed] of groupBy(
    rows.filter((row) => !hasConverged(row)),
    'binds',
  )) {
    sentences.push(failureOf(binds, failed, rows.length));
  }
  return sentences;
}

function failureOf(binds: string, failed: readonly Row[], runs: number): string {
  const many = runs === 1 ? 'It' : failed.length === runs ? 'No run' : counted(failed.length, 'run');
  const did = runs === 1 || failed.length < runs ? 'did not converge' : 'converged';
  const at = averageOf(failed, 'stalls_at_bytes');
  const pause = averageOf(failed, 'sufficient_pause_ms');
  const stalls =
    at === null
      ? ''
      : ` It stalls at ${show('bytes', at)}${pause === null ? '' : `: a downtime-limit of ${show('ms', pause)} is enough`}.`;
  return `${many} ${did}${reasonOf(binds, failed)}.${stalls}`;
}

/** `: the link carries less …`, or the status where the limit is not known. */
export function reasonOf(binds: string, failed: readonly Row[]): string {
  return isOneOf(keysOf(BINDS), binds)
    ? `: ${BINDS[binds]}`
    : ` (${failed[0] === undefined ? '' : textIn(failed[0], 'status')})`;
}

/** null where no run has such a value. */
function averageOf(rows: readonly Row[], column: string): number | null {
  const values = rows.map((row) => numberIn(row, column)).filter((value) => value !== null);
  return values.length === 0 ? null : mean(values);
}
