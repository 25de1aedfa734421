/** Pages that are made from the program itself: docs/csv.md, and what README.md shows of it. `npm run docs` writes them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from '../experiment/compare.js';
import { csvPage } from '../report/csv-page.js';
import { comparisonTable } from '../report/table.js';
import { loadScenario } from '../scenario/load.js';
import { strategies } from '../strategies/index.js';

/** Path below `root` to what should stand there. */
export function pages(root: string): Map<string, string> {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const filled = fill(fill(readme, 'npm start', shownTable(root)), 'strategies', strategyList());
  return new Map([
    ['docs/csv.md', csvPage()],
    ['README.md', filled],
  ]);
}

export function writePages(root: string): void {
  for (const [path, text] of pages(root)) writeFileSync(join(root, path), text);
}

/** Replaces what stands between `<!-- name -->` and `<!-- end -->`. */
function fill(text: string, name: string, content: string): string {
  const start = `<!-- ${name} -->\n`;
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf('<!-- end -->', from);
  if (from < start.length || to < 0) throw new Error(`README.md has no place for ${name}`);
  return `${text.slice(0, from)}\n${content}\n\n${text.slice(to)}`;
}

function shownTable(root: string): string {
  const scenario = loadScenario(join(root, 'scenarios/readers-and-writers.yaml'));
  return ['```text', comparisonTable(compare(scenario, { keep: 'scalars' })), '```'].join('\n');
}

function strategyList(): string {
  return Object.values(strategies)
    .map(({ name, summary }) => `- [${name}](src/strategies/${name}.ts): ${summary}`)
    .join('\n');
}
