/** results/baselines/shipped: what the shipped scenarios come to, which `migsim baseline diff shipped` compares with. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = ['results/baselines/shipped.csv', 'results/baselines/shipped.json'];

/** Nothing where there is no baseline to compare with. */
export function files() {
  if (!existsSync(path.join(ROOT, FILES[1]))) return {};
  // The command writes below the folder that it is started in, and names scenarios as they are called from there.
  const folder = mkdtempSync(path.join(tmpdir(), 'migsim-baseline-'));
  try {
    symlinkSync(path.join(ROOT, 'scenarios'), path.join(folder, 'scenarios'));
    execFileSync(process.execPath, [path.join(ROOT, 'bin/migsim.js'), 'baseline', 'save', 'shipped'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return Object.fromEntries(FILES.map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
