/**
 * The best that any throttle could do. It knows the workload, which no strategy of QEMU's could: `prepare` sees the
 * guest, and `start`, which follows it in the same run, sees the same options object.
 */
import { nth } from '../lists.js';
import { unmigratedAccesses } from '../guest/phases.js';
import { PAGE_BYTES, type GuestSpec } from '../guest/spec.js';
import type { Controls } from '../migration/controls.js';
import type { MigrationSetup } from '../migration/setup.js';
import { formatDurationMs } from '../units.js';
import { defineStrategy } from './define.js';
import { endsFirstPass, Restrainer } from './kit/restrainer.js';
import { leastHold, lowestPending, type DirtyClass } from './kit/restraint-law.js';

const { max, min } = Math;

const HELD_SHARE = 0.01;
const SYNC_PERIOD_MS = 100;
const PATIENCE = 0.5;
/** How far ahead it looks where nothing ends the migration, s, and in any case, in periods of the workload's phases. */
const HORIZON_S = 120;
const HORIZON_PERIODS = 3;
const INSTANT_US = 1000;
/** By then a bandwidth is known. */
const FIRST_ESTIMATE_MS = 1000;

/** Each guest's classes of written pages, with what every vCPU does to them. Sequential ones count as uniform. */
export function classesOf(guest: GuestSpec): DirtyClass[] {
  const classes = new Map<string, { pages: number; touches: number[] }>();
  guest.vcpus.forEach((vcpu, i) => {
    for (const { firstPage, pages, writesPerSecond } of vcpu.classes) {
      if (writesPerSecond === 0) continue;
      const key = `${firstPage}+${pages}`;
      const found = classes.get(key) ?? { pages, touches: guest.vcpus.map(() => 0) };
      found.touches[i] = nth(found.touches, i) + writesPerSecond / pages;
      classes.set(key, found);
    }
  });
  return [...classes.values()];
}

/** How fast a vCPU writes between two instants, µs, in terms of its rates. */
function paceOf(guest: GuestSpec, vcpu: number, fromUs: number, toUs: number): number {
  const spec = nth(guest.vcpus, vcpu);
  if (spec.phases.length === 0) return 1;
  const undisturbed = spec.classes.reduce((sum, c) => sum + c.writesPerSecond, 0) * ((toUs - fromUs) / 1e6);
  return undisturbed === 0 ? 1 : unmigratedAccesses(spec, fromUs, toUs).writes / undisturbed;
}

function horizonSeconds(setup: MigrationSetup, nowUs: number): number {
  const { giveUpAfterUs } = setup.migration;
  const left = giveUpAfterUs > 0 ? (giveUpAfterUs - nowUs) / 1e6 : HORIZON_S;
  return min(left, max(HORIZON_S, (HORIZON_PERIODS * longestPeriodUs(setup.guest)) / 1e6));
}

function longestPeriodUs(guest: GuestSpec): number {
  return guest.vcpus.reduce(
    (longest, { phases, phasePeriodUs }) => max(longest, phasePeriodUs, phases.at(-1)?.atUs ?? 0),
    0,
  );
}

/** What `prepare` saw, by the options that `start` gets. */
const guests = new WeakMap<object, MigrationSetup>();

function startOracle(migration: Controls, setup: MigrationSetup, deadlineMs: number): void {
  const { guest } = setup;
  const classes = classesOf(guest);
  let lowest = Infinity;
  const patienceUs = HORIZON_PERIODS * longestPeriodUs(guest);
  // A guest without phases settles, and where it does so is the lowest there is.
  const phased = patienceUs > 0 ? { forecast: { lowest: () => lowest, patienceUs } } : {};
  const pace = (vcpu: number): number =>
    paceOf(guest, vcpu, migration.nowUs(), migration.nowUs() + INSTANT_US);
  const knowledge = { known: true, classes: () => classes, pace, ...phased };
  const restrainer = new Restrainer(
    migration,
    {
      rule: 'oracle',
      deadlineMs,
      syncPeriodMs: SYNC_PERIOD_MS,
      patience: PATIENCE,
      heldShare: HELD_SHARE,
    },
    knowledge,
  );
  const look = (pending: number): void => {
    const sending = restrainer.sending();
    const nowUs = migration.nowUs();
    const untilUs = min(horizonSeconds(setup, nowUs) * 1e6, deadlineMs * 1000 - nowUs);
    lowest = lowestPending(classes, pending, sending.pagesPerSecond, untilUs / 1e6, (vcpu, from, to) =>
      paceOf(guest, vcpu, nowUs + from * 1e6, nowUs + to * 1e6),
    );
    const hold = leastHold(classes, max(lowest, sending.limitPages), sending, {
      heldShare: 0,
      vcpuCount: migration.vcpuCount,
    });
    const least =
      hold === null ? 'nothing brings it under the limit' : formatDurationMs(hold.lostSeconds * 1000);
    migration.explain('oracle', `least run time that any throttle takes before the switchover: ${least}`);
  };
  let firstPass = true;
  migration.after(FIRST_ESTIMATE_MS, () => {
    if (firstPass) restrainer.firstEstimate(migration.stats().remainingBytes / PAGE_BYTES);
  });
  migration.onSync((event) => {
    if (event.cause === 'setup') return;
    if (!firstPass) return restrainer.synced(event);
    if (!endsFirstPass(event, migration.stats())) return restrainer.syncedInFirstPass(event);
    firstPass = false;
    look(event.remainingBytes / PAGE_BYTES);
    restrainer.estimate(event.remainingBytes / PAGE_BYTES);
    restrainer.firstPassEnded(event);
  });
}

export const oracle = defineStrategy({
  name: 'oracle',
  summary: 'the lower bound: the best hold for a guest whose workload is known',
  source: 'migsim; the bound and its assumptions: docs/predictive-restraint.md',
  rule: `Predictive-restraint with the workload known instead of learned: which pages each vCPU writes, how often, and when
that changes. It waits for the moment at which least is left to send, however late, or as late as the deadline
allows, and then holds the vCPUs whose holding loses least, until the switchover.

Its assumptions: what a vCPU does is in proportion to the time it runs; a throttle acts on a whole vCPU and
leaves it 1 % of its time; pages are sent in the order of QEMU's cursor, and the bitmap may be synced at will;
sequential writes meet dirty pages as often as uniform ones. Under them no throttle takes less from the guest
than the figure that it explains, which leaves out the cost of tracking, of syncs, and the blackout.

What another strategy loses beyond the oracle's run is its regret. The oracle knows the workload and not where
each write will land, so that a regret can be a little below nothing.`,
  options: {
    deadline: {
      kind: 'duration-ms',
      min: 1,
      orNone: true,
      default: 'none',
      summary: 'total time by which the migration should be over; none: no matter when',
    },
  },
  refuses: (_options, { guest }) =>
    guest.dma === undefined ? null : 'its bound counts what vCPUs write, not devices; expected no guest.dma',
  prepare(options, setup) {
    guests.set(options, setup);
    return setup;
  },
  start(options, migration) {
    const setup = guests.get(options);
    const deadlineMs = options.deadline === 'none' ? Infinity : options.deadline;
    if (setup === undefined)
      migration.explain('oracle', 'the workload is unknown: the strategy does nothing');
    else startOracle(migration, setup, deadlineMs);
  },
});
