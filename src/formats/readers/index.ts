/** Every format that migsim reads of other programs, and how a text is recognised. What cannot be read is refused by this list. */
import { UsageError, type Place } from '../../errors.js';
import { plainText } from '../text.js';
import { cloudstackReader } from './cloudstack.js';
import { domjobinfoReader } from './domjobinfo.js';
import { hmpReader } from './hmp.js';
import { novaReader } from './nova.js';
import { dirtyRateFormat, guestperfReader, recordingReader } from './others.js';
import { proxmoxReader } from './proxmox.js';
import { qmpReader } from './qmp.js';
import type { Format, Reader } from './reader.js';
import { recordReader } from './record.js';
import { vdsmReader } from './vdsm.js';
import { virtLauncherReader } from './virt-launcher.js';

/** In the order in which they are asked: the first that recognises a text reads it. A new one is a file and a line here. */
export const readers: readonly (Reader | Format)[] = [
  guestperfReader,
  recordingReader,
  recordReader,
  qmpReader,
  hmpReader,
  domjobinfoReader,
  proxmoxReader,
  novaReader,
  vdsmReader,
  virtLauncherReader,
  cloudstackReader,
  dirtyRateFormat,
];

/** The reader of a text; null when no format is recognised. */
export function readerOf(text: string): Reader | Format | null {
  return readers.find((reader) => reader.recognises(text)) ?? null;
}

/** What a text is that is not what was expected, and who reads it; null where it is nothing that people have at hand. */
export function otherFile(text: string): string | null {
  const plain = plainText(text);
  const reader = readerOf(plain);
  if (reader !== null)
    return `recognised as ${reader.name}, which \`migsim ${reader.command ?? 'learn'}\` reads`;
  return OTHER_FILES.find(([patterns]) => patterns.every((pattern) => pattern.test(plain)))?.[1] ?? null;
}

/** @throws UsageError that names what the text is, and what was expected in its place */
export function refuseOther(text: string, expected: string, place: Place): void {
  const other = otherFile(text);
  if (other !== null) throw new UsageError(`${other}; expected ${expected}`, place);
}

/** `QMP query-migrate replies, HMP info migrate, …`: what `learn` reads. */
export function knownFormats(): string {
  return readers
    .filter(({ command }) => command === undefined)
    .map(({ name }) => name)
    .join(', ');
}

/**
 * What people have at hand and what is no log of a migration, by what all stands in it, and where its figures are. No pattern
 * looks beyond its line: in a large file it would come back to each line as often as there are lines.
 */
const OTHER_FILES: readonly (readonly [readonly RegExp[], string])[] = [
  [
    [/^["\t ]*apiVersion["\t ]*:[\t ]*"?kubevirt\.io\//m],
    'a KubeVirt object has no figures of memory; the log of the virt-launcher pod on the source has them: kubectl logs POD | migsim learn -',
  ],
  [
    [/^[\t ]*guest:/m, /^[\t ]*link:/m],
    'recognised as a scenario, which `migsim run` reads, and `migsim advise` where its name ends in .yaml',
  ],
  [[/^scenario:/m, /^vary:/m], 'recognised as a sweep file, which `migsim sweep` reads'],
];
