/** A recorded migration and its prediction, on one page. */
import type {
  ComparedFigure,
  ComparedSync,
  PredictedFigure,
  ValidatedRecord,
} from '../../experiment/recorded/validate.js';
import type { LogSample } from '../../formats/migration-log.js';
import { pairs } from '../../lists.js';
import { median } from '../../stats/summary.js';
import { formatBytes, formatDurationMs } from '../../units.js';
import { grid } from './kit/grid.js';
import type { Page } from './kit/style.js';
import { counted, wrap } from './kit/text.js';

const ROWS: readonly (readonly [ComparedFigure, string, (value: number) => string])[] = [
  ['totalTimeMs', 'total time', formatDurationMs],
  ['downtimeMs', 'downtime', formatDurationMs],
  ['dirtySyncCount', 'bitmap syncs', String],
  ['transferredBytes', 'data sent', formatBytes],
  ['normalPages', 'pages sent', String],
  ['zeroPages', 'zero pages', String],
  ['maxThrottlePercent', 'peak throttle', (percent) => `${percent} %`],
];

export function recordText(validated: ValidatedRecord, { width, style }: Page): string {
  const { recorded, under, figures, syncs } = validated;
  const notes = notesOf(validated);
  return [
    ...wrap(headOf(validated), width),
    '',
    grid(
      ['', 'predicted', '90 % band', 'measured', ''].map((head, at) => ({
        head,
        align: at === 0 || at === 4 ? ('left' as const) : ('right' as const),
      })),
      ROWS.flatMap(([name, label, show]) => rowOf(figures[name], label, show)),
    ),
    ...(syncs.length === 0 ? [] : ['', syncGrid(syncs)]),
    ...(notes.length === 0 ? [] : ['', ...notes.flatMap((note) => wrap(`- ${note}`, width, '  '))]),
    ...(recorded.measured.completed || under.scenario.strategies.length === 0 ? [] : ['']),
    style.faint(`Syncs: predicted in the median, measured ${lateText(recorded.log.samples)}.`),
  ]
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n');
}

/** A sync shows in the first sample after it. */
function lateText(samples: readonly LogSample[]): string {
  const timesUs = samples.flatMap(({ tUs }) => (tUs === null ? [] : [tUs]));
  const intervalsMs = [...pairs(timesUs)].map(([before, after]) => (after - before) / 1000);
  if (intervalsMs.length === 0) return 'at the next sample';
  return `up to ${formatDurationMs(Number(median(intervalsMs).toPrecision(2)))} late`;
}

function headOf({ recorded, under, isLearned, runs, completedShare }: ValidatedRecord): string {
  const { header, end } = recorded.frame;
  const { scenario } = under;
  const strategy = scenario.strategies[0]?.label ?? 'none';
  const share = completedShare === 1 ? 'all complete' : `${Math.round(completedShare * runs)} complete`;
  const from = isLearned ? 'a guest learned from it' : scenario.file;
  return (
    `${recorded.file}: QEMU ${header.qemu}, ${header.kvm ? 'KVM' : 'no KVM'}, ${strategy}; ${end ?? 'cut'}. ` +
    `Predicted from ${from}: ${counted(runs, 'run')}, ${share}.`
  );
}

function rowOf(
  { measured, point, band, holds }: PredictedFigure,
  label: string,
  show: (value: number) => string,
): string[][] {
  if (measured === null && point === null) return [];
  if ((measured ?? 0) === 0 && (point ?? 0) === 0) return [];
  const between = band === null ? '-' : `${show(band.low)} to ${show(band.high)}`;
  const verdict = holds === null ? '' : holds ? 'inside' : 'outside';
  return [
    [
      label,
      point === null ? '-' : show(Math.round(point)),
      between,
      measured === null ? '-' : show(measured),
      verdict,
    ],
  ];
}

function syncGrid(syncs: readonly ComparedSync[]): string {
  const time = (sync: ComparedSync['measured']): string =>
    sync === null ? '-' : formatDurationMs(sync.timeMs);
  const size = (sync: ComparedSync['measured']): string =>
    sync === null ? '-' : formatBytes(sync.remainingBytes);
  return grid(
    ['sync', 'at:\npredicted', '\nmeasured', 'remaining after:\npredicted', '\nmeasured'].map((head) => ({
      head,
    })),
    syncs.map(({ n, predicted, measured }) => [
      String(n),
      time(predicted),
      time(measured),
      size(predicted),
      size(measured),
    ]),
  );
}

function notesOf({ recorded, under, isLearned }: ValidatedRecord): string[] {
  const { measured, frame } = recorded;
  return [
    ...(isLearned
      ? [
          'The guest was learned from this recording, so this shows how well migsim describes it, not how well it predicts. ' +
            'Measure the guest before the migration (migsim measure), and give that file as well.',
        ]
      : []),
    ...(measured.completed
      ? []
      : [`The recording ends without a completed migration (${frame.end ?? 'cut'}).`]),
    ...under.differences.map((text) => `${text}: what was in force is simulated.`),
    ...(under.ignored.length === 0 ? [] : [`In force, but not simulated: ${under.ignored.join(', ')}.`]),
  ];
}
