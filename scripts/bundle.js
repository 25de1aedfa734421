// Bundles the page of `migsim play` into dist/play/page: its program, its style and the licences of what is in them; and the
// command line with its threads into dist/bundle, because Node needs a millisecond for each of hundreds of modules.
// Does nothing where no source of the last bundle has changed. esbuild is loaded only when there is something to do.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(import.meta.dirname, '..');
const PAGE = path.join(ROOT, 'dist/play/page');
const PROGRAM = path.join(ROOT, 'dist/bundle');
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

function isFresh(folder) {
  try {
    const stamps = JSON.parse(readFileSync(path.join(folder, 'stamps.json'), 'utf8'));
    return JSON.stringify(stampsOf(stamps.map(([file]) => file))) === JSON.stringify(stamps);
  } catch {
    return false;
  }
}

/** Of zod's many languages only English, which it speaks by itself. */
const inEnglish = {
  name: 'in-english',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** What needs nothing of Node, in place of what does. */
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

/** Writes what a build made, the licences of what is in it, and of which files it is. */
function write(folder, { metafile, outputFiles }) {
  const inputs = Object.keys(metafile.inputs);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { path: file, contents } of outputFiles) writeFileSync(file, contents);
  writeFileSync(path.join(folder, 'licences.txt'), licencesOf(inputs));
  const files = [...inputs.filter((input) => !input.startsWith('plain:')), path.relative(ROOT, OWN)];
  writeFileSync(path.join(folder, 'stamps.json'), JSON.stringify(stampsOf(files)));
  // What esbuild says of it: which modules each file is made of.
  writeFileSync(path.join(folder, 'meta.json'), JSON.stringify(metafile.outputs));
}

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  metafile: true,
  write: false,
  legalComments: 'none',
  logLevel: 'warning',
};

async function bundlePage() {
  const { build } = await import('esbuild');
  const made = await build({
    ...COMMON,
    entryPoints: { main: 'src/play/page/main.ts', page: 'src/play/page/page.css' },
    outdir: PAGE,
    minify: true,
    format: 'iife',
    target: ['chrome120', 'firefox128', 'safari17'],
    plugins: [forBrowsers, inEnglish],
  });
  write(PAGE, made);
}

/**
 * Help is plain text of narrow letters. What yargs measures and wraps it with tells emoji and colours apart, and takes longer
 * for that than for all else that help needs.
 */
const plainHelp = {
  name: 'plain-help',
  setup(build) {
    const plain = {
      'string-width': 'export default (text) => [...text].length;',
      'strip-ansi': 'export default (text) => text;',
    };
    const filter = new RegExp(`^(${Object.keys(plain).join('|')})$`);
    build.onResolve({ filter }, ({ path: name }) => ({ path: name, namespace: 'plain' }));
    build.onLoad({ filter, namespace: 'plain' }, ({ path: name }) => ({ contents: plain[name] }));
  },
};

/** Modules that the program starts by their names: itself, and its threads. */
const ENTRIES = [
  'cli/main',
  'cli/check-worker',
  'cli/long-worker',
  'api/sweep-worker',
  'experiment/parallel/run-worker',
];

/**
 * A module finds files by where it lies in dist; threads are those of the bundle. Errors are the very classes that a strategy
 * of the user's has from the library.
 */
const likeModules = {
  name: 'like-modules',
  setup(build) {
    build.onResolve({ filter: /\/errors\.js$/ }, ({ path: file, resolveDir }) =>
      path.join(resolveDir, file) === path.join(ROOT, 'src/errors.js')
        ? { path: '../errors.js', external: true }
        : undefined,
    );
    // As modules, which require nothing of Node.
    build.onResolve({ filter: /^yaml$/ }, () => ({
      path: path.join(ROOT, 'node_modules/yaml/browser/index.js'),
    }));
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path: file }) => {
      const lies = path.relative(path.join(ROOT, 'src'), file).replaceAll('\\', '/').replace(/ts$/, 'js');
      const contents = readFileSync(file, 'utf8')
        .replace(
          /new URL\('[./]*([\w-]+-worker\.js)', import\.meta\.url\)/g,
          "new URL('./$1', import.meta['url'])",
        )
        .replaceAll('import.meta.url', `new URL('../${lies}', import.meta['url']).href`);
      return { contents, loader: 'ts' };
    });
  },
};

async function bundleProgram() {
  const { build } = await import('esbuild');
  const made = await build({
    ...COMMON,
    entryPoints: Object.fromEntries(ENTRIES.map((entry) => [path.basename(entry), `src/${entry}.ts`])),
    outdir: PROGRAM,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Node reads a file whole before it runs any of it. Names stay, and lines are short enough to show with a stack.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    // Packages with files of their own, with parts that may be missing, or that are seldom needed.
    external: [
      '@observablehq/plot',
      '@resvg/resvg-js',
      'cli-table3',
      'hyparquet-writer',
      'linkedom',
      'tinypool',
      'uplot',
    ],
    plugins: [likeModules, inEnglish, plainHelp],
  });
  write(PROGRAM, made);
}

if (!isFresh(PAGE)) await bundlePage();
if (!isFresh(PROGRAM)) await bundleProgram();
// The launcher takes the bundle only where it is not older than the modules.
const now = new Date();
utimesSync(path.join(PROGRAM, 'main.js'), now, now);
