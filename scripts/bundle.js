// Bundles the page of `migsim play` into dist/play/page: its program, its style and the licences of what is in them; and the
// command line with its threads into dist/bundle.
// Does nothing where no source of the last bundle has changed. A bundler is loaded only when there is something to do.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePage } from './bundle-page.js';
import { bundleProgram } from './bundle-program.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const PAGE = path.join(ROOT, 'dist/play/page');
const PROGRAM = path.join(ROOT, 'dist/bundle');
/** A bundle made by other rules is another one. */
const OWN = [
  import.meta.url,
  new URL('bundle-page.js', import.meta.url),
  new URL('bundle-program.js', import.meta.url),
].map((url) => fileURLToPath(url));

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

/** Writes the files of a bundle, the licences of what is in it, and of which files it is made: `inputs`, from the root. */
function write(folder, { files, inputs }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, contents] of files) writeFileSync(path.join(folder, name), contents);
  writeFileSync(path.join(folder, 'licences.txt'), licencesOf(inputs));
  const sources = [...inputs, ...OWN.map((file) => path.relative(ROOT, file))];
  writeFileSync(path.join(folder, 'stamps.json'), JSON.stringify(stampsOf(sources)));
}

async function writePage() {
  const { code, style, inputs } = await bundlePage(ROOT);
  write(PAGE, {
    files: [
      ['main.js', code],
      ['page.css', style],
    ],
    inputs,
  });
}

async function writeProgram() {
  const chunks = await bundleProgram(ROOT);
  const fromRoot = (file) => path.relative(ROOT, file).replaceAll('\\', '/');
  // A module whose name no file has, as it begins with a zero byte, stands for a package.
  const modulesOf = ({ modules }) => modules.filter((id) => !id.startsWith('\0')).map(fromRoot);
  // Which modules each file is made of, and what it imports.
  const meta = chunks.map((chunk) => {
    const { file, entry, imports, dynamicImports } = chunk;
    const entryPoint = entry === null ? null : fromRoot(entry);
    return [file, { entry: entryPoint, modules: modulesOf(chunk), imports, dynamicImports }];
  });
  write(PROGRAM, {
    files: [
      ...chunks.map(({ file, code }) => [file, code]),
      ['meta.json', JSON.stringify(Object.fromEntries(meta))],
    ],
    inputs: [...new Set(chunks.flatMap(modulesOf))],
  });
}

// Each waits for threads of its own.
await Promise.all([isFresh(PAGE) || writePage(), isFresh(PROGRAM) || writeProgram()]);
// The launcher takes the bundle only where it is not older than the modules.
const now = new Date();
utimesSync(path.join(PROGRAM, 'main.js'), now, now);
