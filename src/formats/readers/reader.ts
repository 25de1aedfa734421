/** What a reader of a format is. */
import type { FoundSamples, LogSource } from '../migration-log.js';
import type { DirtyReadings } from '../readings.js';
import type { GuestperfReport } from '../guestperf/read.js';

/** What a file holds: samples of migrations, readings of a dirty curve, or a report of guestperf. */
export type Content =
  | { readonly kind: 'samples'; readonly found: FoundSamples }
  | { readonly kind: 'readings'; readonly readings: DirtyReadings }
  | { readonly kind: 'guestperf'; readonly report: GuestperfReport };

/** How a format is recognised, and what is said of it. */
export interface Format {
  /** As messages and the list of formats name it, without an article. */
  readonly name: string;
  readonly source: LogSource | 'dirty-rate' | 'recording';
  /** Programs and versions. */
  readonly writtenBy: string;
  /** A command line that reads such a log. */
  readonly example: string;
  /** What it shows of a migration, and what it does not: for the list of formats. */
  readonly shows: string;
  readonly lacks: string;
  /** The command that takes it where `learn` does not. */
  readonly command?: string;
  /** The clock counts from the job's begin: preparation is in it. */
  readonly jobClock?: true;
  /** Sizes are rounded. */
  readonly rounded?: true;
  recognises(text: string): boolean;
}

export interface Reader extends Format {
  /** @throws UsageError with the place for what cannot be. */
  read(text: string, file: string): Content;
}
