/** What `migsim calibrate-host` does with recordings. */
import type { HostProfile } from '../../guest/spec.js';
import type { Calibration } from '../../recording/validate/calibrate.js';
import type { Given } from '../command.js';
import { readMemory, readRuns, readSeed } from '../options/experiment-options.js';
import { readRecordings } from '../../recording/validate/validate.js';
import { repeatsIn } from '../../formats/repeats.js';
import { longWork } from '../long-work.js';
import { openNewFile } from '../../report/files/output-folder.js';
import { grid } from '../../report/terminal/kit/grid.js';
import { hostFields } from '../../guest/host-profiles/fields.js';
import { variabilityKinds } from '../../guest/host-profiles/variability.js';
import { fixedPercent } from '../../units.js';

/** `name`: that of the profile from which it starts. */
export async function calibrateAndPrint(given: Given, name: string, start: HostProfile): Promise<void> {
  const paths = given.all('recordings');
  readRecordings(paths);
  const repeats = repeatsIn(paths);
  const out = given.value('out');
  const write = out === undefined ? null : openNewFile(out);
  // How many profiles will be tried is not known: the line shows that it works.
  const progress = given.progress(MOST_TRIED);
  const options = {
    start,
    repeats,
    runs: readRuns(given),
    seed: readSeed(given),
    memory: readMemory(given),
  };
  const calibration = await longWork('calibrate', { paths, options }, () => progress.step());
  for (let left = calibration.tried; left < MOST_TRIED; left += 1) progress.step();
  if (given.flag('json')) given.print(`${JSON.stringify(calibration, null, 2)}\n`);
  else {
    printReport(given, calibration);
    printVariability(given, calibration, repeats.length);
    printResiduals(given, calibration);
  }
  if (write === null) return;
  write(hostSection(name, calibration));
  if (!given.flag('json')) given.print(`Written to ${out}\n`);
}

/** The search of 14 fields ends after fewer profiles than this. */
const MOST_TRIED = 300;

function printReport(given: Given, calibration: Calibration): void {
  const columns = [
    { head: 'field', align: 'left' as const },
    ...['before', 'after', 'loss × 1.5\nor ÷ 1.5'].map((head) => ({ head, align: 'right' as const })),
  ];
  const rows = calibration.fields.map(({ field, before, after, lossRise }) => [
    hostFields[field].key,
    valueOf(hostFields[field].kind, before),
    valueOf(hostFields[field].kind, after),
    lossRise < NOT_IDENTIFIED ? 'not identified' : `+${percent(lossRise)}`,
  ]);
  given.print(`${grid(columns, rows)}\n\n`);
  const { startLoss, loss, leaveOneOutLoss, otherSeedStartLoss, otherSeedLoss } = calibration;
  given.print(
    `Mean relative error of total time, downtime, bytes sent and accesses over\n` +
      `${calibration.recordings.length} recordings (${calibration.tried} profiles tried):\n` +
      `  before ${percent(startLoss)}, after ${percent(loss)}, each recording left out in turn ${percent(leaveOneOutLoss)}\n` +
      `  with another seed: before ${percent(otherSeedStartLoss)}, after ${percent(otherSeedLoss)}\n`,
  );
}

/** How much the machine varies from run to run and within one. */
function printVariability(given: Given, { variability }: Calibration, repeats: number): void {
  const columns = [
    { head: 'varies', align: 'left' as const },
    ...['before', 'after', 'observations'].map((head) => ({ head, align: 'right' as const })),
  ];
  const rows = variability.map(({ kind, before, after, of }) => [
    variabilityKinds[kind].key,
    variabilityText(before),
    after === before ? 'as before' : variabilityText(after),
    String(of),
  ]);
  given.print(`\n${grid(columns, rows)}\n`);
  given.print(`Standard deviations of natural logarithms. Runs that were made twice: ${repeats}\n`);
}

function variabilityText(sigma: number): string {
  return `${Number((sigma * 100).toPrecision(2))}%`;
}

/** By what the spread of each figure has to be taken for a band that holds. */
function printResiduals(given: Given, { residuals }: Calibration): void {
  const columns = [
    { head: '90 % band', align: 'left' as const },
    { head: 'factor of\nthe spread', align: 'right' as const },
  ];
  const rows = Object.entries(residuals.factors).map(([figure, factor]) => [figure, factor.toFixed(2)]);
  if (rows.length > 0) given.print(`\n${grid(columns, rows)}\n`);
}

/** Half as much again and two thirds are both no worse than this. */
const NOT_IDENTIFIED = 5e-4;

/** As scenario files write it. */
function valueOf(kind: string, value: number): string {
  if (kind === 'duration-ns') return `${value}ns`;
  if (kind === 'duration') return `${value}us`;
  if (kind === 'share') return `${Math.round(value * 100)}%`;
  return kind === 'size' ? `${value}B` : String(value);
}

function hostSection(profile: string, { fields, variability: kinds }: Calibration): string {
  const entries = fields.map(({ field, after }) => {
    const { key, kind } = hostFields[field];
    return [key, valueOf(kind, after)];
  });
  const variability = Object.fromEntries(
    kinds.map(({ kind, after }) => [variabilityKinds[kind].key, variabilityText(after)]),
  );
  return `${JSON.stringify({ profile, variability, ...Object.fromEntries(entries) }, null, 2)}\n`;
}

function percent(share: number): string {
  return fixedPercent(share, 2);
}
