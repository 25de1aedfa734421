/** One HTML file that says what was asked, what came of it and how to do it again. It needs no network. */
import { nth } from '../../lists.js';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Drawing, Figure } from '../figures/kit/figure.js';
import { drawAll, figures } from '../figures/index.js';
import { namesIn } from '../figures/kit/names.js';
import type { Results } from '../figures/data/results.js';
import type { Sheet } from '../figures/kit/sheet.js';
import { escape } from '../figures/kit/svg.js';
import { sweepKeys } from '../figures/data/sweep-keys.js';
import { aboutOf, bindingOf, inShort } from './prose.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';
import { bindingOverCells, cellsOf, type SweepCell, sweepInShort } from './sweep.js';
import { timelinesOf } from './timelines.js';
import { conditionsOf, type Provenance } from '../files/provenance.js';
import { groupBy, type Row } from '../files/rows.js';
import { counted } from '../terminal/kit/text.js';
import { tableNotes } from '../terminal/runs-table-notes.js';
import { type RunsTable, runsTable } from '../terminal/runs-table.js';

/** A phone held upright, and anything wider; in CSS pixels, with text of the size of small print. */
const NARROW: Sheet = { width: 336, font: 10.5, columns: 1, mm: null, background: null };
const WIDE: Sheet = { width: 900, font: 12.5, columns: 2, mm: null, background: null };

/** Drawn for each strategy by itself. */
const OF_ONE = ['timeline', 'passes'];

export interface ReportInput {
  readonly results: Results;
  /** null: where the results come from is not known. */
  readonly provenance: Provenance | null;
  /** Shown when the provenance has no name. */
  readonly title: string;
}

/** The same input gives the same bytes. */
export function htmlReport({ results, provenance, title }: ReportInput): string {
  const name = provenance?.scenario.name ?? title;
  const keys = sweepKeys(results.runs);
  const cells = keys.length === 0 ? [] : cellsOf(results.runs, keys);
  const table = results.runs.length === 0 || cells.length > 0 ? null : runsTable(results.runs);
  const timelines = timelinesOf(results, namesIn(results));
  const several = table?.rows.some(({ runs }) => runs > 1) ?? false;
  const shared = figures.filter(
    (figure) => !OF_ONE.includes(figure.name) && (several || figure.name !== 'success'),
  );
  const body = [
    `<h1>${escape(name)}</h1>`,
    provenance === null ? '' : aboutSection(provenance),
    table === null ? '' : shortSection(inShort(table)),
    table === null ? '' : `<h2>Results</h2>\n${tableHtml(table)}`,
    cells.length === 0 ? '' : shortSection(sweepInShort(cells)),
    cells.length === 0 ? '' : cellsSection(cells),
    figuresSection(pairs(shared, results)),
    timelines.length === 0
      ? ''
      : timelineSection(
          timelines.map(({ label }) => label),
          results,
        ),
    table === null ? '' : bindingSection(results),
    cells.length === 0 ? '' : sweepBindingSection(results, cells),
    provenance === null ? '' : scenarioSection(provenance),
    provenance === null ? '' : repeatSection(provenance),
  ];
  return page(name, body.filter((part) => part !== '').join('\n'), timelines);
}

function page(title: string, body: string, timelines: readonly unknown[]): string {
  const zoom =
    timelines.length === 0
      ? ''
      : `${dataOf(timelines)}\n<script>${asset('uPlot.iife.min.js')}</script>\n<script>${SCRIPT}</script>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${escape(title)}</title>
<link rel="icon" href="data:,">
<style>${timelines.length === 0 ? '' : asset('uPlot.min.css')}${STYLE}</style>
</head>
<body>
${body}
${zoom === '' ? '' : licence()}${zoom}
</body>
</html>
`;
}

function aboutSection({ question, scenario }: Provenance): string {
  const asked = question === null ? [] : [{ word: 'Question', text: question }];
  const entries = [...asked, ...aboutOf(scenario.text)].map(
    ({ word, text }) => `<dt>${escape(word)}</dt><dd>${escape(text)}</dd>`,
  );
  return entries.length === 0 ? '' : `<dl>${entries.join('')}</dl>`;
}

function shortSection(sentences: readonly string[]): string {
  return `<h2>In short</h2>\n<ul>${sentences.map((one) => `<li>${escape(one)}</li>`).join('')}</ul>`;
}

function tableHtml(table: RunsTable): string {
  const labels = table.columns.map(({ label, unit }) => (unit === '' ? label : `${label} (${unit})`));
  const heads = ['Strategy', 'Converged', ...labels].map((label) => `<th scope="col">${escape(label)}</th>`);
  const rows = table.rows.map(({ name, converged, runs, cells }) => {
    const figures_ = cells.map((cell, index) => {
      const label = `data-label="${escape(nth(labels, index))}"`;
      if (cell === null) return `<td ${label}>–</td>`;
      const spread = cell.spread === null ? '' : ` <span class="spread">± ${cell.spread}</span>`;
      const text = `<span>${cell.bound ? '&gt;&nbsp;' : ''}${cell.mean}${spread}</span>`;
      return `<td ${label}${cell.best ? ' class="best"' : ''}>${text}</td>`;
    });
    const bad = converged < runs ? ' class="no"' : '';
    return `<tr><th scope="row">${escape(name.short)}</th><td data-label="Converged"${bad}>${converged} of ${runs}</td>${figures_.join('')}</tr>`;
  });
  const notes = tableNotes(table, 'green');
  return [
    `<table class="results"><thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`,
    ...notes.map((note) => `<p class="quiet">${escape(note)}</p>`),
  ].join('\n');
}

/** Cells of a sweep whose tables a page can carry. */
const MOST_CELLS = 60;

function cellsSection(cells: readonly SweepCell[]): string {
  const shown = cells
    .slice(0, MOST_CELLS)
    .map(
      ({ name, table }) =>
        `<details${cells.length === 1 ? ' open' : ''}><summary>${escape(name)}</summary>${tableHtml(table)}</details>`,
    );
  const others = cells.length - shown.length;
  const more =
    others > 0 ? [`<p class="quiet">And ${counted(others, 'cell')} more, in summary.csv.</p>`] : [];
  return ['<h2>Results</h2>', '<p class="quiet">A table for each cell.</p>', ...shown, ...more].join('\n');
}

/** A drawing for narrow and one for wide pages. */
interface Pair {
  readonly narrow: Drawing;
  readonly wide: Drawing;
}

function pairs(chosen: readonly Figure[], results: Results): Pair[] {
  const wide = drawAll(chosen, results, WIDE);
  const narrow = new Map(drawAll(chosen, results, NARROW).map((drawing) => [drawing.name, drawing]));
  return wide.map((drawing) => ({ wide: drawing, narrow: narrow.get(drawing.name) ?? drawing }));
}

function figuresSection(all: readonly Pair[]): string {
  return all.length === 0 ? '' : `<h2>Figures</h2>\n${all.map((pair) => figure(pair)).join('\n')}`;
}

function figure({ narrow, wide }: Pair, attribute = ''): string {
  return `<figure id="${escape(wide.name)}"${attribute}><div class="narrow">${narrow.svg}</div><div class="wide">${wide.svg}</div><figcaption>${escape(wide.caption)}</figcaption></figure>`;
}

function timelineSection(labels: readonly string[], results: Results): string {
  const options = labels.map((label) => `<option>${escape(label)}</option>`).join('');
  const buttons = [
    ['in', '+', 'Zoom in'],
    ['out', '−', 'Zoom out'],
    ['left', '←', 'Earlier'],
    ['right', '→', 'Later'],
    ['all', 'all', 'Show everything'],
  ].map(
    ([act, sign, title]) =>
      `<button type="button" data-act="${act}" title="${title}" aria-label="${title}">${sign}</button>`,
  );
  const printed = pairs(
    figures.filter(({ name }) => name === 'timeline'),
    results,
  );
  return [
    '<h2>Over time</h2>',
    '<div class="screen">',
    '<p class="quiet">Drag over a part to zoom in and double-click to see everything again, or use the buttons. Short ticks on top are bitmap syncs, dotted lines steps of a throttle or limit.</p>',
    `<div class="tools"><label class="quiet" for="run">Run</label><select id="run">${options}</select>${buttons.join('')}</div>`,
    '<div id="timeline"></div>',
    '</div>',
    `<div class="print">${printed.map((pair) => figure(pair)).join('\n')}</div>`,
  ].join('\n');
}

function bindingSection(results: Results): string {
  const names = namesIn(results);
  const drawings = pairs(
    figures.filter(({ name }) => name === 'passes'),
    results,
  );
  const articles = [...groupBy(results.runs, 'strategy')].map(([label, rows]) => {
    const name = names.of(label);
    const own = drawings.filter(({ wide }) => wide.name.endsWith(`passes-${name.slug}`));
    const passes = own.map(
      (pair) => `<details><summary>Pages of each pass</summary>${figure(pair)}</details>`,
    );
    return `<article><h3>${escape(label)}</h3><p>${sentences(rows)}</p>${passes.join('')}</article>`;
  });
  return `<h2>What binds each strategy</h2>\n${articles.join('\n')}`;
}

function sweepBindingSection({ runs }: Results, cells: readonly SweepCell[]): string {
  const articles = [...groupBy(runs, 'strategy').keys()].map(
    (label) =>
      `<article><h3>${escape(label)}</h3><p>${escape(bindingOverCells(label, cells).join(' '))}</p></article>`,
  );
  return `<h2>What binds each strategy</h2>\n${articles.join('\n')}`;
}

function sentences(rows: readonly Row[]): string {
  return escape(bindingOf(rows).join(' '));
}

function scenarioSection({ scenario, files, changes }: Provenance): string {
  const own = files.map(
    ({ path, text }) =>
      `<details><summary><code>${escape(path)}</code></summary><pre>${escape(text)}</pre></details>`,
  );
  const set = changes.map((change) => `<code>${escape(change)}</code>`).join(', ');
  const changed = set === '' ? '' : `<p>Changed for this: ${set}.</p>`;
  return `<h2>Scenario</h2>\n${changed}<pre>${escape(scenario.text.trimEnd())}</pre>${own.join('\n')}`;
}

function repeatSection(provenance: Provenance): string {
  const { migsim, node, command, scenario, choices } = provenance;
  const shell = command.map((word) =>
    /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`,
  );
  const options = choices.map(
    (one) => `<li><code>${escape(one.label)}</code>: ${escape(optionText(one.options))}</li>`,
  );
  const hash =
    scenario.sha256 === null
      ? ''
      : ` The scenario’s text has the SHA-256 <code>${escape(scenario.sha256)}</code>.`;
  return [
    '<h2>How to repeat it</h2>',
    `<pre>migsim ${escape(shell.join(' '))}</pre>`,
    `<p>migsim ${escape(migsim)} on Node.js ${escape(node)}, ${escape(conditionsOf(provenance))}. Same versions, scenario and command: same results to the last byte.${hash}</p>`,
    options.length === 0
      ? ''
      : `<details><summary>All options of the strategies and the policy</summary><ul>${options.join('')}</ul></details>`,
  ].join('\n');
}

function optionText(options: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(options);
  return entries.length === 0
    ? 'no options'
    : entries.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ');
}

function dataOf(timelines: readonly unknown[]): string {
  return `<script type="application/json" id="timelines">${JSON.stringify(timelines).replaceAll('<', '\\u003c')}</script>`;
}

/** uPlot's licence asks to go with it. */
function licence(): string {
  const text = readFileSync(createRequire(import.meta.url).resolve('uplot/LICENSE'), 'utf8');
  return `<!-- uPlot, https://github.com/leeoniya/uPlot\n\n${text.replaceAll('--', '- -')}-->\n`;
}

function asset(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8');
}
