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
export function goldenRow(definition, setup, { parseOptions, runMigration, lostWorkSeconds }) {
  const options = parseOptions(definition.options, {});
  const refusal = definition.refuses?.(options, setup) ?? null;
  if (refusal !== null) return { refuses: refusal };
  const prepared = definition.prepare?.(options, setup) ?? setup;
  const names = { strategy: definition.name, policy: 'wait' };
  const result = runMigration(prepared, names, (migration) => definition.start(options, migration));
  return figuresOf(result, lostWorkSeconds);
}

/** Math.log may differ in its last bit between versions of Node.js, which moves a figure by far less than this. */
const TOLERANCE = 1e-3;

/** Whether two rows, or two files of them, say the same. */
export function close(actual, expected) {
  if (typeof actual === 'number' && typeof expected === 'number')
    return Math.abs(actual - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null)
    return Object.is(actual, expected);
  const keys = Object.keys(actual);
  return (
    keys.join() === Object.keys(expected).join() && keys.every((key) => close(actual[key], expected[key]))
  );
}
