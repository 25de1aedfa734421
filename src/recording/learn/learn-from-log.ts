/** `migsim learn`: logs or readings in, a scenario and a comparison with the log out. */
import { UsageError } from '../../errors.js';
import { readLogs, type LogFile, type ReadLog } from '../../formats/readers/read-logs.js';
import type { MigrationLog } from '../../formats/migration-log.js';
import { learn } from './learn.js';
import { learnFromReadings } from './learn-readings.js';
import { learnedScenario } from './learn-scenario.js';
import type { Learned, LearnOptions } from './learned.js';
import { outlookOf, type Outlook } from './answer/outlook.js';
import { refine } from './refine.js';
import { postcopyPhase, selfCheck, type SelfCheck } from './answer/self-check.js';
import { asComplete, settled } from './settle.js';
import { decideLoad } from './load.js';
import { understood, type Understood } from './answer/understood.js';

/** What was learned, as a scenario and in figures. */
export interface LearnResult {
  readonly learned: Learned;
  /** Text of a scenario file. */
  readonly scenario: string;
  /** The learned guest migrated again, compared with the log; null for readings and totals, which have no passes. */
  readonly check: SelfCheck | null;
  /** How the migration ended or will end, and what would end it; null for readings, which are no migration. */
  readonly outlook: Outlook | null;
  /** What was read from the log, in words. */
  readonly understood: Understood;
}

/**
 * Learns a guest from the text of a log of any known format, or from readings of its dirty curve.
 * @throws UsageError with the place when the text is neither, or its figures cannot be
 */
export function learnFromLog(text: string, file: string, options: LearnOptions = {}): LearnResult {
  return learnFrom(readLogs([{ file, text }]), options);
}

/** Likewise from several files of one migration, or several readings. */
export function learnFromFiles(files: readonly LogFile[], options: LearnOptions = {}): LearnResult {
  return learnFrom(readLogs(files), options);
}

/** What a log says of the guest itself. */
function guestIn({ settings: { memoryBytes, vcpus } }: MigrationLog): LearnOptions {
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(vcpus === undefined ? {} : { vcpus }),
  };
}

/** Likewise from what was read already. */
export function learnFrom(read: ReadLog, given: LearnOptions = {}): LearnResult {
  const options = read.kind === 'migration' ? { ...guestIn(read.log), ...given } : given;
  if (read.kind === 'guestperf') {
    throw new UsageError('this is a guestperf report, which is a whole run; use learnFromGuestperf', {
      file: read.report.file,
    });
  }
  if (read.kind === 'readings') {
    const learned = learnFromReadings(read.readings, options);
    const words = understood(learned, null, null);
    return {
      learned,
      scenario: learnedScenario(learned, null, words),
      check: null,
      outlook: null,
      understood: words,
    };
  }
  const first = decideLoad(learn(read.log, options), read.log, options);
  const learned = first.from === 'log' ? asComplete(refine(first)) : settled(first, read.log);
  const check = learned.from === 'log' ? selfCheck(learned) : null;
  const outlook = outlookOf(learned, read.log);
  const words = understood(learned, read.log, outlook, postcopyPhase(learned));
  return { learned, scenario: learnedScenario(learned, check, words), check, outlook, understood: words };
}
