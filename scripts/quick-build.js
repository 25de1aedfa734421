// What `npm start` needs, as soon as it can be had: after `npm ci` the modules alone, neither checked nor declared, and the
// bundle at the same time. Where `npm run build` has been before, what has changed since.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(import.meta.dirname, '..');
const COMPILER = 'node_modules/typescript-native/bin/tsc';

/** Without a record of what was built, so that the next build makes all of it. */
const ONLY_MODULES = '--noCheck --declaration false --incremental false --tsBuildInfoFile null'.split(' ');

function run(...words) {
  const child = spawn(process.execPath, words, { cwd: ROOT, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
}

const bundle = fileURLToPath(new URL('bundle.js', import.meta.url));
if (existsSync(path.join(ROOT, 'dist/.tsbuildinfo'))) {
  process.exitCode = (await run(COMPILER, '-p', '.')) || (await run(bundle));
} else {
  const ends = await Promise.all([run(COMPILER, '-p', '.', ...ONLY_MODULES), run(bundle)]);
  process.exitCode = ends.find((end) => end !== 0) ?? 0;
}
