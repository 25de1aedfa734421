// Bundles the page of `migsim play` into dist/play/page: its program, its style and the licences of what is in them.
// Does nothing where no source of the last bundle has changed. esbuild is loaded only when there is something to do.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(import.meta.dirname, '..');
const OUT = path.join(ROOT, 'dist/play/page');
const STAMPS = path.join(OUT, 'stamps.json');
const OWN = fileURLToPath(import.meta.url);

/** Path, size and time of each file; null where one is gone. */
function stampsOf(files) {
  try {
    return files.map((file) => {
      const { size, mtimeMs } = statSync(path.join(ROOT, file));
      return [file, size, mtimeMs];
    });
  } catch {
    return null;
  }
}

function isFresh() {
  try {
    const stamps = JSON.parse(readFileSync(STAMPS, 'utf8'));
    return JSON.stringify(stampsOf(stamps.map(([file]) => file))) === JSON.stringify(stamps);
  } catch {
    return false;
  }
}

/** What needs nothing of Node, in place of what does; and of zod's many languages only English, which it speaks by itself. */
const forBrowsers = {
  name: 'for-browsers',
  setup(build) {
    build.onResolve({ filter: /^csv-stringify\/sync$/ }, ({ resolveDir }) =>
      build.resolve('csv-stringify/browser/esm/sync', { resolveDir, kind: 'import-statement' }),
    );
    build.onResolve({ filter: /^csv-parse\/sync$/ }, ({ resolveDir }) =>
      build.resolve('csv-parse/browser/esm/sync', { resolveDir, kind: 'import-statement' }),
    );
    // package.json says that no module of migsim is imported for what it does; here is one that is.
    build.onResolve({ filter: /\/jitless\.js$/ }, ({ resolveDir }) => ({
      path: path.join(resolveDir, 'jitless.ts'),
      sideEffects: true,
    }));
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** The folder of the package that a bundled file belongs to; null for our own. */
function packageOf(file) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? null;
}

function licencesOf(inputs) {
  const folders = [...new Set(inputs.map(packageOf))].filter((folder) => folder !== null).sort();
  const others = folders.map((folder) => {
    const full = path.join(ROOT, folder);
    const name = readdirSync(full).find((entry) => /^licen[cs]e/i.test(entry));
    if (name === undefined) throw new Error(`no licence in ${folder}`);
    return `${path.basename(folder)}\n\n${readFileSync(path.join(full, name), 'utf8').trim()}`;
  });
  return ['migsim\n\nApache License 2.0, https://www.apache.org/licenses/LICENSE-2.0', ...others].join(
    '\n\n\n',
  );
}

async function bundle() {
  const { build } = await import('esbuild');
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: { main: 'src/play/page/main.ts', page: 'src/play/page/page.css' },
    outdir: OUT,
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome120', 'firefox128', 'safari17'],
    plugins: [forBrowsers],
    metafile: true,
    write: false,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const inputs = Object.keys(metafile.inputs);
  mkdirSync(OUT, { recursive: true });
  for (const { path: file, contents } of outputFiles) writeFileSync(file, contents);
  writeFileSync(path.join(OUT, 'licences.txt'), licencesOf(inputs));
  const files = [...inputs, path.relative(ROOT, OWN)];
  writeFileSync(STAMPS, JSON.stringify(stampsOf(files)));
}

if (!isFresh()) await bundle();
