/** What is wrong with a table itself: users write tables for strategies of their own. */
import { isMap } from '../lists.js';
import type { OptionEntry } from './table.js';
import { expected, show, unknown } from './wording.js';

const KINDS: Readonly<Record<OptionEntry['kind'], true>> = {
  size: true,
  rate: true,
  'link-rate': true,
  duration: true,
  'duration-ns': true,
  share: true,
  percent: true,
  'mib-per-second': true,
  'duration-ms': true,
  count: true,
  number: true,
  flag: true,
  choice: true,
  curve: true,
  vcpus: true,
  'per-vcpu': true,
  custom: true,
};

/** A sentence about the first fault, or null. */
export function tableFault(table: Readonly<Record<string, unknown>>): string | null {
  for (const [name, entry] of Object.entries(table)) {
    const fault = entryFault(entry);
    if (fault !== null) return `its option ${name}: ${fault}`;
  }
  return null;
}

function entryFault(entry: unknown): string | null {
  if (!isMap(entry)) {
    return expected("a map such as { kind: 'percent', default: 20, summary: '…' }", entry);
  }
  const { kind, summary, choices } = entry;
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) {
    return unknown('kind', typeof kind === 'string' ? kind : show(kind), Object.keys(KINDS));
  }
  if (typeof summary !== 'string') return `summary: ${expected('a sentence', summary)}`;
  if (kind === 'choice' && !Array.isArray(choices)) return `choices: ${expected('a list of words', choices)}`;
  return null;
}
