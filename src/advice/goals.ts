/** What a person wants of a migration. */
import { PAGE_BYTES } from '../units.js';
import type { Scenario } from '../scenario/scenario.js';

const { max } = Math;

/** What is wanted of the migration. */
export interface Goals {
  /** The migration is over by then, ms. */
  readonly deadlineMs: number;
  /** The guest stands still no longer than this, ms. */
  readonly maxDowntimeMs: number;
  /** Work that vCPUs that only read still do, as a share (0..1). */
  readonly keepReaders: number;
  /** Share (0..1) of the runs in which all of it must hold. */
  readonly probability: number;
}

const DEADLINE_MS = 300_000;
/** A deadline that nobody stated leaves time for so many passes over memory at the rate of the link or the cap. */
const PASSES = 3;
const MAX_DOWNTIME_MS = 1000;
const KEEP_READERS = 0.9;
const PROBABILITY = 0.95;

/** What nobody stated: 5 min or three times the first pass; 1 s or the scenario's own limit and a fifth; 90 % of the readers' work. */
export function goalsFor(scenario: Scenario, wanted: Partial<Goals>): Goals {
  const { guest, link, migration } = scenario.setup;
  const { maxBandwidth, downtimeLimitMs } = migration;
  const rate =
    maxBandwidth === 0 ? link.bandwidthBytesPerSecond : Math.min(maxBandwidth, link.bandwidthBytesPerSecond);
  const passMs = ((guest.ramPages * PAGE_BYTES) / rate) * 1000;
  const minute = 60_000;
  return {
    deadlineMs: max(DEADLINE_MS, Math.ceil((PASSES * passMs) / minute) * minute),
    maxDowntimeMs: max(MAX_DOWNTIME_MS, Math.ceil(downtimeLimitMs * 1.2)),
    keepReaders: KEEP_READERS,
    probability: PROBABILITY,
    ...wanted,
  };
}

/** Tuned values keep so much clear of what is wanted: the two memories differ by a few percent. */
const CLEAR = 0.93;

/** The goals as conditions of a search, kept clear of by some percent. */
export function conditions(
  { deadlineMs, maxDowntimeMs, keepReaders, probability }: Goals,
  scenario: Scenario,
): string {
  const parts = [
    `converges >= ${probability * 100}%`,
    `total-time <= ${Math.floor(deadlineMs * CLEAR * 1e3)}us`,
    `blackout <= ${Math.floor(maxDowntimeMs * CLEAR * 1e3)}us`,
    ...(hasReaders(scenario) ? [`readers-work-done >= ${Number((keepReaders * 100).toFixed(6))}%`] : []),
  ];
  return parts.join(' and ');
}

/** Whether some vCPUs read and do not write. */
export function hasReaders({ setup }: Scenario): boolean {
  return setup.guest.vcpus.some(
    ({ classes }) =>
      classes.every(({ writesPerSecond }) => writesPerSecond === 0) &&
      classes.some(({ readsPerSecond }) => readsPerSecond > 0),
  );
}
