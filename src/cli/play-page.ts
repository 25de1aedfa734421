/** Puts the page together: what the bundler made, the shipped scenarios, and the scenario to start with. */
import { nth } from '../lists.js';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../experiment/version.js';
import { type PageData, playDocument, type Preset } from '../play/document.js';
import type { KeyTable } from '../play/inputs.js';
import { scenarioName } from '../play/learn-answer.js';
import { PRESETS } from '../play/presets.js';
import type { PlayState } from '../play/state.js';
import { scenarioKeys } from '../scenario/form/keys.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUNDLE = join(ROOT, 'dist/play/page');

/** Runs from which the bands of the page come at first. */
const RUNS = 24;

/** A scenario, as a file has it. */
export interface PageScenario {
  readonly file: string;
  readonly text: string;
}

/** The page as one HTML file. Without a scenario it starts with the first preset. `links`: to other pages of a site. */
export function playPage(
  scenario: PageScenario | null,
  links: readonly (readonly [string, string])[] = [],
): string {
  const presets = shippedPresets();
  const { file, text } = scenario ?? nth(presets, 0);
  const start: PlayState = { file: scenarioName(file), text, seed: 1, exact: false, runs: RUNS, map: null };
  const data: PageData = { presets, keys: keyTable(), start, version: version() };
  const part = (name: string): string => readFileSync(join(BUNDLE, name), 'utf8');
  const bundle = { script: part('main.js'), style: part('page.css'), licences: part('licences.txt') };
  return playDocument(data, bundle, sha256, links);
}

function shippedPresets(): Preset[] {
  return PRESETS.map(({ file, group, lookFor }) => ({
    file,
    group,
    lookFor,
    name: file.replace(/\.yaml$/, '').replaceAll('-', ' '),
    text: readFileSync(join(ROOT, 'scenarios', file), 'utf8').replace(/^# yaml-language-server:.*\n/, ''),
  }));
}

/** Only the sections that the page has controls for. */
function keyTable(): KeyTable {
  const keys = scenarioKeys().filter(({ path }) => /^(guest|link|migration)\./.test(path));
  return Object.fromEntries(
    keys.map(({ path, meaning, range, fallback }) => [path, { meaning, range, fallback }]),
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Whether the bundler has run, as it has in every package. */
export function isBuilt(): boolean {
  return existsSync(join(BUNDLE, 'main.js'));
}
