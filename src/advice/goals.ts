/** What a person wants of a migration. */
import { UsageError } from '../errors.js';
import { entriesOf } from '../lists.js';
import { expected } from '../options/wording.js';
import { formatBytesPerSecond, PAGE_BYTES } from '../units.js';
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

/** The longest `migration.give-up-after`, 30000 h. */
export const LONGEST_MS = 30_000 * 3_600_000;

/** What each goal may be, by its name in `Goals`. */
const RANGES: Readonly<Record<keyof Goals, { readonly words: string; holds(value: number): boolean }>> = {
  deadlineMs: {
    words: 'a number of ms above 0, up to 30000 h',
    holds: (value) => value > 0 && value <= LONGEST_MS,
  },
  maxDowntimeMs: {
    words: 'a number of ms from 0 to 30000 h',
    holds: (value) => value >= 0 && value <= LONGEST_MS,
  },
  keepReaders: { words: 'a share from 0 to 1', holds: (value) => value >= 0 && value <= 1 },
  probability: { words: 'a share above 0, up to 1', holds: (value) => value > 0 && value <= 1 },
};

/** Whatever a program without types may have handed in. @throws UsageError with the goal's name */
export function checkGoals(wanted: Readonly<Record<string, unknown>>): void {
  for (const [name, { words, holds }] of entriesOf(RANGES)) {
    const value = wanted[name];
    if (value === undefined || (typeof value === 'number' && holds(value))) continue;
    throw new UsageError(`${name}: ${expected(words, value)}`);
  }
}

const DEADLINE_MS = 300_000;
/** A deadline that was not asked for leaves time for this many passes over what is not zero, at the rate of the link or the cap. */
const PASSES = 3;
const MAX_DOWNTIME_MS = 1000;
const KEEP_READERS = 0.9;
const PROBABILITY = 0.95;

/**
 * The goals, with defaults for those that were not asked for. The deadline is the longest of 5 min, three first passes, and one
 * and a half times what the log's own migration took (`loggedMs`). The longest stop is 1 s, or the scenario's own limit and a
 * fifth. Readers keep 90 % of their work.
 */
export function goalsFor(scenario: Scenario, wanted: Partial<Goals>, loggedMs = 0): Goals {
  return {
    deadlineMs: max(DEADLINE_MS, passesMs(scenario), asLoggedMs(loggedMs)),
    maxDowntimeMs: max(MAX_DOWNTIME_MS, Math.ceil(scenario.setup.migration.downtimeLimitMs * 1.2)),
    keepReaders: KEEP_READERS,
    probability: PROBABILITY,
    ...wanted,
  };
}

/** Where a goal that was not asked for is from, such as `time for three passes over memory at 80 Mbit/s`; empty: nothing but usual. */
export type GoalReasons = Partial<Readonly<Record<'deadlineMs' | 'maxDowntimeMs' | 'keepReaders', string>>>;

/** Reasons of the goals that `goalsFor` adds to those that were asked for. */
export function goalReasonsFor(scenario: Scenario, wanted: Partial<Goals>, loggedMs = 0): GoalReasons {
  const { setup } = scenario;
  const [passes, logged] = [passesMs(scenario), asLoggedMs(loggedMs)];
  const deadlineMs =
    max(passes, logged) <= DEADLINE_MS
      ? ''
      : passes > logged
        ? `time for three passes over memory at ${formatBytesPerSecond(rateOf(setup), 'bit')}`
        : 'half as much again as in the log';
  const hasHigh = setup.migration.downtimeLimitMs * 1.2 > MAX_DOWNTIME_MS;
  const all = {
    deadlineMs,
    maxDowntimeMs: hasHigh ? 'the downtime-limit in force and a fifth' : '',
    keepReaders: '',
  };
  return Object.fromEntries(Object.entries(all).filter(([key]) => !Object.hasOwn(wanted, key)));
}

function asLoggedMs(loggedMs: number): number {
  return Math.ceil((loggedMs * 1.5) / MINUTE_MS) * MINUTE_MS;
}

const MINUTE_MS = 60_000;

function rateOf({ link, migration: { maxBandwidth } }: Scenario['setup']): number {
  const { bandwidthBytesPerSecond } = link;
  return maxBandwidth === 0 ? bandwidthBytesPerSecond : Math.min(maxBandwidth, bandwidthBytesPerSecond);
}

/** Rounded up to whole minutes. */
function passesMs({ setup }: Scenario): number {
  const { ramPages, zeroExtents } = setup.guest;
  const zero = zeroExtents.reduce((sum, { pages, zeroPages = pages }) => sum + zeroPages, 0);
  const passMs = ((max(0, ramPages - zero) * PAGE_BYTES) / rateOf(setup)) * 1000;
  return Math.ceil((PASSES * passMs) / MINUTE_MS) * MINUTE_MS;
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
