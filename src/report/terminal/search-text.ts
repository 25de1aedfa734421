/** The answer of `migsim search`, and the curve around it. */
import { lastOf, nth } from '../../lists.js';
import { show, type Unit, type Value } from '../../experiment/expect/measure.js';
import type { SearchPoint } from '../../experiment/search/point.js';
import type { SearchResult } from '../../experiment/search/search.js';
import { type MigrationResult, workDoneOf } from '../../migration/result.js';
import { smallest } from '../../stats/extremes.js';
import { median } from '../../stats/summary.js';
import { grid } from './kit/grid.js';
import type { Page } from './kit/style.js';
import { counted, wrap, wrapHyphens } from './kit/text.js';

/** The curve has this many rows at most. */
const ROWS = 13;

export function searchText(result: SearchResult, page: Page): string {
  return [heading(result, page), '', curve(result, page), '', ...answerLines(result, page)].join('\n');
}

function heading({ find, key, where, strategy, memory, runs, seed }: SearchResult, page: Page): string {
  const lines = [
    `${find} ${key}, where ${where}`,
    `strategy ${strategy}, ${memory} memory, seed ${seed}, ${counted(runs, 'run')} at each value`,
  ];
  return lines.flatMap((line) => wrap(line, page.width, '  ')).join('\n');
}

function answerLines(result: SearchResult, { width, style }: Page): string[] {
  const { answer, notes } = result;
  const words = answer === null ? style.bad(noAnswer(result)) : answerWords(result, answer);
  return [words, ...notes].flatMap((text) => wrap(text, width, '  '));
}

function noAnswer({ points, runs }: SearchResult): string {
  const nearest = points.reduce((a, b) => (b.share.estimate > a.share.estimate ? b : a));
  const [first, last] = [nth(points, 0).text, lastOf(points).text];
  const most = `${count(nearest)} of ${counted(runs, 'run')} at ${nearest.text}`;
  return `No value from ${first} to ${last} will do: at most ${most}`;
}

function answerWords(result: SearchResult, answer: SearchPoint): string {
  const { find, key, beyond, band, runs } = result;
  const { low, high } = answer.share;
  const sure = `${count(answer)} of ${counted(runs, 'run')} (${percent(low)}-${percent(high)} % of such guests)`;
  const parts = [
    `${find === 'best' ? 'Best' : find === 'smallest' ? 'Smallest' : 'Largest'} ${key}: ${answer.text}. It holds in ${sure}`,
  ];
  if (beyond !== null) parts.push(`At ${beyond.text} it holds in ${count(beyond)}`);
  else if (find !== 'best') parts.push('The key takes no value beyond it that was tried');
  if (band !== null && band[0] !== band[1])
    parts.push(`Single runs begin to hold at ${band[0]} to ${band[1]}`);
  return `${parts.join('. ')}.`;
}

function count({ good }: SearchPoint): string {
  return String(good.filter(Boolean).length);
}

function percent(share: number): string {
  return String(Math.round(share * 100));
}

interface CurveColumn {
  readonly head: string;
  readonly unit: Unit;
  get(result: MigrationResult): Value;
}

const COLUMNS: readonly CurveColumn[] = [
  { head: 'total\ntime', unit: 'ms', get: ({ totalTimeMs }) => totalTimeMs },
  { head: 'downtime\n(QEMU)', unit: 'ms', get: ({ downtimeMs }) => downtimeMs },
  {
    head: 'in post-\ncopy',
    unit: 'ms',
    get: ({ postcopyTimeMs }) => (postcopyTimeMs > 0 ? postcopyTimeMs : null),
  },
  { head: '\nsent', unit: 'bytes', get: ({ sentBytes }) => sentBytes },
  { head: 'work by\nwriters', unit: 'share', get: (result) => workDoneOf(result, 'writers') },
  { head: 'work by\nreaders', unit: 'share', get: (result) => workDoneOf(result, 'readers') },
];

/** Medians over the runs; those of time and downtime over the runs that converged. */
function curve({ points, answer, key }: SearchResult, { style }: Page): string {
  const name = key.slice(key.lastIndexOf('.') + 1);
  const shown = around(points, answer);
  const columns = COLUMNS.filter(({ get }) =>
    shown.some(({ results }) => results.some((result) => get(result) !== null)),
  );
  const rows = shown.map((point) => {
    const mark = point === answer ? '<' : '';
    const done = point.results.filter(({ converged }) => converged);
    const cells = columns.map(({ unit, get }) => {
      const values = done.map(get).filter((value) => typeof value === 'number');
      return values.length === 0 ? '-' : show(unit, median(values));
    });
    const row = [point.text, `${count(point)}/${point.good.length}`, ...cells, mark];
    return point === answer ? row.map((cell) => style.strong(cell)) : row;
  });
  const heads = [headOf(name), '\nholds', ...columns.map(({ head }) => head), ''];
  return grid(
    heads.map((head, at) => ({
      head,
      align: at === heads.length - 1 ? ('left' as const) : ('right' as const),
    })),
    rows,
  );
}

/** On the line above the rule, as other headings are. */
function headOf(name: string): string {
  const lines = wrapHyphens(name, 14);
  return lines.length === 1 ? `\n${name}` : lines.join('\n');
}

/** Those nearest to the answer, and others as evenly as there are over the whole range. */
function around(points: readonly SearchPoint[], answer: SearchPoint | null): readonly SearchPoint[] {
  if (points.length <= ROWS) return points;
  const at = answer === null ? -1 : points.indexOf(answer);
  const chosen = new Set<SearchPoint>(at < 0 ? [] : points.slice(Math.max(0, at - 1), at + 2));
  chosen.add(nth(points, 0)).add(lastOf(points));
  // Each time the one that is farthest, by its factor, from those that are shown already.
  while (chosen.size < ROWS) {
    const distance = (point: SearchPoint): number => smallest([...chosen].map((one) => apart(one, point)));
    chosen.add(points.reduce((a, b) => (distance(b) > distance(a) ? b : a)));
  }
  return points.filter((point) => chosen.has(point));
}

function apart(a: SearchPoint, b: SearchPoint): number {
  return Math.abs(Math.log((a.value + 1) / (b.value + 1)));
}
