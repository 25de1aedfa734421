// What `npm start` needs, as soon as it can be had: after `npm ci` the modules alone, neither checked nor declared, and the
// bundle at the same time. Where `npm run build` has been before, what has changed since.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const SRC = path.join(ROOT, 'src');
const COMPILER = 'node_modules/typescript-native/bin/tsc';

/** Each module without its types. No record says what was built, so that `npm run build` makes all of it. */
async function writeModules() {
  const { transformSync } = await import('rolldown/utils');
  const { compilerOptions, exclude } = JSON.parse(readFileSync(path.join(ROOT, 'tsconfig.json'), 'utf8'));
  const excluded = exclude.map((folder) => path.join(ROOT, folder));
  for (const entry of readdirSync(SRC, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!file.endsWith('.ts') || excluded.some((folder) => file.startsWith(folder + path.sep))) continue;
    const options = { lang: 'ts', target: compilerOptions.target };
    const { code, errors } = transformSync(file, readFileSync(file, 'utf8'), options);
    if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
    const module = path.join(ROOT, 'dist', path.relative(SRC, file).replace(/ts$/, 'js'));
    mkdirSync(path.dirname(module), { recursive: true });
    writeFileSync(module, code);
  }
}

if (existsSync(path.join(ROOT, 'dist/.tsbuildinfo'))) {
  const { status } = spawnSync(process.execPath, [COMPILER, '-p', '.'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  await import('./bundle.js');
} else await Promise.all([import('./bundle.js'), writeModules()]);
