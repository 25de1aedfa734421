/** `migsim play`: the wind tunnel as one HTML file that needs neither server nor network. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../../errors.js';
import { openOutputFile } from '../../report/files/output-folder.js';
import { readText } from '../../scenario/read-text.js';
import type { Command, Given } from '../command.js';
import type { PageScenario } from '../play-page.js';

const FILE = 'play.html';

export const playCommand: Command = {
  positional: {
    name: 'scenario',
    describe: 'Scenario file to start with (default: a shipped one)',
    takes: 'none or one',
  },
  alwaysWrites: true,
  options: {
    out: { kind: 'text', summary: `HTML file to write, default ${FILE}`, value: 'FILE' },
    open: { kind: 'flag', summary: 'Open the page in the browser' },
  },
  examples: [
    ['play --open', 'the shipped scenarios, in the browser'],
    ['play guest.yaml --out guest.html', 'one file to share: it needs no network'],
  ],
  async run(given) {
    const file = given.value('out') ?? FILE;
    // A name that was mistaken for the scenario's must not be written over.
    if (!/\.html?$/i.test(file))
      throw new UsageError('expected the name of an HTML file, such as play.html', { file });
    const scenario = await scenarioOf(given);
    const { isBuilt, playPage } = await import('../play-page.js');
    if (!isBuilt())
      throw new UsageError('the page of this checkout is not built; expected `npm run build` before');
    const page = playPage(scenario);
    openOutputFile(file)(page);
    given.print(`Written: ${file}\n`);
    if (given.flag('open')) openInBrowser(file, given);
  },
};

async function scenarioOf({ positional: file, warn }: Given): Promise<PageScenario | null> {
  if (file === '') return null;
  const text = readText(file);
  const { parseScenario } = await import('../../scenario/parse.js');
  const { notes } = parseScenario(text, file);
  for (const note of notes) warn(`${file}: ${note}`);
  const { MOST_TEXT } = await import('../../play/state.js');
  if (text.length > MOST_TEXT)
    throw new UsageError(`more than ${MOST_TEXT} characters: too large for a page`, { file });
  return { file, text };
}

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** With whatever opens pages here; where nothing does, the page is there all the same. */
function openInBrowser(file: string, { warn }: Given): void {
  const [program, ...words] = OPENERS[process.platform] ?? ['xdg-open'];
  const url = pathToFileURL(resolve(file)).href;
  const opener = spawn(program, [...words, url], { stdio: 'ignore', detached: true });
  opener.on('error', () => warn(`${program} is not installed here: open ${url} yourself`));
  opener.unref();
}
