/** What changed between two outcomes, in words. */
import { type Unit, type Value, show } from '../../experiment/expect/measure.js';
import type { OutcomeChange, ValueChange } from '../../experiment/outcomes.js';
import { type ParameterChange, showParameter } from '../../experiment/parameters.js';
import { labelOf } from '../column.js';
import { runColumns } from '../columns/runs.js';

/** More changed parameters than this make another scenario: the list ends there. */
const MOST_PARAMETERS = 12;

/** `total time rose from 24.8 s to 30.1 s (+21.4 %)`. */
export function valueText({ measure, before, after }: ValueChange): string {
  const column = runColumns.find(({ name }) => name === measure.name) ?? measure;
  const label = labelOf(column);
  const [was, is] = shownApart(measure.unit, before, after);
  if (measure.name === 'converged') return after === true ? 'converges now' : 'no longer converges';
  if (before === null) return `${label} is ${is}, was nothing`;
  if (after === null) return `${label} is nothing, was ${was}`;
  if (typeof before !== 'number' || typeof after !== 'number') return `${label} is ${is}, was ${was}`;
  return `${label} ${after > before ? 'rose' : 'fell'} from ${was} to ${is}${ratio(before, after, measure.unit)}`;
}

const EXACT_UNITS: Readonly<Partial<Record<Unit, string>>> = {
  ms: ' ms',
  us: ' us',
  bytes: ' B',
  'bytes/s': ' B/s',
  'pages/s': '/s',
  percent: ' %',
};

/** Both as people read them, with all their digits where they would look the same. */
export function shownApart(unit: Unit, before: Value, after: Value): [string, string] {
  const [was, is] = [show(unit, before), show(unit, after)];
  if (was !== is || before === after) return [was, is];
  const exact = (value: Value): string => `${String(value)}${EXACT_UNITS[unit] ?? ''}`;
  return [exact(before), exact(after)];
}

function ratio(before: number, after: number, unit: Unit): string {
  if (before === 0 || unit === 'percent' || unit === 'share') return '';
  if (after / before >= 20) return ` (${Number((after / before).toPrecision(2))} times as much)`;
  const percent = ((after - before) / before) * 100;
  return ` (${percent > 0 ? '+' : ''}${Number(percent.toPrecision(3))} %)`;
}

/** `auto-converge`, with the run where there are several. */
export function changeText(change: OutcomeChange, runs: number): string {
  const who = runs === 1 ? change.strategy : `${change.strategy}, run ${change.run}`;
  if (change.what === 'changed') return `${who}: ${change.values.map(valueText).join('; ')}`;
  return `${who}: ${change.what === 'new' ? 'is new' : 'is gone'}`;
}

/** What a scenario file calls it, where that is another word. */
function asWritten(name: string): string {
  return name
    .replace(/\.classes\.\d+\.writesPerSecond$/, '.workload.write')
    .replace(/\.classes\.\d+\.readsPerSecond$/, '.workload.read')
    .replace(/\.classes\.\d+\.pages$/, '.workload.working-set')
    .replace(/^guest\.ramPages$/, 'guest.memory')
    .replace(/^migration\.(\w+?)(?:Ms|Us|Bytes)?$/, (_, word: string) => `migration.${kebab(word)}`)
    .replace(/^guest\.(\w+)$/, (_, word: string) => `guest.${kebab(word)}`);
}

function kebab(word: string): string {
  return word.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** One line a parameter: `migration.downtime-limit: 300 ms, now 200 ms`. */
export function parameterLines(changes: readonly ParameterChange[]): string[] {
  const lines = changes.slice(0, MOST_PARAMETERS).map(({ name, before, after }) => {
    const was = showParameter(name, before);
    const is = showParameter(name, after);
    const exact = was === is;
    return `${asWritten(name)}: ${exact ? String(before) : was}, now ${exact ? String(after) : is}`;
  });
  const others = changes.length - lines.length;
  return others > 0 ? [...lines, `and ${others} more`] : lines;
}
