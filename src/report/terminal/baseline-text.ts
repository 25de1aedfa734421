/** What became of a baseline, for people. */
import type { BaselineManifest } from '../../experiment/baseline.js';
import type { OutcomeChange } from '../../experiment/outcomes.js';
import { type ParameterChange, changedParameters } from '../../experiment/parameters.js';
import { changeText, parameterLines } from './change-text.js';
import { type Page, plainPage } from './kit/style.js';
import { counted, wrap } from './kit/text.js';

/** A block a scenario of which an outcome or a parameter changed, and a last line that counts. */
export function baselineText(
  before: BaselineManifest,
  after: BaselineManifest,
  changes: readonly OutcomeChange[],
  page: Page = plainPage,
): string {
  const names = [...new Set([...after.scenarios, ...before.scenarios].map(({ name }) => name))];
  const blocks = names.flatMap((name) => {
    const found = changes.filter(({ scenario }) => scenario === name);
    const [then, now] = [before, after].map(({ scenarios }) => scenarios.find((one) => one.name === name));
    const parameters =
      then === undefined || now === undefined ? null : changedParameters(then.parameters, now.parameters);
    return found.length === 0 && (parameters ?? []).length === 0
      ? []
      : [block(name, found, parameters, [before, after], page)];
  });
  return [...blocks, summary(changes, names.length)].join('\n\n');
}

function block(
  name: string,
  changes: readonly OutcomeChange[],
  parameters: readonly ParameterChange[] | null,
  [before, after]: readonly [BaselineManifest, BaselineManifest],
  { width, style }: Page,
): string {
  const told = changes.flatMap((change) =>
    wrap(changeText(change, after.runs), width - 2, '  ').map((line) => `  ${line}`),
  );
  if (changes.length === 0) told.push('  outcomes are the same');
  const others = parameters?.filter((parameter) => !isOfWhole(parameter, changes)) ?? null;
  const allWhole = changes.length > 0 && changes.every(({ what }) => what !== 'changed');
  const causes = allWhole && others?.length === 0 ? [] : since(others, before, after);
  return [style.strong(name), ...told, ...causes].join('\n');
}

/** An option of a strategy that is new or gone as a whole, which has been said. */
function isOfWhole({ name }: ParameterChange, changes: readonly OutcomeChange[]): boolean {
  const whole = changes.filter(({ what }) => what !== 'changed');
  return whole.some(({ strategy }) => name.startsWith(`strategies.${strategy}.`));
}

function since(
  parameters: readonly ParameterChange[] | null,
  before: BaselineManifest,
  after: BaselineManifest,
): string[] {
  if (parameters === null) return [];
  if (parameters.length > 0)
    return ['  parameters that differ:', ...parameterLines(parameters).map((line) => `    ${line}`)];
  const who = ({ migsim, node }: BaselineManifest): string => `migsim ${migsim} under Node.js ${node}`;
  if (who(before) === who(after)) return ['  no parameter differs, so the rules of migsim do'];
  return [
    '  no parameter differs, so the rules of migsim or the arithmetic of Node.js do:',
    `    ${who(before)}, now ${who(after)}`,
  ];
}

function summary(changes: readonly OutcomeChange[], count: number): string {
  const all = counted(count, 'scenario');
  if (changes.length === 0) return `${all}: nothing changed`;
  const strategies = new Set(changes.map(({ scenario, strategy }) => JSON.stringify([scenario, strategy])));
  const touched = new Set(changes.map(({ scenario }) => scenario));
  const many = strategies.size === 1 ? 'strategy has' : 'strategies have';
  return `${all}: ${strategies.size} ${many} another outcome, in ${counted(touched.size, 'scenario')}`;
}
