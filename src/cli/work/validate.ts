/** What `migsim validate` does with recordings. */
import { UsageError } from '../../errors.js';
import { readRecorded } from '../../experiment/recorded/measured.js';
import { validateRecord } from '../../experiment/recorded/validate.js';
import { statusOf } from '../../files.js';
import { looksLikeRecord } from '../../formats/record.js';
import type { OutcomeName, Spread } from '../../recording/validate/outcome.js';
import type { Tally, ValidatedRecording, ValidationSummary } from '../../recording/validate/summary.js';
import type { ResidualFigure } from '../../guest/host-profiles/residuals.js';
import type { Given } from '../command.js';
import { readMemory, readRuns, readSeed } from '../options/experiment-options.js';
import { validationJson, validationRows } from '../../recording/validate/records.js';
import { readRecordings, type Validation } from '../../recording/validate/validate.js';
import { recordText } from '../../report/terminal/record-text.js';
import { readText } from '../../scenario/read-text.js';
import { readLogFile } from '../options/log-files.js';
import { longWork } from '../long-work.js';
import { openOutputFile } from '../../report/files/output-folder.js';
import { validationCsv } from '../../report/files/validation-csv.js';
import { grid } from '../../report/terminal/kit/grid.js';
import { MIB, fixedPercent } from '../../units.js';

export async function validateAndPrint(given: Given): Promise<void> {
  if (given.all('recordings').some(isRecord)) return validateOwn(given);
  const plot = given.value('plot');
  if (plot !== undefined && !/\.(svg|png)$/.test(plot)) {
    throw new UsageError(`--plot: expected a file that ends in .svg or .png, got "${plot}"`);
  }
  const write = plot === undefined ? null : openOutputFile(plot);
  const paths = given.all('recordings');
  const options = { runs: readRuns(given), seed: readSeed(given), memory: readMemory(given) };
  const progress = given.progress(readRecordings(paths).length);
  const validation = await longWork('validate', { paths, options }, () => progress.step());
  if (plot !== undefined && write !== null) write(await draw(validationRows(validation), plot));
  if (given.flag('json')) given.print(`${JSON.stringify(validationJson(validation), null, 2)}\n`);
  else if (given.flag('csv')) {
    given.print(validationCsv(validationRows(validation)));
  } else printReport(given, validation);
}

// ---------------------------------------------------------------------------------------- a recording of migsim record

function isRecord(path: string): boolean {
  const stat = statusOf(path);
  return (
    stat !== undefined &&
    !stat.isDirectory() &&
    /\.jsonl$|\.log$/.test(path) &&
    looksLikeRecord(readLogFile(path))
  );
}

function validateOwn(given: Given): void {
  const paths = given.all('recordings');
  const [file = '', ...more] = paths.filter(isRecord);
  const [guest, ...others] = paths.filter((path) => !isRecord(path));
  const extra = more[0] ?? others[0];
  if (extra !== undefined)
    throw new UsageError('expected one recording of migsim record and at most one scenario of its guest', {
      file: extra,
    });
  for (const option of ['csv', 'plot'])
    if (given.has(option))
      throw new UsageError(`--${option} is for folders of recordings; migsim plot ${file} draws this one`);
  const runs = given.has('runs') ? readRuns(given) : RUNS_OF_ONE;
  const progress = given.progress(runs);
  const validated = validateRecord(
    readRecorded(readLogFile(file), file),
    guest === undefined ? null : { text: readText(guest), file: guest },
    {
      runs,
      seed: readSeed(given),
      memory: given.has('memory') ? readMemory(given) : 'fluid',
      onProgress: () => progress.step(),
    },
  );
  progress.end();
  if (!given.flag('json')) return given.print(`${recordText(validated, given.page)}\n`);
  const { recorded, under, ...rest } = validated;
  const { frame, measured } = recorded;
  const { differences, ignored } = under;
  given.print(
    `${JSON.stringify({ recording: frame.header, end: frame.end, ...rest, measured, differences, ignored }, null, 2)}\n`,
  );
}

/** One migration is predicted more often than each of a folder. */
const RUNS_OF_ONE = 20;

async function draw(
  validation: readonly Readonly<Record<string, string | number | null>>[],
  file: string,
): Promise<string | Uint8Array> {
  const { predicted } = await import('../../report/figures/predicted.js');
  const { drawAll } = await import('../../report/figures/index.js');
  const { SHEETS } = await import('../../report/figures/kit/sheet.js');
  const { NOTHING } = await import('../../report/figures/data/results.js');
  const results = { ...NOTHING, validation };
  const [drawing] = drawAll([predicted], results, SHEETS.two);
  if (drawing === undefined) {
    throw new UsageError('nothing to draw: no migration completed both measured and predicted', { file });
  }
  if (!file.endsWith('.png')) return drawing.svg;
  const { pngOf } = await import('../../report/figures/kit/png.js');
  return pngOf(drawing.svg, SHEETS.two);
}

// ------------------------------------------------------------------------------------------------------------- text

function printReport(given: Given, { recordings, summary }: Validation): void {
  const columns = HEADS.map((head, at) => ({ head, align: at < 2 ? ('left' as const) : ('right' as const) }));
  given.print(`${grid(columns, recordings.flatMap(rowsOf), 1)}\n\n`);
  for (const line of LEGEND) given.print(`${given.page.style.faint(line)}\n`);
  given.print(`\n${summaryLines(summary).join('\n')}\n`);
  const coverage = coverageTable(summary);
  if (coverage !== null) given.print(`\n${coverage}\n`);
}

const BANDS: readonly (readonly [ResidualFigure, string])[] = [
  ['totalTimeMs', 'total time'],
  ['downtimeMs', 'downtime'],
  ['blackoutMs', 'blackout'],
  ['transferredBytes', 'data sent'],
  ['dirtySyncCount', 'bitmap syncs'],
  ['maxThrottlePercent', 'peak throttle'],
  ['maxDirtyLimitThrottleUsPerRound', 'longest ring sleep'],
];

/** How often 90 % bands hold; "left out": with bands from all other recordings. */
function coverageTable({ coverage }: ValidationSummary): string | null {
  const rows = BANDS.flatMap(([figure, label]) => {
    const found = coverage[figure];
    if (found === null) return [];
    const { of, held, heldLeftOut, medianWidth } = found;
    const leftOut = of < 2 ? '-' : `${heldLeftOut} of ${of}`;
    return [[label, `${held} of ${of}`, leftOut, percent(medianWidth)]];
  });
  if (rows.length === 0) return null;
  const heads = ['90 % band', 'holds', 'from all\nothers', 'median\nwidth'];
  return grid(
    heads.map((head, at) => ({ head, align: at === 0 ? ('left' as const) : ('right' as const) })),
    rows,
  );
}

const HEADS = [
  '',
  '',
  'ended',
  'total\ns',
  'down\nms',
  'syncs',
  'sent\nMiB',
  'first\nstep s',
  'throttle\n%',
  'ring\nsleep ms',
  'accesses\n1000',
];
const LEGEND = [
  'Figures are medians over the predictions, ± half the width of the 90 % band of',
  'a migration where it is more than 1 % of them. first step: first sync that saw',
  'a throttle or a sleep at full rings; throttle and ring sleep: the highest;',
  'accesses: of each vCPU.',
];

/** Measured, and below it predicted. */
function rowsOf({ id, measured, predicted }: ValidatedRecording): string[][] {
  const of = (name: OutcomeName, show: (value: number) => string): [string, string] => {
    const value = measured[name];
    return [value === null ? '-' : show(value), spread(predicted.figures[name], show)];
  };
  const right = measured.status === predicted.status;
  const cells: (readonly [string, string])[] = [
    [id, ''],
    ['measured', 'predicted'],
    [ended(measured.status), `${ended(predicted.status)}${right ? '' : ' !'}`],
    of('totalTimeMs', (ms) => (ms / 1000).toFixed(1)),
    of('downtimeMs', (ms) => ms.toFixed(0)),
    of('dirtySyncCount', (count) => count.toFixed(0)),
    of('transferredBytes', (bytes) => (bytes / MIB).toFixed(0)),
    of('firstThrottleMs', (ms) => (ms / 1000).toFixed(1)),
    of('maxThrottlePercent', (percent) => percent.toFixed(0)),
    of('maxDirtyLimitThrottleUsPerRound', (us) => (us / 1000).toFixed(0)),
    [
      measured.vcpuAccesses.map(thousands).join(' '),
      predicted.vcpuAccesses.map(({ median }) => (median === null ? '-' : thousands(median))).join(' '),
    ],
  ];
  return [cells.map(([first]) => first), cells.map(([, second]) => second)];
}

function ended(status: string): string {
  return status === 'completed' ? 'yes' : 'no';
}

function thousands(count: number): string {
  return String(Math.round(count / 1000));
}

function spread({ median, p5, p95 }: Spread, show: (value: number) => string): string {
  if (median === null || p5 === null || p95 === null) return '-';
  const half = show((p95 - p5) / 2);
  return p95 - p5 <= 0.02 * median || Number(half) === 0 ? show(median) : `${show(median)}\n±${half}`;
}

function summaryLines(summary: ValidationSummary): string[] {
  const { recordings, rightVerdicts, completed, throttleSteps, ringSleeps, vcpuAccesses } = summary;
  const { medianTotalTimeError, meanTotalTimeError, p90TotalTimeError } = summary;
  const lines = [`verdict         right: ${Math.round(rightVerdicts * recordings)} of ${recordings}`];
  if (completed > 0) {
    lines.push(
      `total time      off by ${percent(medianTotalTimeError)} in the median, ${percent(meanTotalTimeError)} in the mean,`,
      `                ${percent(p90TotalTimeError)} at the 90th percentile (${completed} that completed)`,
    );
  }
  for (const [name, label] of FIGURE_LINES) {
    const { of, median, p90 } = summary.errors[name];
    if (of === 0) continue;
    lines.push(
      `${label.padEnd(16)}off by ${percent(median)} in the median, 90th percentile ${percent(p90)} (${of})`,
    );
  }
  if (throttleSteps.of > 0)
    lines.push(`throttle steps  at their sync, one of slack: ${tally(throttleSteps, 'recordings')}`);
  if (ringSleeps.of > 0) lines.push(`ring sleep      within 15 %: ${tally(ringSleeps, 'recordings')}`);
  lines.push(
    `accesses        within 10 %: ${tally(vcpuAccesses, 'vCPUs')}; off by ${percent(summary.medianAccessesError)} in the median`,
  );
  return lines;
}

/** Figures other than the total time, by the words of the summary. */
const FIGURE_LINES = [
  ['downtimeMs', 'downtime'],
  ['blackoutMs', 'blackout'],
  ['transferredBytes', 'data sent'],
  ['multifdBytes', 'multifd bytes'],
  ['xbzrlePages', 'XBZRLE pages'],
  ['xbzrleBytes', 'XBZRLE bytes'],
  ['xbzrleCacheMiss', 'XBZRLE misses'],
  ['postcopyMs', 'post-copy time'],
  ['postcopyBytes', 'post-copy data'],
  ['postcopyRequests', 'requests'],
  ['postcopyBlockedMs', 'blocktime'],
] as const satisfies readonly (readonly [OutcomeName, string])[];

function tally({ right, of }: Tally, what: string): string {
  return `${right} of ${of} ${what}`;
}

function percent(share: number | null): string {
  return share === null ? '-' : fixedPercent(share, 1);
}
