/** A scenario, checked and in plain numbers: what loading a file yields and what experiments run. */
import type { MigrationSetup } from '../migration/setup.js';
import type { PolicyChoice, StrategyChoice } from '../strategies/define.js';
import type { Place } from '../errors.js';

export type { Choice, PolicyChoice, StrategyChoice } from '../strategies/define.js';

/** One line of `expect:`, kept as written; src/experiment/expect/expect.ts gives it meaning. */
export interface ExpectationText {
  /** Label of the strategy it is about, or null for a relation between strategies. */
  readonly subject: string | null;
  /** Such as `converges`, `total-time`, `reader.work-done`; for a relation the whole text. */
  readonly key: string;
  /** Such as `true`, `>= 99%`, `< 60s`; empty for a relation. */
  readonly condition: string;
  readonly place: Place | undefined;
}

/** A value that the file gives as a distribution. */
export interface UncertainValue {
  /** Names its stream of random numbers: the path with groups by name, such as `guest.vcpus.writer.workload.write`. */
  readonly key: string;
  /** The distribution in words, such as `500..700MiB/s`. */
  readonly text: string;
  /** The value below which a share `p` (0 .. 1) of the draws lies, as the file might have it. */
  at(p: number): unknown;
}

/** What is uncertain in a scenario, and the setup for any values of it. */
export interface Uncertainty {
  readonly values: readonly UncertainValue[];
  /** The setup at the median, as it was loaded. */
  readonly median: MigrationSetup;
  /** The setup at the quantile `p(key)` (0 .. 1) of each value. Throws `UsageError` where values do not go together. */
  setupAt(p: (key: string) => number): MigrationSetup;
}

/** A guest, a link, QEMU's parameters, and what is to run: a scenario file, checked. `loadScenario` makes it; treat it as read-only. */
export interface Scenario {
  readonly name: string;
  /** What it shows and what to expect: the comment lines that open the file. */
  readonly about: string;
  /** Path it was read from; null when made in memory. */
  readonly file: string | null;
  /** The text as read: its hash goes into the manifest. */
  readonly text: string;
  /** `key=value`, put into the text when it was loaded. */
  readonly set: readonly string[];
  /** What its user should know of how it was read, such as which QEMU's rules stand for a version that is not known. */
  readonly notes: readonly string[];
  /** At the median of everything uncertain. Memory kind, seed, run and sampling are set by the caller that runs it. */
  readonly setup: MigrationSetup;
  /** What `drawSetup` draws from. */
  readonly uncertainty: Uncertainty;
  readonly strategies: readonly StrategyChoice[];
  readonly policy: PolicyChoice;
  readonly expect: readonly ExpectationText[];
}
