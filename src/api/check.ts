/** `expect:` of scenarios, for programs and for `migsim check`: with the columns of results as its measures. */
import {
  type CheckOptions,
  type CheckReport,
  checkScenario as checkWith,
  checkScenarioInThreads as checkInThreads,
} from '../experiment/check.js';
import { refuseUnreadable as refuseWith } from '../experiment/expect/expect.js';
import { runColumns } from '../report/columns/runs.js';
import { vcpuColumns } from '../report/columns/vcpus.js';
import type { Scenario } from '../scenario/scenario.js';

const measures = { run: runColumns, vcpu: vcpuColumns };

/**
 * Runs what a scenario lists and holds the outcome against its `expect:`. docs/checks.md has what can be expected.
 *
 * ```js
 * const wrong = checkScenario(loadScenario('guest.yaml')).expectations.filter(({ ok }) => !ok);
 * ```
 *
 * @throws UsageError for an expectation that cannot be read; one that does not hold is in the report
 */
export function checkScenario(scenario: Scenario, options: CheckOptions = {}): CheckReport {
  return checkWith(scenario, measures, options);
}

/** As `checkScenario`, with its runs spread over threads; the report is the same for any number of them. */
export function checkScenarioInThreads(
  scenario: Scenario,
  options: CheckOptions,
  threads: number,
): Promise<CheckReport> {
  return checkInThreads(scenario, measures, options, threads);
}

/** Throws the `UsageError` that `checkScenario` would throw, without running anything. */
export function refuseUnreadable(scenario: Scenario): void {
  refuseWith(scenario, measures);
}
