/** `migsim learn`: a log or readings in, a scenario and a comparison with the log out. */
import { learn } from './learn.js';
import { learnFromReadings } from './learn-readings.js';
import { learnedScenario } from './learn-scenario.js';
import { readQueryMigrate } from '../../formats/query-migrate.js';
import { looksLikeReadings, readDirtyReadings } from '../../formats/readings.js';
import type { Learned, LearnOptions } from './learned.js';
import { refine } from './refine.js';
import { selfCheck, type SelfCheck } from './self-check.js';

/** What was learned, as a scenario and in figures. */
export interface LearnResult {
  readonly learned: Learned;
  /** Text of a scenario file. */
  readonly scenario: string;
  /** The learned guest migrated again, beside the log; null for readings, which are no migration. */
  readonly check: SelfCheck | null;
}

/**
 * Learns a guest from the text of a query-migrate log, or from readings of its dirty curve.
 * @throws UsageError with the place when the text is neither, or too little to learn from
 */
export function learnFromLog(text: string, file: string, options: LearnOptions = {}): LearnResult {
  if (looksLikeReadings(text)) {
    const learned = learnFromReadings(readDirtyReadings(text, file), options);
    return { learned, scenario: learnedScenario(learned, null), check: null };
  }
  const learned = refine(learn(readQueryMigrate(text, file), options));
  const check = selfCheck(learned);
  return { learned, scenario: learnedScenario(learned, check), check };
}
