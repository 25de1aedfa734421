/**
 * One migration, from `migrate` to its end, by QEMU's rules. Source: QEMU 10.2.2 migration/migration.c and ram.c, with the
 * differences of versions.ts.
 *
 * The engine steps from decision to decision. Between two of them pages leave in runs and the guest runs by itself; both
 * memories are brought to the present only when somebody looks: at a sync, where a chunk's tracking is cleared, at an event.
 * Time is virtual, in µs since `migrate`; QEMU's millisecond clocks are cut from it.
 */
import { UsageError } from '../errors.js';
import { TooMuchWork } from '../guest/effort.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { formatDurationMs } from '../units.js';
import { BitmapSync } from './parts/bitmap-sync.js';
import { type Run, advance, pass, pauses } from './parts/pauses.js';
import type { Controls, MigrationStats } from './controls.js';
import type { Counters } from './parts/counters.js';
import { DirtyLog } from './parts/dirty-log.js';
import { askForFreePages, takeFreePages } from './parts/free-page-hints.js';
import { leap } from './leap.js';
import { makeControls } from './make-controls.js';
import { Orders } from './parts/orders.js';
import { type RunLabels, type Writings, outcome } from './observe/outcome.js';
import { type Parts, type Seen, makeParts } from './parts/parts.js';
import { PostcopyPages } from './parts/postcopy-pages.js';
import type { MigrationResult, MigrationStatus } from './result.js';
import {
  BUFFER_DELAY_MS,
  CLOCK_CHECK_PAGES,
  MAX_WAIT_MS,
  XFER_LIMIT_RATIO,
  mayComplete,
  mbps,
  needsSync,
  pagesToClockCheck,
  pendingEstimate,
} from './rules/rules.js';
import type { MigrationSetup } from './setup.js';
import { checkSetup } from './setup-check.js';
import { EOS_BYTES, SECTION_BYTES } from './rules/stream.js';
import { discardBytes } from './rules/postcopy.js';
import { startSchedule } from './schedule.js';
import { SyncRecords } from './observe/sync-records.js';
import { Timeline } from './observe/timeline.js';
import { Trace } from './observe/trace.js';
import { TurnSends } from './parts/turn-sends.js';

const { ceil, floor, max, min, round } = Math;
const INFINITY = Infinity;
const GIB_PAGES = 2 ** 30 / PAGE_BYTES;
/** Stream header, command and RAM block list sent in setup, bytes: a few hundred, no figure depends on it. */
const SETUP_BYTES = 500;

/** Thrown inside the engine to leave the loop when the migration was cancelled; never escapes. */
class Ended extends Error {}

/** Thrown when the migration failed: QEMU's status `failed`, with the reason in words. */
class Failed extends Error {}

/** Post-copy interleaves background, requests and vCPUs in steps of this length, µs: well below one request's latency at 10 Gbit/s. */
const POSTCOPY_STEP_US = 500;

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
  /** Tells of each change of the status, and when the guest is stopped (false) and runs again (true) at the source. */
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
  readonly #parts: Parts;
  readonly #orders: Orders;
  readonly #sends: TurnSends;
  readonly #writings: Writings;
  readonly #trace: Trace;
  readonly #timeline: Timeline;
  readonly #log: DirtyLog;
  readonly #sync: BitmapSync;
  #guestLost = false;
  #thread: Run<MigrationResult> | null = null;
  #result: MigrationResult | null = null;

  constructor(setup: MigrationSetup) {
    const parts = makeParts(setup);
    this.#parts = parts;
    this.#orders = new Orders(parts.clock);
    this.#sends = new TurnSends(parts.counters, parts.run);
    this.#trace = new Trace(parts);
    this.#timeline = new Timeline(parts);
    this.#writings = { trace: this.#trace, timeline: this.#timeline, syncs: new SyncRecords(parts) };
    this.#log = new DirtyLog(parts);
    this.#sync = new BitmapSync(parts, this.#log, this.#orders, this.#writings);
    this.controls = makeControls(parts, this.#orders, this.#sync, this.#log, this.#trace);
    if (setup.timelineMs > 0) parts.clock.watcher = this.#timeline;
  }

  get seen(): Seen {
    return this.#parts;
  }

  look(): { readonly stats: MigrationStats; readonly counters: Readonly<Counters> } {
    const { clock, counters } = this.#parts;
    const stats = this.controls.stats();
    const left = this.#sends.leftBy(clock.nowUs);
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
    this.#parts.state.onPhase = onStatus;
    this.#orders.runListeners.push(onRuns);
  }

  start(names: RunLabels): void {
    this.#thread = this.#run(names);
  }

  advance(untilUs: number): MigrationResult | null {
    if (this.#result !== null) return this.#result;
    this.#parts.clock.pauseUs = untilUs;
    const step = this.#thread?.next();
    if (step?.done === true) this.#result = step.value;
    return this.#result;
  }

  *#run(names: RunLabels): Run<MigrationResult> {
    const { setup, clock, guest, state } = this.#parts;
    let status: MigrationStatus = 'completed';
    let reason: string | null = null;
    try {
      const { giveUpAfterUs } = setup.migration;
      if (giveUpAfterUs > 0) clock.events.at(giveUpAfterUs, () => this.#orders.giveUp());
      yield* this.#settle();
      yield* this.#setUp();
      if ((yield* this.#loop()) === 'complete') yield* this.#complete();
      else yield* this.#postcopy();
    } catch (error) {
      if (error instanceof Failed) {
        status = 'failed';
        reason = error.message;
      } else if (error instanceof Ended) {
        status = this.#orders.gaveUp ? 'gave-up' : 'cancelled';
        reason = this.#orders.cancelReason;
      } else if (error instanceof TooMuchWork)
        throw new UsageError(
          `too much to simulate: ${formatDurationMs(max(0, clock.nowUs) / 1000)} into the migration ${error.message}`,
        );
      else throw error;
      this.#timeline.look();
      state.phase = status === 'failed' ? 'failed' : 'cancelled';
      if (!this.#guestLost) guest.advance(clock.nowUs);
      this.#trace.ended(status, reason ?? '');
    }
    if (!this.#guestLost) this.#parts.restraint.end();
    for (const listener of this.#orders.endListeners) listener();
    return outcome(this.#parts, this.#writings, names, status, status === 'gave-up' ? null : reason);
  }

  // ------------------------------------------------------------------------------------------------ setup

  /** What was started by hand before `migrate` finds its level. */
  *#settle(): Run<void> {
    const { setup, clock, memory, guest } = this.#parts;
    if (clock.nowUs === 0) return;
    if (setup.guest.dirtyRingSize > 0) memory.startTracking();
    yield* advance(clock, 0);
    guest.advance(clock.nowUs);
    guest.resetCounts();
  }

  /** migration.c:qmp_migrate, migration_thread; ram.c:ram_save_setup, ram_init_bitmaps. */
  *#setUp(): Run<void> {
    const { setup, clock, memory, guest, stream, state, counters, window, run } = this.#parts;
    const { host } = setup;
    const gib = memory.totalPages / GIB_PAGES;
    // The first window opens before setup and so contains it.
    window.startMs = clock.ms();
    const perGiB = setup.guest.dirtyRingSize > 0 ? host.setupUsPerGiBRing : host.setupUsPerGiBBitmap;
    yield* advance(clock, clock.nowUs + host.setupFixedUs + perGiB * gib);
    guest.advance(clock.nowUs);
    memory.startLogging();
    run.dirtyPages = memory.totalPages;
    yield* this.#sync.run('setup');
    askForFreePages(this.#parts, this.#orders);
    state.setupUs = clock.nowUs;
    counters.frame(SETUP_BYTES);
    counters.recordMultifd(stream.helloBytes);
    counters.syncChannels(stream);
    state.phase = 'active';
    guest.speed = this.#speedBesideBulk();
    this.#log.startReaper();
    this.#timeline.start();
  }

  /** In the first pass the destination takes in pages that it never had: beside the source, that slows its vCPUs. */
  #speedBesideBulk(): number {
    const { setup, stream, window, run } = this.#parts;
    const { host } = setup;
    if (host.siblingSlowdown === 0) return 1;
    const { normal } = stream;
    const fastest = 1e6 / run.pageUs(normal);
    const limited =
      window.quota === 0 ? fastest : min(fastest, (window.quota * XFER_LIMIT_RATIO) / normal.bytes);
    return 1 - host.siblingSlowdown * min(1, (limited * host.populateNsPerPage) / 1e9);
  }

  // ------------------------------------------------------------------------------------------------ the loop

  /** migration.c:migration_thread's loop, up to the decision to switch over. */
  *#loop(): Run<'complete' | 'postcopy'> {
    const { setup, clock, window, devices } = this.#parts;
    for (;;) {
      this.#checkCancelled();
      const waitsUntilUs = leap(this.#parts, this.#orders);
      if (waitsUntilUs > 0) yield* advance(clock, waitsUntilUs);
      this.#timeline.look();
      this.#checkCancelled();
      if (!window.isExceeded()) {
        if (this.#isToPause) this.#trace.paused(yield* this.#stopGuest());
        let pending = this.#pendingEstimate();
        if (this.#needsSync(pending)) pending = yield* this.#pendingExact();
        const decision = this.#decide(pending);
        if (decision !== 'iterate') return decision;
        if (setup.guest.hostPagePages === 1) {
          const endUs = this.#iterate();
          if (clock.pausesBefore(endUs)) yield* pauses(clock, endUs);
          this.#endIteration(endUs);
        } else yield* this.#iterateHostPages();
        if (!devices.none) yield* this.#iterateDevices();
        this.#checkCancelled();
        this.#runWhatWaited();
      }
      const untilUs = this.#rateLimit();
      if (untilUs > 0) {
        if (clock.pausesBefore(untilUs)) yield* pauses(clock, untilUs);
        clock.pass(untilUs);
      }
      this.#timeline.look();
    }
  }

  /** migration.c:migration_detect_error, and migrate_cancel. */
  #checkCancelled(): void {
    const { link } = this.#parts;
    if (this.#orders.cancelReason !== null) throw new Ended();
    if (link.outages > 0) throw new Failed('the network failed in pre-copy; the guest runs on at the source');
  }

  /** QMP `stop` was given, and the thread has not come to it. */
  get #isToPause(): boolean {
    return this.#orders.pause && this.#parts.state.stopUs === null;
  }

  /** savevm.c:qemu_savevm_state_pending_estimate. */
  #pendingEstimate(): number {
    const { run, devices } = this.#parts;
    return pendingEstimate(run.dirtyPages) + devices.estimate();
  }

  #needsSync(pending: number): boolean {
    const { version, window } = this.#parts;
    return needsSync(pending, window.threshold, version.syncsAtThreshold);
  }

  /** savevm.c:qemu_savevm_state_pending_exact. */
  *#pendingExact(): Run<number> {
    const { clock, run, devices } = this.#parts;
    yield* this.#waitForSync();
    this.#checkCancelled();
    yield* this.#sync.run('natural');
    this.#checkCancelled();
    return pendingEstimate(run.dirtyPages) + devices.exact(clock.nowUs);
  }

  /** migration.c:migration_iteration_run, the pre-copy part. */
  #decide(pending: number): 'iterate' | 'complete' | 'postcopy' {
    const { version, window } = this.#parts;
    const complete = mayComplete(pending, window.threshold, version.completesAtThreshold);
    let verdict: 'iterate' | 'complete' | 'postcopy' = complete ? 'complete' : 'iterate';
    // With the capability RAM counts as what post-copy can take, so nothing must go before the switch.
    if (this.#orders.postcopy && (version.postcopyFirst || !complete)) verdict = 'postcopy';
    this.#trace.turn(verdict, pending);
    return verdict;
  }

  /** ram.c:ram_save_iterate: send until the rate is exceeded, the time is up, or nothing is left. Returns when that is over. */
  #iterate(): number {
    const { clock, link, stream, state, counters, window, run } = this.#parts;
    link.drawJitter();
    state.holdsBitmap = true;
    const startUs = clock.nowUs;
    let elapsedUs = 0;
    let index = 0;
    this.#sends.begin();
    while (run.find(startUs + elapsedUs) && this.#orders.cancelReason === null) {
      elapsedUs = max(elapsedUs, clock.nowUs - startUs);
      const available = run.available();
      const cost = run.cost(available, startUs + elapsedUs);
      const pageUs = run.pageUs(cost);
      let pages = min(available, window.pagesToExceed(cost));
      // The first look at the clock at which more than MAX_WAIT_MS whole ms have gone by.
      const untilLate = (MAX_WAIT_MS + 1) * 1000 - elapsedUs;
      const pagesToLate = ceil(untilLate / pageUs);
      const lateIndex = pagesToClockCheck(index + max(1, pagesToLate));
      pages = min(pages, max(lateIndex - index, 1));
      this.#sends.note(startUs + elapsedUs, pages, pageUs);
      run.send(pages, cost.bytes);
      window.queued(pages, cost);
      index += pages;
      elapsedUs += pages * pageUs;
      if (window.isExceeded()) break;
      if (index >= lateIndex) break;
    }
    counters.endIterations(stream, 1, state.stopUs === null);
    this.#endSection();
    return startUs + elapsedUs;
  }

  #endIteration(endUs: number): void {
    const { clock, state } = this.#parts;
    clock.pass(endUs);
    if (this.#orders.cancelReason !== null) this.#sends.takeBack(clock.nowUs);
    state.holdsBitmap = false;
  }

  /** ram.c:ram_save_iterate ends: up to machine type 8.0 with a multifd synchronisation. */
  #endSection(): void {
    const { stream, queue, run } = this.#parts;
    if (!stream.syncsEveryIteration) return queue.endIteration();
    queue.synchronise();
    run.drained();
  }

  /** savevm.c:qemu_savevm_state_iterate, behind RAM: not where the window is full. */
  *#iterateDevices(): Run<void> {
    const { link, counters, window, run, devices } = this.#parts;
    if (window.isExceeded() || this.#orders.cancelReason !== null) return;
    const { bytes, us } = devices.iterate(run.dirtyPages <= 0);
    counters.frame(bytes);
    yield* this.#passBytes(bytes, max(us, (bytes / link.bytesPerSecond) * 1e6));
  }

  /** So many bytes, counted already, leave in `us`: those that a cancel stops on the way are taken back. */
  *#passBytes(bytes: number, us: number): Run<void> {
    const { clock, counters } = this.#parts;
    const endUs = clock.nowUs + us;
    yield* advance(clock, endUs);
    if (this.#orders.cancelReason === null || us === 0) return;
    counters.frame((-bytes * (endUs - clock.nowUs)) / us);
  }

  /**
   * ram.c:ram_save_iterate over huge pages: ram_find_and_save_block sends all dirty pages of a host page, so that the clock
   * is read at the first host page and then at each 64th. migration_rate_limit is called between two of its pages: windows
   * close and waits happen inside the iteration, which ends for a wait only if that falls on the end of a host page.
   */
  *#iterateHostPages(): Run<void> {
    const { clock, link, memory, stream, state, counters, window, run } = this.#parts;
    state.holdsBitmap = true;
    const startUs = clock.nowUs;
    const isPage = memory.kind === 'page';
    let hostPages = 0;
    let clockCheck = 1;
    while (this.#orders.cancelReason === null && run.find(clock.nowUs)) {
      link.drawJitter();
      const available = run.available();
      const cost = run.cost(available, clock.nowUs);
      const pageUs = run.pageUs(cost);
      const windowLeftUs = (window.startMs + BUFFER_DELAY_MS - clock.ms()) * 1000;
      const { left } = run;
      // The page memory's run lies in one host page; the fluid memory's in many, with so many dirty pages each.
      const perHostPage = isPage ? left : max(1, left / run.hostPages);
      const pages = min(
        available,
        window.pagesToExceed(cost),
        max(1, ceil(windowLeftUs / pageUs)),
        isPage ? left : max(1, ceil((clockCheck - hostPages) * perHostPage)),
      );
      this.#sends.begin();
      this.#sends.note(clock.nowUs, pages, pageUs);
      run.send(pages, cost.bytes);
      window.queued(pages, cost);
      const whole = floor(hostPages);
      let done = pages / perHostPage;
      if (isPage) done = pages === left ? run.hostPages : 0;
      hostPages += done;
      run.hostPages -= done;
      yield* advance(clock, clock.nowUs + pages * pageUs);
      if (this.#orders.cancelReason !== null) return this.#sends.takeBack(clock.nowUs);
      if (this.#orders.pause) yield* this.#stopGuest();
      const waitsUntilUs = run.dirtyPages > 0 ? this.#rateLimit() : 0;
      if (waitsUntilUs > 0) yield* pass(clock, waitsUntilUs);
      const ended = floor(hostPages) > whole && hostPages % 1 < 1 / perHostPage;
      if (ended && window.isExceeded()) break;
      if (hostPages < clockCheck) continue;
      if (clock.nowUs - startUs >= (MAX_WAIT_MS + 1) * 1000) break;
      clockCheck += CLOCK_CHECK_PAGES;
    }
    counters.endIterations(stream, 1, state.stopUs === null);
    this.#endSection();
    state.holdsBitmap = false;
  }

  /** migration.c:migration_rate_limit. Returns until when the thread waits, µs; 0: it does not. */
  #rateLimit(): number {
    const { clock, window, run } = this.#parts;
    window.update(clock.ms());
    if (!window.isExceeded()) {
      // A turn that sent nothing (all sent, waiting for a decision) must still let time pass.
      return run.dirtyPages <= 0 ? clock.nowUs + 1000 : 0;
    }
    const waitMs = max(0, window.startMs + BUFFER_DELAY_MS - clock.ms());
    run.drained();
    return clock.nowUs + waitMs * 1000 + clock.wakeLatencyUs();
  }

  /** What asked for the bitmap mutex while an iteration held it: a report of free pages, a timer's sync. */
  #runWhatWaited(): void {
    if (this.#orders.freePages) {
      this.#orders.freePages = false;
      takeFreePages(this.#parts);
    }
    this.#sync.finishAside();
  }

  /** The main loop holds the big lock for a timer's sync: who needs that too waits until it is over. */
  *#waitForSync(): Run<void> {
    const { clock } = this.#parts;
    this.#sync.finishAside();
    while (this.#sync.isRunning && this.#orders.cancelReason === null)
      yield* advance(clock, clock.events.nextUs);
  }

  // ------------------------------------------------------------------------------------------------ switchover

  /**
   * system/cpus.c:do_vm_stop: pause all vCPUs, tell the notifiers, drain and flush the block devices. Nothing shortens a
   * ring-full sleep from 8.x on; a CPU throttle's sleep ends when the vCPU is asked to stop. Returns the instant at which
   * the guest was told to stop, which lies further back when somebody had paused it.
   */
  *#stopGuest(): Run<number> {
    const { setup, version, clock, guest, state, run, devices } = this.#parts;
    if (state.stopUs !== null) return state.stopUs;
    yield* this.#waitForSync();
    const { host } = setup;
    const startUs = clock.nowUs;
    run.handOver();
    guest.advance(clock.nowUs);
    this.#parts.restraint.end();
    state.stopUs = startUs;
    if (version.ringSleepInterruptible) guest.interruptRingSleeps(startUs);
    const residualUs = guest.residualRingSleepUs(startUs);
    guest.stop(startUs);
    this.#trace.ringSleepUs = max(0, residualUs);
    yield* advance(clock, startUs + residualUs + host.stopUs + devices.stopUs + host.blockFlushUs);
    for (const listener of this.#orders.runListeners) listener(false);
    return startUs;
  }

  /**
   * What both endings begin with: the guest stops, and the user may have asked to be waited for. Returns when the guest was
   * told to stop, and where the next part of the downtime begins.
   */
  *#leaveSource(): Run<{ readonly stoppedUs: number; readonly sinceUs: number }> {
    const { setup, version, clock, state } = this.#parts;
    const { pauseBeforeSwitchover } = setup.migration;
    const startUs = clock.nowUs;
    const stoppedUs = yield* this.#stopGuest();
    let sinceUs = this.#trace.endPart('stop', startUs);
    if (pauseBeforeSwitchover) {
      state.phase = 'pre-switchover';
      yield* this.#awaitContinue();
      sinceUs = this.#trace.endPart('migrate-continue', sinceUs);
    }
    if (version.alwaysDeviceStatus || pauseBeforeSwitchover) state.phase = 'device';
    return { stoppedUs, sinceUs };
  }

  /** What the devices and the vCPUs take: bytes, and µs to save and to load them. */
  #devices(): { readonly bytes: number; readonly saveUs: number; readonly loadUs: number } {
    const { setup, clock, guest, state, devices } = this.#parts;
    const { host } = setup;
    const vcpus = guest.vcpus.length;
    const passedThrough = devices.complete(state.stopUs ?? clock.nowUs);
    return {
      bytes: host.deviceStateBytes + vcpus * host.deviceStateBytesPerVcpu + passedThrough.bytes,
      saveUs: host.deviceSaveUs + vcpus * host.deviceSaveUsPerVcpu + passedThrough.us,
      loadUs: host.destinationLoadUs + vcpus * host.destinationLoadUsPerVcpu + devices.startUs,
    };
  }

  /** migration.c:migration_completion_precopy, migration_completion_end. */
  *#complete(): Run<void> {
    const { setup, clock, link, guest, state, counters, window } = this.#parts;
    const { host, migration } = setup;
    const startUs = clock.nowUs;
    const { stoppedUs, sinceUs: syncFromUs } = yield* this.#leaveSource();
    this.#checkCancelledInSwitchover();
    // The rate limiter is off from here: only the link counts.
    window.lift();
    yield* this.#sync.run('switchover');
    let sinceUs = this.#trace.endPart('sync', syncFromUs);
    this.#checkCancelledInSwitchover();
    const sentBytes = counters.transferred;
    yield* this.#sendRest();
    this.#checkCancelledInSwitchover();
    const restBytes = round(counters.transferred - sentBytes);
    sinceUs = this.#trace.endPart('RAM', sinceUs);
    const devices = this.#devices();
    counters.frame(devices.bytes);
    yield* this.#passBytes(devices.bytes, max(devices.saveUs, (devices.bytes / link.bytesPerSecond) * 1e6));
    this.#checkCancelledInSwitchover();
    sinceUs = this.#trace.endPart('device state', sinceUs);
    const resumeUs = clock.nowUs + link.latencyUs + devices.loadUs + host.destinationStartUs;
    if (migration.returnPath) yield* advance(clock, resumeUs + link.latencyUs);
    this.#trace.endPart('destination', sinceUs);
    this.#checkCancelledInSwitchover();
    state.downtimeUs = clock.nowUs - startUs;
    const destinationRunsUs =
      max(resumeUs, migration.orchestratorContUs > 0 ? clock.nowUs : 0) + migration.orchestratorContUs;
    state.blackoutUs = destinationRunsUs - stoppedUs;
    this.#trace.downtime(false, restBytes);
    guest.resume(destinationRunsUs);
    this.#completed();
  }

  /** `pre-switchover`, until somebody answers with migrate-continue or cancels. */
  *#awaitContinue(): Run<void> {
    const { setup, clock } = this.#parts;
    const { migrateContinueDelayUs, migrateContinueAtUs } = setup.migration;
    const untilUs = max(clock.nowUs + migrateContinueDelayUs, migrateContinueAtUs ?? 0);
    while (clock.nowUs < untilUs && !this.#orders.goOn) {
      const nextUs = min(untilUs, clock.events.nextUs);
      if (clock.pausesBefore(nextUs)) {
        clock.advance(clock.pauseUs);
        yield;
      } else if (nextUs === INFINITY) {
        throw new Failed('no orchestrator answers pre-switchover with migrate-continue');
      } else clock.advance(nextUs);
      this.#checkCancelledInSwitchover();
    }
  }

  /** Giving up in the middle of the switchover, or a network that fails: QEMU ends it and the source runs on. */
  #checkCancelledInSwitchover(): void {
    const { clock, link, guest } = this.#parts;
    if (this.#orders.cancelReason === null && link.outages === 0) return;
    guest.resume(clock.nowUs);
    for (const listener of this.#orders.runListeners) listener(true);
    if (this.#orders.cancelReason !== null) throw new Ended();
    throw new Failed('the network failed in the switchover; the guest runs on at the source');
  }

  /**
   * migration.c:postcopy_start: the guest moves with its devices, what is missing follows by itself or when it is asked for.
   * `downtime` ends when the package of device state was handed to the socket; the guest runs when the destination has
   * loaded it.
   */
  *#postcopy(): Run<void> {
    const { setup, version, clock, link, memory, state, counters } = this.#parts;
    const { host, migration } = setup;
    const startUs = clock.nowUs;
    // The status of post-copy comes first where no status `device` lies in between.
    if (!version.alwaysDeviceStatus && !migration.pauseBeforeSwitchover) state.phase = 'postcopy-active';
    const { stoppedUs, sinceUs: syncFromUs } = yield* this.#leaveSource();
    this.#checkCancelledInSwitchover();
    this.#orders.commit();
    yield* this.#sync.run('postcopy');
    let sinceUs = this.#trace.endPart('sync', syncFromUs);
    memory.stopLogging();
    const discards = discardBytes(memory.discardDirty());
    this.#parts.run.dirtyPages = memory.dirtyPages();
    counters.frame(discards);
    yield* advance(clock, clock.nowUs + (discards / link.bytesPerSecond) * 1e6);
    sinceUs = this.#trace.endPart('discard', sinceUs);
    const devices = this.#devices();
    counters.frame(devices.bytes);
    yield* advance(clock, clock.nowUs + devices.saveUs);
    this.#trace.endPart('device state', sinceUs);
    state.downtimeUs = clock.nowUs - startUs;
    const onWireUs = (devices.bytes / link.bytesPerSecond) * 1e6;
    const loadUs =
      host.postcopyPrepareUs + devices.loadUs + host.destinationStartUs + migration.orchestratorContUs;
    const resumeUs = clock.nowUs + onWireUs + link.latencyUs + loadUs;
    state.blackoutUs = resumeUs - stoppedUs;
    this.#trace.downtime(true, 0);
    this.#checkCancelledInSwitchover();
    yield* this.#pushMissing(resumeUs);
  }

  /** The migration thread in post-copy, until nothing is missing; the guest runs on the destination from `resumeUs` on. */
  *#pushMissing(resumeUs: number): Run<void> {
    const { setup, version, clock, link, guest, state, run } = this.#parts;
    const runningPhase = (guestRuns: boolean): 'postcopy-active' | 'postcopy-device' =>
      guestRuns || !version.hasPostcopyDeviceStatus ? 'postcopy-active' : 'postcopy-device';
    state.phase = runningPhase(false);
    state.postcopyStartUs = clock.nowUs;
    const pages = new PostcopyPages(this.#parts);
    let guestRuns = false;
    const resume = (atUs: number): void => {
      guest.resume(atUs);
      guestRuns = true;
      state.phase = 'postcopy-active';
    };
    let isStill = false;
    // Not until none are dirty: of counts in the fluid memory a rounding error may stay.
    while (run.find(clock.nowUs)) {
      let untilUs = clock.nowUs + POSTCOPY_STEP_US;
      // Every vCPU waits for a page that nobody sends: until something happens.
      if (isStill) {
        const nextUs = min(clock.events.nextUs, clock.pauseUs);
        untilUs = max(untilUs, min(nextUs, guestRuns ? INFINITY : resumeUs));
      }
      if (untilUs === INFINITY) {
        this.#guestLost = true;
        throw new Failed('post-copy was paused and nobody recovers it: the guest is lost');
      }
      const accesses = link.isDown ? guest.accesses() : 0;
      const requested = guestRuns ? pages.serveRequests(untilUs) : 0;
      if (!link.isDown) pages.push(POSTCOPY_STEP_US, requested);
      yield* advance(clock, untilUs);
      if (!guestRuns && clock.nowUs >= resumeUs) resume(clock.nowUs);
      isStill = link.isDown && guest.accesses() === accesses;
      if (link.isDown) state.phase = 'postcopy-paused';
      else if (state.phase === 'postcopy-paused') state.phase = runningPhase(guestRuns);
      if (link.outages > 0 && setup.migration.postcopyRecover === false) {
        this.#guestLost = true;
        throw new Failed('the network failed in post-copy and was not recovered: the guest is lost');
      }
    }
    if (!guestRuns) {
      yield* advance(clock, resumeUs);
      resume(resumeUs);
    }
    yield* advance(clock, clock.nowUs + pages.behindUs);
    if (setup.migration.returnPath) yield* advance(clock, clock.nowUs + 2 * link.latencyUs);
    this.#trace.postcopyOver(clock.nowUs - state.postcopyStartUs);
    this.#completed();
  }

  /** migration.c:migration_completion_end: `mbps` is that of the whole migration from here on. */
  #completed(): void {
    const { clock, state, counters, window } = this.#parts;
    const ms = floor(clock.nowUs / 1000) - floor(state.setupUs / 1000);
    if (ms > 0) window.mbps = mbps(counters.transferred, ms);
    state.phase = 'completed';
  }

  *#sendRest(): Run<void> {
    const { clock, link, stream, counters, run } = this.#parts;
    run.isLastStage = true;
    while (run.find(clock.nowUs)) {
      const pages = run.available();
      const cost = run.cost(pages, clock.nowUs);
      const pageUs = run.pageUs(cost, link.bytesPerSecond);
      this.#sends.begin();
      this.#sends.note(clock.nowUs, pages, pageUs);
      run.send(pages, cost.bytes);
      yield* advance(clock, clock.nowUs + pages * pageUs);
      if (this.#orders.cancelReason !== null) return this.#sends.takeBack(clock.nowUs);
    }
    run.handOver();
    // ram_save_complete counts its own end nowhere.
    counters.frame(SECTION_BYTES + EOS_BYTES);
    if (stream.syncsEveryIteration) counters.syncChannels(stream);
  }
}
