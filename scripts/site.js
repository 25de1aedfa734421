// The page and the docs as a static site, in site/ or the folder that is named: npm run site
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, copyFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import MarkdownIt from 'markdown-it';
import { playPage } from '../dist/cli/play-page.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const OUT = path.resolve(process.argv[2] ?? path.join(ROOT, 'site'));
const { homepage } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
/** Where files are that the site does not have. */
const SOURCE = `${homepage.replace(/#.*$/, '')}/blob/main`;

const DOCS = readdirSync(path.join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
const PAGES = ['README.md', 'CONTRIBUTING.md', ...DOCS.map((file) => `docs/${file}`)];

const STYLE = `
:root { color-scheme: light dark; --page: #ffffff; --ink: #1a1a1a; --quiet: #5b5b5b; --line: #d5d5d5; --raised: #f6f6f4; --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --page: #15171a; --ink: #e8e6e3; --quiet: #a5a29d; --line: #3a3d42; --raised: #1e2125; --accent: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1rem 3rem; max-width: 56rem; overflow-wrap: break-word; background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; font-size: 0.875rem; padding-bottom: 0.75rem; border-bottom: 1px solid var(--line); }
a { color: var(--accent); }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.25rem; }
img { max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 6px; }
code { font: 0.875em ui-monospace, 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere; }
pre { padding: 0.75rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
pre code { font-size: 0.8125rem; line-height: 1.45; overflow-wrap: normal; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); }
`;

/** `docs/csv.md` -> `docs/csv.html`. */
function targetOf(page) {
  return page === 'README.md' ? 'readme.html' : page.toLowerCase().replace(/\.md$/, '.html');
}

/** As GitHub makes the names of headings. */
function slugOf(text) {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

/** The address on the site of what a page links to; files that the site does not have are in the repository. */
function linkFrom(page, href) {
  if (/^[a-z]+:|^#/.test(href)) return href;
  const [file, anchor = ''] = href.split('#');
  const meant = path.posix.normalize(path.posix.join(path.posix.dirname(page), file));
  const hash = anchor === '' ? '' : `#${anchor}`;
  const copied = /\.png$/.test(meant);
  if (!copied && !PAGES.includes(meant)) return `${SOURCE}/${meant}`;
  return path.posix.relative(path.posix.dirname(targetOf(page)), copied ? meant : targetOf(meant)) + hash;
}

/** The title and the HTML of a page. HTML within Markdown stays text: comments, which mark what is generated, are left out. */
function render(page) {
  const markdown = new MarkdownIt({ html: false, linkify: false });
  const slugs = new Map();
  const rules = markdown.renderer.rules;
  rules.heading_open = (tokens, index) => {
    const slug = slugOf(tokens[index + 1].children.map(({ content }) => content).join(''));
    const times = slugs.get(slug) ?? 0;
    slugs.set(slug, times + 1);
    return `<${tokens[index].tag} id="${times === 0 ? slug : `${slug}-${times}`}">`;
  };
  rules.table_open = () => '<div class="table" tabindex="0"><table>';
  rules.table_close = () => '</table></div>';
  const own = markdown.renderer.renderToken.bind(markdown.renderer);
  rules.link_open = (tokens, index, options) => {
    tokens[index].attrSet('href', linkFrom(page, tokens[index].attrGet('href')));
    return own(tokens, index, options);
  };
  const image = rules.image;
  rules.image = (tokens, index, ...rest) => {
    tokens[index].attrSet('src', linkFrom(page, tokens[index].attrGet('src')));
    return image(tokens, index, ...rest);
  };
  const text = readFileSync(path.join(ROOT, page), 'utf8').replaceAll(/^<!--.*?-->\n/gms, '');
  const [, title = page] = /^# (.+)$/m.exec(text) ?? [];
  return { title: title.replaceAll('`', ''), body: markdown.render(text) };
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** `up`: from the page to the root of the site. */
function documentOf({ title, body }, up) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src 'self' data:">
<title>${escaped(title)} – migsim</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<nav><a href="${up}index.html">Wind tunnel</a> <a href="${up}readme.html">About</a> <a href="${up}docs/index.html">Documentation</a></nav>
<main>
${body}</main>
</body>
</html>
`;
}

/** All pages of the documentation, by their titles. */
function contents() {
  const items = DOCS.map((file) => {
    const { title } = render(`docs/${file}`);
    return `<li><a href="${file.replace(/\.md$/, '.html')}">${escaped(title)}</a></li>\n`;
  });
  const body = `<h1>Documentation</h1>\n<ul>\n${items.join('')}</ul>\n<p><a href="../contributing.html">Contributing</a></p>\n`;
  return documentOf({ title: 'Documentation', body }, '../');
}

// What is in a folder that was named may be someone else's.
if (process.argv[2] === undefined) rmSync(OUT, { recursive: true, force: true });
mkdirSync(path.join(OUT, 'docs'), { recursive: true });
const links = [
  ['readme.html', 'About'],
  ['docs/index.html', 'Documentation'],
];
writeFileSync(path.join(OUT, 'index.html'), playPage(null, links));
writeFileSync(path.join(OUT, 'docs/index.html'), contents());
for (const page of PAGES) {
  const html = documentOf(render(page), page.startsWith('docs/') ? '../' : '');
  writeFileSync(path.join(OUT, targetOf(page)), html);
}
for (const file of readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.png')))
  copyFileSync(path.join(ROOT, 'docs', file), path.join(OUT, 'docs', file));
console.log(`Written: ${path.relative('', OUT) || '.'}: ${PAGES.length + 2} pages`);
