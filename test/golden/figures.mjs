/** What is kept of a run: enough to see that a rule has changed, little enough to read in a diff. */

/** At most so many digits after the point: what is left out is the noise of floating point. */
function digits(value, count) {
  return value === null ? null : Number(value.toFixed(count));
}

/** A row of strategies.json. `lostWorkSeconds` is that of src/experiment/regret.ts. */
export function figuresOf(result, lostWorkSeconds) {
  return {
    status: result.status,
    totalTimeMs: result.totalTimeMs,
    downtimeMs: result.downtimeMs,
    dirtySyncCount: result.dirtySyncCount,
    sentBytes: result.sentBytes,
    firstThrottleMs: digits(result.firstThrottleMs, 1),
    maxThrottlePercent: digits(result.maxThrottlePercent, 2),
    maxRingFullSleepUs: result.maxRingFullSleepUs,
    lostWorkSeconds: digits(lostWorkSeconds(result), 3),
    workDone: result.vcpus.map((vcpu) => digits(vcpu.workDone, 4)),
  };
}

/** One run of a strategy with its defaults, or the sentence with which it refuses. */
export function goldenRow(definition, setup, runMigration, lostWorkSeconds) {
  const options = definition.options.parse({});
  const refusal = definition.refuses?.(options, setup) ?? null;
  if (refusal !== null) return { refuses: refusal };
  const prepared = definition.prepare?.(options, setup) ?? setup;
  const names = { strategy: definition.name, policy: 'wait' };
  const result = runMigration(prepared, names, (migration) => definition.start(options, migration));
  return figuresOf(result, lostWorkSeconds);
}
