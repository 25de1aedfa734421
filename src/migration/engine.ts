/**
 * One migration, from `migrate` to its end, by QEMU's rules. Source: QEMU 10.2.2 migration/migration.c and ram.c, with the
 * differences of versions.ts.
 *
 * The engine steps from decision to decision. Between two of them pages leave in runs and the guest runs by itself; both
 * memories are brought to the present only when they are looked at: at a sync, where a chunk's tracking is cleared, at an event.
 * Time is virtual, in µs since `migrate`; QEMU's millisecond clocks are cut from it.
 */
import { UsageError } from '../errors.js';
import { TooMuchWork } from '../guest/effort.js';
import { formatDurationMs } from '../units.js';
import type { Controls, MigrationStats } from './controls.js';
import { makeControls } from './make-controls.js';
import { type RunLabels, type Writings, outcome } from './observe/outcome.js';
import { SyncRecords } from './observe/sync-records.js';
import { Timeline } from './observe/timeline.js';
import { Trace } from './observe/trace.js';
import { BitmapSync } from './parts/bitmap-sync.js';
import type { Counters } from './parts/counters.js';
import { DirtyLog } from './parts/dirty-log.js';
import { Orders } from './parts/orders.js';
import { type Seen, makeParts } from './parts/parts.js';
import type { Run } from './parts/pauses.js';
import { TurnSends } from './parts/turn-sends.js';
import type { MigrationResult, MigrationStatus } from './result.js';
import { pendingEstimate } from './rules/rules.js';
import { startSchedule } from './schedule.js';
import { checkSetup } from './setup-check.js';
import type { MigrationSetup } from './setup.js';
import { setUp, settle } from './thread/begin.js';
import { postcopy } from './thread/postcopy.js';
import { precopy } from './thread/precopy.js';
import { complete } from './thread/switchover.js';
import { ENDED, Failed, GuestLost, type Thread } from './thread/thread.js';

const { max, round } = Math;
const INFINITY = Infinity;
/**
 * Run one migration. `attach` hangs a strategy and a policy on it before it starts.
 * The same setup and attachments give the same result to the last bit. Throws `UsageError` where a number of the setup is not
 * finite, and where a run takes too much work (`Effort`).
 */
export function runMigration(
  setup: MigrationSetup,
  names: RunLabels,
  attach: (controls: Controls) => void,
): MigrationResult {
  const result = startMigration(setup, names, attach).advance(INFINITY);
  if (result === null) throw new Error('a migration without a pause has paused');
  return result;
}

/** A migration in which time passes only as far as it is let. */
export interface SteppedMigration {
  readonly controls: Controls;
  readonly seen: Seen;
  /** What query-migrate would show at this instant. In the middle of a turn: with what has left by now. */
  look(): { readonly stats: MigrationStats; readonly counters: Readonly<Counters> };
  /** Reports each change of the status, and when the guest is stopped (false) and runs again (true) at the source. */
  watch(onStatus: (status: MigrationStats['status']) => void, onRuns: (runs: boolean) => void): void;
  /**
   * Lets time pass to `untilUs`, µs since `migrate`, or to the end. What is then done to it happens at that instant, as if it
   * had been scheduled. Returns the result once it is over, null before.
   */
  advance(untilUs: number): MigrationResult | null;
}

/** The same migration as `runMigration`, for those who look at it and act on it while it runs. */
export function startMigration(
  setup: MigrationSetup,
  names: RunLabels,
  attach: (controls: Controls) => void,
): SteppedMigration {
  checkSetup(setup);
  const migration = new Migration(setup);
  attach(migration.controls);
  startSchedule(migration.controls, setup.migration.schedule ?? []);
  migration.start(names);
  return migration;
}

class Migration implements SteppedMigration {
  readonly controls: Controls;
  readonly #shared: Thread;
  readonly #writings: Writings;
  #thread: Run<MigrationResult> | null = null;
  #result: MigrationResult | null = null;

  constructor(setup: MigrationSetup) {
    const parts = makeParts(setup);
    const orders = new Orders(parts.clock);
    const trace = new Trace(parts);
    const timeline = new Timeline(parts);
    const log = new DirtyLog(parts);
    this.#writings = { trace, timeline, syncs: new SyncRecords(parts) };
    const sync = new BitmapSync(parts, log, orders, this.#writings);
    const sends = new TurnSends(parts.counters, parts.run);
    this.#shared = { parts, orders, sends, trace, timeline, log, sync };
    this.controls = makeControls(parts, orders, sync, log, trace);
    if (setup.timelineMs > 0) parts.clock.watcher = timeline;
  }

  get seen(): Seen {
    return this.#shared.parts;
  }

  look(): { readonly stats: MigrationStats; readonly counters: Readonly<Counters> } {
    const { clock, counters } = this.#shared.parts;
    const stats = this.controls.stats();
    const left = this.#shared.sends.leftBy(clock.nowUs);
    if (left === null) return { stats, counters };
    const shown = {
      transferredBytes: round(left.counters.shown),
      remainingBytes: pendingEstimate(left.dirtyPages),
      duplicatePages: round(left.counters.zeroPages),
      normalPages: round(left.counters.normalPages),
    };
    return { stats: { ...stats, ...shown }, counters: left.counters };
  }

  watch(onStatus: (status: MigrationStats['status']) => void, onRuns: (runs: boolean) => void): void {
    this.#shared.parts.state.onPhase = onStatus;
    this.#shared.orders.runListeners.push(onRuns);
  }

  start(names: RunLabels): void {
    this.#thread = this.#run(names);
  }

  advance(untilUs: number): MigrationResult | null {
    if (this.#result !== null) return this.#result;
    this.#shared.parts.clock.pauseUs = untilUs;
    const step = this.#thread?.next();
    if (step?.done === true) this.#result = step.value;
    return this.#result;
  }

  *#run(names: RunLabels): Run<MigrationResult> {
    const thread = this.#shared;
    const { parts, orders } = thread;
    const { setup, clock, guest, state, restraint } = parts;
    let status: MigrationStatus = 'completed';
    let reason: string | null = null;
    let isGuestLost = false;
    try {
      const { giveUpAfterUs } = setup.migration;
      if (giveUpAfterUs > 0) clock.events.at(giveUpAfterUs, () => orders.giveUp());
      yield* settle(thread);
      yield* setUp(thread);
      if ((yield* precopy(thread)) === 'complete') yield* complete(thread);
      else yield* postcopy(thread);
    } catch (error) {
      if (error instanceof Failed) {
        status = 'failed';
        reason = error.message;
        isGuestLost = error instanceof GuestLost;
      } else if (error === ENDED) {
        status = orders.gaveUp ? 'gave-up' : 'cancelled';
        reason = orders.cancelReason;
      } else if (error instanceof TooMuchWork)
        throw new UsageError(
          `too much to simulate: ${formatDurationMs(max(0, clock.nowUs) / 1000)} into the migration ${error.message}`,
        );
      else throw error;
      thread.timeline.look();
      state.phase = status === 'failed' ? 'failed' : 'cancelled';
      if (!isGuestLost) guest.advance(clock.nowUs);
      thread.trace.ended(status, reason ?? '');
    }
    if (!isGuestLost) restraint.end();
    for (const listener of orders.endListeners) listener();
    return outcome(parts, this.#writings, names, status, status === 'gave-up' ? null : reason);
  }
}
