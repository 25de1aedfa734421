/** Everything that has a name: for `list`. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join, relative } from 'node:path';
import { strategies } from '../strategies/index.js';
import { policies } from '../policies/index.js';
import { workloads } from '../guest/workloads/index.js';
import { hostProfiles } from '../guest/host-profiles/index.js';
import type { Kind } from './options/kinds.js';

export interface Entry {
  readonly name: string;
  readonly summary: string;
}

export function entriesOf(kind: Kind): readonly Entry[] {
  switch (kind) {
    case 'strategies':
      return Object.values(strategies);
    case 'policies':
      return Object.values(policies);
    case 'workloads':
      return Object.values(workloads);
    case 'host-profiles':
      return Object.values(hostProfiles);
    case 'scenarios':
      return shippedScenarios();
  }
}

/** Those that come with migsim, by the path under which they can be given. */
function shippedScenarios(): Entry[] {
  const folder = fileURLToPath(new URL('../../scenarios', import.meta.url));
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  return files.sort().map((file) => {
    const path = join(folder, file);
    return { name: relative('', path), summary: shows(readFileSync(path, 'utf8')) };
  });
}

/** What the comment that opens a scenario file says it shows. */
function shows(text: string): string {
  const lines = text.split('\n').slice(
    0,
    text.split('\n').findIndex((line) => !line.startsWith('#')),
  );
  const words = lines
    .map((line) => line.replace(/^#\s*/, ''))
    .filter((line) => !line.startsWith('yaml-language-server'));
  const [, shown = ''] = /Shows:\s*(.+?)(?:\s*Expect:|$)/.exec(words.join(' ')) ?? [];
  return shown.trim();
}
