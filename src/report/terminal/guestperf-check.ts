/** `migsim learn` of a guestperf report: the report compared with the simulation, pass by pass. */
import type { Beside, GuestperfCheck } from '../../experiment/learn-guestperf.js';
import { formatBytes, formatDurationMs } from '../../units.js';
import { grid } from './kit/grid.js';

/** Two tables and a line; ends with a line break. */
export function guestperfCheckText(check: GuestperfCheck): string {
  return `${[passTable(check), endTable(check), deviationText(check)].filter((part) => part !== '').join('\n\n')}\n`;
}

interface Quantity {
  readonly head: string;
  readonly of: (pass: GuestperfCheck['passes'][number]) => Beside;
  readonly text: (value: number) => string;
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

const QUANTITIES: readonly Quantity[] = [
  { head: 'length:\ns', of: ({ lengthMs }) => lengthMs, text: (ms) => (ms / 1000).toFixed(2) },
  { head: 'left:\nMiB', of: ({ remainingBytes }) => remainingBytes, text: mib },
  { head: 'sent:\nMiB', of: ({ sentBytes }) => sentBytes, text: mib },
  { head: 'held:\n%', of: ({ throttlePercent }) => throttlePercent, text: String },
];

function passTable({ passes }: GuestperfCheck): string {
  if (passes.length === 0) return '';
  const shown = QUANTITIES.filter(
    ({ head, of }) =>
      !head.startsWith('held') || passes.some((pass) => of(pass).reported !== 0 || of(pass).simulated !== 0),
  );
  const columns = shown.flatMap(({ head }) => [{ head: `${head}\nreport` }, { head: '\n\nmigsim' }]);
  const rows = passes.map((pass) => [
    pass.to === pass.from + 1 ? String(pass.from) : `${pass.from}-${pass.to - 1}`,
    ...shown.flatMap(({ of, text }) => both(of(pass), text)),
  ]);
  return grid([{ head: 'pass', align: 'left' }, ...columns], rows);
}

function endTable({ status, totalTimeMs, downtimeMs, syncs, sentBytes }: GuestperfCheck): string {
  return grid(
    [{ head: '', align: 'left' }, { head: 'report' }, { head: 'migsim' }],
    [
      ['ended', status.reported, status.simulated],
      ['total time', ...both(totalTimeMs, formatDurationMs)],
      ['downtime', ...both(downtimeMs, formatDurationMs)],
      ['bitmap syncs', ...both(syncs, String)],
      ['data sent', ...both(sentBytes, formatBytes)],
    ],
  );
}

function both({ reported, simulated }: Beside, text: (value: number) => string): string[] {
  return [reported, simulated].map((value) => (value === null ? '-' : text(value)));
}

function deviationText({ medianDeviation, largestDeviation }: GuestperfCheck): string {
  const known =
    'A report has one record per pass, taken up to 50 ms after its sync, and\nnothing about what happens within a pass.';
  if (medianDeviation === null || largestDeviation === null)
    return `${known}\nNo pass can be compared: none is of a second or more`;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  return `${known}\nPasses of a second or more: off by ${percent(medianDeviation)} (median), ${percent(largestDeviation)} (most)`;
}
