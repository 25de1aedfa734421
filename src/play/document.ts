/** The page as one HTML file: no server, no network, and a policy that lets nothing else in. */
import { escape } from '../report/figures/kit/marks.js';
import type { KeyTable } from './inputs.js';
import type { PlayState } from './state.js';

/** A scenario to start from. */
export interface Preset {
  readonly file: string;
  readonly name: string;
  /** Which heading of the list it stands under. */
  readonly group: string;
  /** One sentence. */
  readonly lookFor: string;
  readonly text: string;
}

/** What the page is started with, apart from its program. */
export interface PageData {
  readonly presets: readonly Preset[];
  readonly keys: KeyTable;
  /** What it shows at first, where its address has no state. */
  readonly start: PlayState;
  /** Of migsim. */
  readonly version: string;
}

/** What the bundler made. */
export interface Bundle {
  readonly script: string;
  readonly style: string;
  /** Of the libraries in it. */
  readonly licences: string;
}

/** Of a text that stands within `script` or `style`: SHA-256, base64. */
export type Hash = (text: string) => string;

/** `links`: of a site that the page is part of. The same input gives the same bytes. */
export function playDocument(
  data: PageData,
  { script, style, licences }: Bundle,
  hash: Hash,
  links: readonly (readonly [href: string, words: string])[] = [],
): string {
  const program = inScript(script);
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${hash(program)}'`,
    `style-src 'sha256-${hash(style)}'`,
    'worker-src blob:',
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const nav = links.map(([href, words]) => `<a href="${escape(href)}">${escape(words)}</a>`).join(' ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>migsim: a wind tunnel for live migration</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<!--
${licences.replaceAll('--', '- -')}
-->
${BODY.replace('<nav></nav>', nav === '' ? '' : `<nav>${nav}</nav>`)}
<script type="application/json" id="data">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>
<script id="program">${program}</script>
</body>
</html>
`;
}

/** A program cannot hold what would end its element, or what would open a comment in it. */
function inScript(program: string): string {
  return program.replaceAll(/<(?=\/script|!--|script)/gi, '\\x3c');
}

const BODY = `<a class="skip" href="#verdicts">Skip to the results</a>
<header>
<h1>migsim <small>a wind tunnel for live migration</small></h1>
<nav></nav>
<div class="start">
<label for="preset">Start from</label> <select id="preset"></select>
<p id="look-for"></p>
</div>
</header>
<section id="outcome" aria-label="Which strategies converge">
<p id="wrong" role="alert" hidden></p>
<ul id="verdicts" tabindex="0"></ul>
<p id="status" role="status" class="quiet"></p>
</section>
<div class="columns">
<form id="controls-form" aria-label="The migration">
<div id="drop" class="drop"><label for="files">Drop a migration log or a scenario here, or <span class="link">choose files</span></label><input id="files" type="file" multiple></div>
<div id="learned" role="status"></div>
<div id="controls"></div>
<details class="section"><summary>Simulation</summary><div class="fields">
<div class="field flag"><label for="exact">Page memory: draws each write, takes longer</label><input id="exact" type="checkbox"></div>
<div class="field"><label for="runs">Drawn runs for the bands</label><input id="runs" type="number" min="0" max="100" step="1"></div>
<div class="field"><label for="seed">Seed</label><input id="seed" type="number" min="0" max="4294967295" step="1"></div>
</div></details>
</form>
<main>
<section aria-labelledby="time-title">
<h2 id="time-title">Over time</h2>
<div class="tools" role="group" aria-label="Time shown">
<button type="button" data-act="in" aria-label="Zoom in">+</button>
<button type="button" data-act="out" aria-label="Zoom out">−</button>
<button type="button" data-act="left" aria-label="Earlier">←</button>
<button type="button" data-act="right" aria-label="Later">→</button>
<button type="button" data-act="all">all</button>
</div>
<div id="timeline"></div>
<div id="readout"></div>
<div id="decisions"></div>
</section>
<section aria-labelledby="table-title">
<h2 id="table-title">Comparison</h2>
<div class="tools" role="group" aria-label="Runs in the table">
<button type="button" id="one-run" aria-pressed="true">one run at the median</button>
<button type="button" id="many-runs" aria-pressed="false" disabled>drawn runs</button>
</div>
<div id="table"></div>
</section>
<section aria-labelledby="why-title"><h2 id="why-title">Where it stalls, and why</h2><div id="why"></div></section>
<section aria-labelledby="work-title"><h2 id="work-title">Work of each vCPU</h2>
<p class="quiet">A bar per vCPU, full height: the work of a run without migration. Vermilion vCPUs write, blue ones only read.</p>
<div id="work"></div></section>
<section aria-labelledby="map-title"><h2 id="map-title">Convergence map</h2>
<p class="quiet">Where each strategy ends for pairs of two inputs. Select a cell to take its values over.</p>
<div class="tools"><label for="map-x">Across</label><select id="map-x"></select><label for="map-y">Up</label><select id="map-y"></select><progress id="map-progress" max="1" value="0" aria-label="Cells of the map that have run"></progress></div>
<div id="map"></div>
<p id="map-readout" role="status" class="quiet"></p>
<div id="map-key"></div></section>
<section aria-labelledby="take-title"><h2 id="take-title">To take away</h2>
<div class="tools">
<button type="button" id="copy-link">Copy link</button>
<button type="button" id="copy-command">Copy command</button>
<button type="button" id="save-yaml">Scenario (YAML)</button>
<button type="button" id="save-svg">Timeline (SVG)</button>
<button type="button" id="save-png">Timeline (PNG)</button>
<label for="csv">CSV</label><select id="csv"></select><button type="button" id="save-csv">Save CSV</button>
</div>
<p id="taken" role="status" class="quiet"></p>
<pre id="command" tabindex="0" aria-label="Command line"></pre>
<details class="section"><summary>The scenario as a file</summary><div class="fields"><label for="yaml" class="quiet">Edit it here; the controls follow.</label><textarea id="yaml" spellcheck="false" rows="24"></textarea></div></details>
</section>
</main>
</div>
<footer class="quiet"><p>The engine of migsim <span id="version"></span> runs in this page, by QEMU’s own rules. Nothing leaves it.</p></footer>`;
