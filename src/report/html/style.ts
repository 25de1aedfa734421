/** How the report looks: on a phone, on a desk, in print, in daylight and at night. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1a1a1a; --quiet: #5b5b5b; --line: #d5d5d5; --raised: #f6f6f4; --accent: #0072b2; --good: #00664b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --ink: #e8e6e3; --quiet: #a5a29d; --line: #3a3d42; --raised: #1e2125; --accent: #56b4e9; --good: #3fc79a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1rem 0.75rem 3rem; max-width: 62rem; overflow-wrap: break-word;
  background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.5rem 0 0.75rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 0.25rem; }
p, ul, dl { margin: 0.5rem 0; max-width: 46rem; }
ul { padding-left: 1.2rem; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem; }
.quiet, figcaption { color: var(--quiet); font-size: 0.875rem; }
figure { margin: 1.5rem 0; }
figcaption { margin-top: 0.35rem; max-width: 46rem; }
figure svg { display: block; height: auto; max-width: 100%; color: var(--ink); }
.narrow { max-width: 30rem; }
.wide { display: none; }
pre {
  margin: 0.5rem 0; padding: 0.75rem; background: var(--raised); border: 1px solid var(--line); border-radius: 4px;
  font: 0.8125rem/1.45 ui-monospace, 'DejaVu Sans Mono', monospace; white-space: pre-wrap; overflow-wrap: anywhere;
}
code { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 0.9em; overflow-wrap: anywhere; }
summary { cursor: pointer; padding: 0.2rem 0; }
.results { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.results th, .results td {
  text-align: right; padding: 0.3rem 0.4rem; border-bottom: 1px solid var(--line); vertical-align: baseline;
}
.results th:first-child { text-align: left; padding-left: 0; }
.results thead th { vertical-align: bottom; }
.results tbody th { min-width: 7.5rem; }
.results .spread { display: inline-block; }
.best { color: var(--good); font-weight: 700; }
.spread { color: var(--quiet); }
.no { color: #b3261e; }
@media (prefers-color-scheme: dark) { .no { color: #ff8a80; } }
.tools { display: flex; flex-wrap: wrap; gap: 0.4rem; margin: 0.5rem 0; align-items: center; }
.tools button, .tools select {
  font: inherit; font-size: 0.875rem; min-height: 2.25rem; min-width: 2.25rem; max-width: 100%; padding: 0.2rem 0.6rem;
  color: var(--ink); background: var(--raised); border: 1px solid var(--line); border-radius: 4px;
}
.panel { margin-top: 0.5rem; }
.panel .u-title { font-size: 0.875rem; font-weight: 600; text-align: left; padding-left: 0.25rem; }
.panel .u-legend { font-size: 0.8125rem; text-align: left; margin: 0; padding-left: 2.5rem; }
.panel .u-legend .u-value { min-width: 4.5em; display: inline-block; text-align: left; }
.print { display: none; }
@media (min-width: 46rem) {
  .narrow { display: none; }
  .wide { display: block; }
}
@media screen and (max-width: 61.99rem) {
  .results, .results tbody, .results tr, .results td, .results tbody th { display: block; }
  .results thead { display: none; }
  .results tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); max-width: 30rem; }
  .results tbody th, .results td { border: 0; padding: 0.1rem 0; text-align: left; }
  .results td { display: flex; justify-content: space-between; gap: 1rem; }
  .results td::before { content: attr(data-label); color: var(--quiet); font-weight: 400; }
}
@media print {
  :root { --page: #fff; --ink: #000; --quiet: #444; --line: #bbb; --raised: #fff; --good: #00664b; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .screen { display: none; }
  .print { display: block; }
  .narrow { display: none; }
  .wide { display: block; }
  .results { font-size: 7.5pt; }
  .results th, .results td { padding: 0.2rem; }
  .results tbody th { min-width: 5.5rem; }
  figure, article, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
