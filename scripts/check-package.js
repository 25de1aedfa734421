// Packs migsim and holds the tarball against publint and attw: npm run build && node scripts/check-package.js
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const folder = mkdtempSync(path.join(tmpdir(), 'migsim-pack-'));
try {
  // The build has run already: without its scripts, npm packs what lies in dist.
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [{ filename }] = Object.values(JSON.parse(packed));
  const tarball = path.join(folder, filename);
  for (const [tool, ...words] of [
    ['publint', tarball, '--strict'],
    // The package is ESM only, so resolution from CommonJS is not held against it.
    ['attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--quiet'],
  ])
    execFileSync(path.join('node_modules', '.bin', tool), words, { stdio: 'inherit' });
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
