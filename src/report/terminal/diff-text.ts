/** Compares two results in words: parameters first, then outcomes, then where they part. */
import { nth } from '../../lists.js';
import { parametersOfManifest } from '../../experiment/diff.js';
import { type Outcome, outcomeChanges } from '../../experiment/outcomes.js';
import { type ParameterChange, type Parameters, changedParameters } from '../../experiment/parameters.js';
import { changeText, parameterLines, shownApart } from './change-text.js';
import { labelOf } from '../column.js';
import { runColumns } from '../columns/runs.js';
import { syncColumns } from '../columns/syncs.js';
import { outcomeColumns } from '../files/outcome-csv.js';
import { type DiffSide, type SyncRow, syncsOf } from './diff-side.js';
import { type Page, plainPage } from './kit/style.js';
import { wrap } from './kit/text.js';

/** Ends without a line break. */
export function diffText(first: DiffSide, second: DiffSide, page: Page = plainPage): string {
  const parts = [
    page.style.strong(`${first.text} -> ${second.text}`),
    parameters(first, second),
    outcomes(first, second, page),
    parting(first, second, page),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function parameters(first: DiffSide, second: DiffSide): string {
  // Strategies of different names are compared by their options only when each side is one strategy.
  const single = strategyOf(first) !== null && strategyOf(second) !== null;
  const parametersOf = (side: DiffSide): Parameters =>
    parametersOfManifest(side.manifest, single ? strategyOf(side) : null);
  const changes = changedParameters(parametersOf(first), parametersOf(second));
  const lines = parameterLines(withoutOptionsOfOthers(changes));
  if (lines.length === 0) return 'No parameter differs.';
  return ['Parameters that differ:', ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Where the strategies differ, the options of either are no news. */
function withoutOptionsOfOthers(changes: readonly ParameterChange[]): ParameterChange[] {
  const others = changes.some(({ name }) => name === 'strategy.name');
  return changes.filter(({ name }) => !others || name === 'strategy.name' || !name.startsWith('strategy.'));
}

function strategyOf({ strategy, outcomes: all }: DiffSide): string | null {
  const labels = new Set(all.map((outcome) => outcome.strategy));
  return strategy ?? (labels.size === 1 ? nth(all, 0).strategy : null);
}

function outcomes(first: DiffSide, second: DiffSide, { width }: Page): string {
  const [before, after] = comparable(first, second);
  const runs = new Set([...before, ...after].map(({ run }) => run)).size;
  const changes = outcomeChanges(before, after, outcomeColumns, {});
  if (changes.length === 0) return sameOutcomes(before, after);
  const lines = changes.flatMap((change) => wrap(changeText(change, runs), width - 2, '  '));
  return ['Outcomes that differ:', ...lines.map((line) => `  ${line}`)].join('\n');
}

function sameOutcomes(before: readonly Outcome[], after: readonly Outcome[]): string {
  const values = outcomeChanges(before, after, runColumns, {}).flatMap((change) => change.values);
  if (values.length === 0) return 'Outcomes are the same, to the last digit.';
  const names = [...new Set(values.map(({ measure }) => measure.name))];
  return `Outcomes are the same; other columns of runs.csv differ: ${names.join(', ')}.`;
}

/** Scenarios may have other names, and so may strategies and runs that were chosen to be compared. */
function comparable(first: DiffSide, second: DiffSide): [Outcome[], Outcome[]] {
  const [one, other] = [strategyOf(first), strategyOf(second)];
  const strategy = one === null || other === null || one === other ? null : `${one} -> ${other}`;
  const alone = first.outcomes.length === 1 && second.outcomes.length === 1;
  const renamed = ({ outcomes: all }: DiffSide): Outcome[] =>
    all.map((outcome) => ({
      ...outcome,
      scenario: '',
      strategy: strategy ?? outcome.strategy,
      run: alone ? 1 : outcome.run,
    }));
  return [renamed(first), renamed(second)];
}

/** The first bitmap sync that differs, of two single runs. */
function parting(first: DiffSide, second: DiffSide, { width }: Page): string {
  const [[one, ...others], [other, ...more]] = [first.outcomes, second.outcomes];
  if (one === undefined || other === undefined || others.length + more.length > 0) return '';
  const [before, after] = [syncsOf(first, one), syncsOf(second, other)];
  const longer = Math.max(before.length, after.length);
  for (let index = 0; index < longer; index++) {
    const text = syncText(index + 1, before[index], after[index]);
    if (text !== null) return wrap(text, width, '  ').join('\n');
  }
  return '';
}

function syncText(sync: number, before: SyncRow | undefined, after: SyncRow | undefined): string | null {
  if (before === undefined || after === undefined)
    return `The ${before === undefined ? 'first' : 'second'} has no bitmap sync ${sync}; up to there they are the same.`;
  const different = syncColumns.filter(({ name }) => before[name] !== after[name]);
  if (different.length === 0) return null;
  const values = different.map((column) => {
    const pair = shownApart(column.unit, before[column.name] ?? null, after[column.name] ?? null);
    return `${labelOf(column)} ${pair.join(' and ')}`;
  });
  return `They part at bitmap sync ${sync}: ${values.join('; ')}.`;
}
