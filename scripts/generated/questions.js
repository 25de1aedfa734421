/** docs/questions.md: ten questions, a command each, and what the command prints. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = 'docs/questions.md';

/** What stands between a line `npx migsim …` in a block of its own and the next heading is made: the block that follows. */
const COMMAND = /```sh\n(npx migsim [^\n]+)\n```\n\n```text\n[^]*?```\n/g;

/** Nothing where the page is not there to be filled. */
export async function files() {
  if (!existsSync(`${ROOT}${PAGE}`)) return {};
  const page = readFileSync(`${ROOT}${PAGE}`, 'utf8');
  const commands = [...page.matchAll(COMMAND)].map(([, command]) => command);
  const folder = mkdtempSync(join(tmpdir(), 'migsim-questions-'));
  try {
    for (const name of ['scenarios', 'examples']) symlinkSync(`${ROOT}${name}`, join(folder, name));
    // Something to compare with, as the page says.
    await printed(`npx migsim baseline save before scenarios/step-by-step-search.yaml`, folder);
    const texts = [];
    for (const command of commands) texts.push(await printed(command, folder));
    return {
      [PAGE]: page.replaceAll(COMMAND, (_, command) => block(command, texts[commands.indexOf(command)])),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function block(command, text) {
  return `\`\`\`sh\n${command}\n\`\`\`\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
}

/** Standard output; the status of a command may be an answer. */
async function printed(command, cwd) {
  const words = [...command.replace('npx migsim ', '').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, word]) => quoted ?? word,
  );
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  try {
    return (await promisify(execFile)(process.execPath, [`${ROOT}bin/migsim.js`, ...words], { cwd, env }))
      .stdout;
  } catch (error) {
    if (error.code === 1 && error.stdout !== '') return error.stdout;
    throw new Error(`${command}: ${error.stderr}`, { cause: error });
  }
}
