/**
 * A host is emptied: several guests migrate over one link, one after the other or some at a time.
 *
 * Migrations that run at the same time share the link max-min fairly: no guest gets more than its max-bandwidth lets it use
 * while another could use more. What no guest can use in pre-copy is spread evenly, as QEMU lifts max-bandwidth for the
 * switchover. Between two completions the shares are constant, so the first completion among the running migrations is
 * certain; from there on the others run with other shares, and the next completion is looked for (progressive filling as
 * in Bertsekas and Gallager, "Data Networks", 6.5.2).
 */
import { nth, zip } from '../lists.js';
import { UsageError } from '../errors.js';
import type { MigrationResult } from '../migration/result.js';
import type { LinkPhase } from '../migration/setup.js';
import type { Scenario, StrategyChoice } from '../scenario/scenario.js';
import { checkParallel, checkRunOptions } from './run-options.js';
import { refuseImpossible, simulate } from './simulate.js';
import { largest } from '../stats/extremes.js';

/** A guest on the host, and how it is held back while it leaves. */
export interface DrainGuest {
  readonly scenario: Scenario;
  readonly strategy: StrategyChoice;
}

/** How a host is emptied. */
export interface DrainOptions {
  /** Migrations at a time; 1: one after the other. */
  readonly parallel: number;
  readonly seed?: number;
  /** Default `page`. */
  readonly memory?: 'page' | 'fluid';
  /** Called when a guest's migration is over. */
  readonly onGuest?: () => void;
}

/** What a guest got of the link from `fromMs` on, since the drain began. */
export interface Share {
  readonly fromMs: number;
  readonly bytesPerSecond: number;
}

/** When one guest left, over what, and how. */
export interface DrainedGuest {
  /** Since the drain began, ms. A migration that does not converge ends when it is given up. */
  readonly startMs: number;
  readonly endMs: number;
  readonly shares: readonly Share[];
  readonly result: MigrationResult;
}

/** What came of it. */
export interface Drain {
  readonly parallel: number;
  /** In the order in which they were given, which is that in which they start. */
  readonly guests: readonly DrainedGuest[];
  /** Until the last migration is over, ms. */
  readonly totalTimeMs: number;
}

interface Running {
  readonly index: number;
  readonly startMs: number;
  readonly shares: Share[];
  result: MigrationResult;
}

/** Guest i runs as repetition i + 1, so that guests of one scenario are not twins. Throws `UsageError`. */
export function drain(guests: readonly DrainGuest[], options: DrainOptions): Drain {
  if (guests.length === 0) throw new UsageError('no guests; expected at least one');
  const capacity = capacityOf(guests);
  const { parallel, seed = 1, memory = 'page', onGuest } = options;
  checkParallel(parallel);
  checkRunOptions({ seed, memory });
  for (const { scenario, strategy } of guests) refuseImpossible(scenario, [strategy], { memory });
  const done: DrainedGuest[] = [];
  let running: Running[] = [];
  let next = 0;
  let nowMs = 0;
  const resultOf = (index: number, startMs: number, shares: readonly Share[]): MigrationResult => {
    const { scenario, strategy } = nth(guests, index);
    return simulate(withShares(scenario, startMs, shares), strategy, {
      seed,
      run: index + 1,
      draw: false,
      memory,
    });
  };

  while (next < guests.length || running.length > 0) {
    const indices = running.map(({ index }) => index);
    while (next < guests.length && indices.length < parallel) indices.push(next++);
    const shares = fairShares(
      capacity,
      indices.map((index) => limitOf(nth(guests, index))),
    );
    running = zip(indices, shares).map(([index, bytesPerSecond]) => {
      const before = running.find((one) => one.index === index);
      const startMs = before?.startMs ?? nowMs;
      const changed = shareChanged(before?.shares ?? [], { fromMs: nowMs, bytesPerSecond });
      const same = changed === before?.shares;
      return {
        index,
        startMs,
        shares: changed,
        result: same ? before.result : resultOf(index, startMs, changed),
      };
    });
    const first = nth(
      [...running].sort((a, b) => endOf(a) - endOf(b) || a.index - b.index),
      0,
    );
    nowMs = endOf(first);
    done[first.index] = { ...first, endMs: nowMs };
    running = running.filter((one) => one !== first);
    onGuest?.();
  }
  const drained = done.map(({ startMs, endMs, shares, result }) => ({ startMs, endMs, shares, result }));
  return { parallel, guests: drained, totalTimeMs: Math.max(0, largest(drained.map(({ endMs }) => endMs))) };
}

/**
 * Max-min fair: capacity goes round in equal parts, a guest that needs less than its part leaves the rest to the others.
 * What is left when all have what they can use is spread evenly. The sum is `capacity`.
 */
export function fairShares(capacity: number, limits: readonly number[]): number[] {
  const shares = limits.map(() => 0);
  const rising = [...limits.keys()].sort((a, b) => nth(limits, a) - nth(limits, b) || a - b);
  let left = capacity;
  for (const [at, index] of rising.entries()) {
    const part = left / (rising.length - at);
    shares[index] = Math.min(nth(limits, index), part);
    left -= shares[index];
  }
  return shares.map((share) => share + Math.max(0, left) / shares.length);
}

function endOf({ startMs, result }: Pick<Running, 'startMs' | 'result'>): number {
  return startMs + result.totalTimeMs;
}

/** The same list when nothing changes. */
function shareChanged(shares: Share[], share: Share): Share[] {
  const last = shares.at(-1);
  if (last?.bytesPerSecond === share.bytesPerSecond) return shares;
  return [...shares.filter(({ fromMs }) => fromMs < share.fromMs), share];
}

/** QEMU's limit for pre-copy; Infinity when there is none. */
function limitOf({ scenario }: DrainGuest): number {
  const { maxBandwidth } = scenario.setup.migration;
  return maxBandwidth === 0 ? Infinity : maxBandwidth;
}

function withShares(scenario: Scenario, startMs: number, shares: readonly Share[]): Scenario {
  const { setup } = scenario;
  const { latencyUs } = setup.link;
  const phases = shares.map(({ fromMs, bytesPerSecond }): LinkPhase => ({
    atUs: Math.round((fromMs - startMs) * 1e3),
    bandwidthBytesPerSecond: bytesPerSecond,
    latencyUs,
  }));
  const link = {
    ...setup.link,
    bandwidthBytesPerSecond: nth(phases, 0).bandwidthBytesPerSecond,
    phases: phases.slice(1),
  };
  return { ...scenario, setup: { ...setup, link } };
}

function capacityOf(guests: readonly DrainGuest[]): number {
  const [first] = guests;
  if (first === undefined) throw new UsageError('nothing to drain; expected scenarios');
  const { link } = first.scenario.setup;
  for (const { scenario } of guests) {
    const { bandwidthBytesPerSecond, phases, outages = [] } = scenario.setup.link;
    const place = scenario.file === null ? undefined : { file: scenario.file };
    if (bandwidthBytesPerSecond !== link.bandwidthBytesPerSecond)
      throw new UsageError(
        'link: another bandwidth than that of the first guest; expected the same link',
        place,
      );
    if (phases.length > 0 || outages.length > 0)
      throw new UsageError(
        'link: draining does not support link phases or outages; expected a steady link',
        place,
      );
  }
  return link.bandwidthBytesPerSecond;
}
