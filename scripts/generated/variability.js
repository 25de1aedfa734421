/** What docs/host-profiles.md shows of the variability of host profiles, with where each figure comes from. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hostProfiles } from '../../dist/guest/host-profiles/index.js';
import { variabilityKinds } from '../../dist/guest/host-profiles/variability.js';
import { fill } from './fill.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export function files() {
  const page = readFileSync(`${ROOT}/docs/host-profiles.md`, 'utf8');
  return { 'docs/host-profiles.md': fill(page, 'variability', tables()) };
}

function tables() {
  return [overview(), ...Object.values(hostProfiles).map(originsOf)].join('\n\n');
}

function overview() {
  const profiles = Object.values(hostProfiles);
  const rows = Object.entries(variabilityKinds).map(([kind, { key, of }]) => [
    `\`${key}\``,
    of,
    ...profiles.map(({ variability }) => String(variability[kind])),
  ]);
  return table(['key', 'of what', ...profiles.map(({ name }) => `\`${name}\``)], rows);
}

function originsOf({ name, variability, variabilityOrigins }) {
  const rows = Object.entries(variabilityKinds).map(([kind, { key }]) => [
    `\`${key}\``,
    String(variability[kind]),
    variabilityOrigins[kind],
  ]);
  return `Where the figures of \`${name}\` come from:\n\n${table(['key', 'figure', 'origin'], rows)}`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
