/** A dropped file: a scenario as it is, a log as the guest that `learn` finds in it. */
import { UsageError } from '../errors.js';
import { learnFromGuestperf } from '../experiment/learn-guestperf.js';
import { fileName } from '../formats/text.js';
import { readerOf } from '../formats/readers/index.js';
import { readLogs } from '../formats/readers/read-logs.js';
import { learnFrom } from '../recording/learn/learn-from-log.js';
import { parseScenario } from '../scenario/parse.js';
import type { Answer, AskLearn } from './protocol.js';

export function learnAnswer({ files }: AskLearn): Answer {
  const [first] = files;
  if (first === undefined) throw new UsageError('no file; expected a log of a migration, or a scenario');
  const { file, text } = first;
  if (files.length === 1 && isScenario(file, text)) {
    const { name } = parseScenario(text, file);
    return { kind: 'learned', file: scenarioName(file), text, lines: [['Scenario', name]] };
  }
  const read = readLogs(files);
  if (read.kind === 'guestperf') {
    const { scenario, learned } = learnFromGuestperf(read.text, file);
    const lines = learned.assumptions.map((text) => ['Not in it', text] as const);
    return checked(file, scenario, [['Report', "a run of QEMU's guestperf"], ...lines]);
  }
  const { scenario, understood, outlook } = learnFrom(read);
  const remedies = (outlook?.remedies ?? []).map((text) => ['Ends with', text] as const);
  return checked(file, scenario, [...understood.lines, ...remedies, ['Next time', understood.next]]);
}

/** Figures that a log can have and a scenario cannot end here. */
function checked(file: string, text: string, lines: readonly (readonly [string, string])[]): Answer {
  parseScenario(text, scenarioName(file));
  return { kind: 'learned', file: scenarioName(file), text, lines };
}

function isScenario(file: string, text: string): boolean {
  return /\.ya?ml$/i.test(file) && /^(guest|link|strategies):/m.test(text) && readerOf(text) === null;
}

/** `migration.log` makes `migration.yaml`; letters that a path or a shell could read otherwise are left out. */
export function scenarioName(file: string): string {
  const stem = fileName(file)
    .replace(/\.[^.]*$/, '')
    .replaceAll(/[^\w .-]/g, '')
    .replace(/^[ .-]+/, '');
  return `${stem === '' ? 'guest' : stem.slice(0, 60)}.yaml`;
}
