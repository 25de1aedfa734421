/** Checked expectations for people. */
import type { CheckReport, CheckedExpectation } from '../../experiment/check.js';
import { formatPlace } from '../../errors.js';
import { type Page, plainPage } from './kit/style.js';
import { counted, wrap, wrapItems } from './kit/text.js';

/** A line a file, and three for each expectation that does not hold; `verbose`: those that hold as well. */
export function checkText(reports: readonly CheckReport[], verbose: boolean, page: Page = plainPage): string {
  const lines = reports.flatMap((report) => fileLines(report, verbose, page));
  return [...lines, '', summary(reports)].join('\n');
}

/** `expected < 70%, got 71.2 %, off by 1.2 points`. */
export function missText(expectation: CheckedExpectation): string {
  return missItems(expectation).join(', ');
}

function missItems({ expected, got, byHowMuch }: CheckedExpectation): string[] {
  return [`expected ${expected}`, `got ${got}`, ...(byHowMuch === null ? [] : [`off by ${byHowMuch}`])];
}

/** As a shell reads it. */
export function commandLine(words: readonly string[]): string {
  const quoted = words.map((word) =>
    /^[\w./=:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return ['migsim', ...quoted].join(' ');
}

/** How many expectations do not hold. */
export function failuresOf(reports: readonly CheckReport[]): number {
  return reports.flatMap(({ expectations }) => expectations).filter(({ ok }) => !ok).length;
}

function fileLines(report: CheckReport, verbose: boolean, page: Page): string[] {
  const { file, memory, runs, expectations } = report;
  const { style } = page;
  const failed = expectations.filter(({ ok }) => !ok).length;
  const mark = failed === 0 ? style.good('ok  ') : style.bad('FAIL');
  const said = expectations.length === 0 ? 'expects nothing' : tally(expectations.length, failed);
  const how = style.faint(`(${memory} memory${runs === 1 ? '' : `, ${runs} runs each`})`);
  const shown = expectations.filter(({ ok }) => verbose || !ok);
  return [`${mark}  ${file}: ${said} ${how}`, ...shown.flatMap((one) => expectationLines(one, report, page))];
}

function expectationLines(
  expectation: CheckedExpectation,
  { file }: CheckReport,
  { width, style }: Page,
): string[] {
  const { subject, expected, got, ok, place, repeat } = expectation;
  if (ok) return wrap(`${subject} ${expected}: ${got}`, width - 6, '  ').map((line) => `      ${line}`);
  return [
    `      ${formatPlace(place ?? { file })}: ${style.strong(subject)}`,
    ...wrapItems(missItems(expectation), width - 10).map((line) => `          ${line}`),
    // In one piece, to be copied.
    `          ${style.faint(commandLine(repeat))}`,
  ];
}

function tally(count: number, failed: number): string {
  if (failed === 0) return count === 1 ? 'holds' : `all ${count} hold`;
  return `${failed} of ${count} ${failed === 1 ? 'does' : 'do'} not hold`;
}

function summary(reports: readonly CheckReport[]): string {
  const count = reports.reduce((sum, { expectations }) => sum + expectations.length, 0);
  const failed = failuresOf(reports);
  return `${counted(reports.length, 'scenario')}, ${counted(count, 'expectation')}: ${count === 0 ? 'nothing to hold' : tally(count, failed)}`;
}
