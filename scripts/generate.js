/**
 * Writes every file of the repository that is made from the program: npm run generate
 * With --check it writes nothing, names the files that are not up to date, and exits with 1 when there are any.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, getFileInfo, resolveConfig } from 'prettier';
import * as baseline from './generated/baseline.js';
import * as fidelity from './generated/fidelity.js';
import * as golden from './generated/golden.js';
import * as man from './generated/man.js';
import * as pages from './generated/pages.js';
import * as questions from './generated/questions.js';
import * as schemas from './generated/schemas.js';
import * as variability from './generated/variability.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Those that differ from what the program says now: [path, text]. */
async function outdated() {
  const found = [];
  for (const { files, same = Object.is } of [
    schemas,
    man,
    pages,
    questions,
    fidelity,
    variability,
    golden,
    baseline,
  ]) {
    for (const [path, made] of Object.entries(await files())) {
      const text = await formatted(path, made);
      const before = existsSync(`${ROOT}${path}`) ? readFileSync(`${ROOT}${path}`, 'utf8') : null;
      if (before === null || !same(before, text)) found.push([path, text]);
    }
  }
  return found;
}

/** As prettier has it, for the files that prettier checks. */
async function formatted(path, text) {
  const file = `${ROOT}${path}`;
  const { ignored, inferredParser } = await getFileInfo(file, { ignorePath: `${ROOT}.prettierignore` });
  if (ignored || inferredParser === null) return text;
  return format(text, { ...(await resolveConfig(file)), filepath: file });
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const found = await outdated();
for (const [path, text] of found) {
  if (!values.check) writeFileSync(`${ROOT}${path}`, text);
  console.log(values.check ? `${path} is not up to date: npm run generate` : `wrote ${path}`);
}
if (values.check && found.length > 0) process.exitCode = 1;
