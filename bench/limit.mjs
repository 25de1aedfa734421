/** The physical limit of a marked write, measured in C in the same run: `peers/set-bits.c`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('peers/set-bits.c', import.meta.url));
const WRITES = 8_000_000;

/** Build the program. Returns null where gcc is missing, else `measure(pages, writers)`, ns per write, and `remove()`. */
export function buildLimit() {
  const folder = mkdtempSync(path.join(tmpdir(), 'migsim-limit-'));
  const program = path.join(folder, 'set-bits');
  const { error, status, stderr } = spawnSync('gcc', ['-O2', SOURCE, '-o', program], { encoding: 'utf8' });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (error !== undefined || status !== 0) {
    remove();
    if (error === undefined) throw new Error(stderr);
    return null;
  }
  const measure = (pages, writers) => {
    const run = spawnSync(program, [pages, writers, WRITES].map(String), { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`set-bits ${pages} ${writers}: ${run.stderr}`);
    return Number(run.stdout.split(' ')[0]);
  };
  return { measure, remove };
}
