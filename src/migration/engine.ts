/**
 * One migration, from `migrate` to its end, by QEMU's rules. Source: QEMU 10.2.2 migration/migration.c and ram.c, with the
 * differences of versions.ts.
 *
 * The engine steps from decision to decision. Between two of them pages leave in runs and the guest runs by itself; both
 * memories are brought to the present only when somebody looks: at a sync, where a chunk's tracking is cleared, at an event.
 * Time is virtual, in µs since `migrate`; QEMU's millisecond clocks are cut from it.
 */
import type { Guest } from '../guest/guest.js';
import type { GuestMemory } from '../guest/memory.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { BitmapSync } from './bitmap-sync.js';
import type { Clock } from './clock.js';
import type { Counters } from './counters.js';
import type { Controls } from './controls.js';
import { DirtyLog } from './dirty-log.js';
import type { Link } from './link.js';
import { makeControls } from './make-controls.js';
import { Orders } from './orders.js';
import { type Names, outcome } from './outcome.js';
import type { PageRun } from './page-run.js';
import { type Parts, makeParts } from './parts.js';
import { pageRequestLatencyUs } from './postcopy.js';
import type { RateWindow } from './rate-window.js';
import type { MigrationResult, MigrationStatus } from './result.js';
import {
  BUFFER_DELAY_MS,
  CLOCK_CHECK_PAGES,
  MAX_WAIT_MS,
  XFER_LIMIT_RATIO,
  expectedDowntime,
  mayComplete,
  pendingEstimate,
  rateExceeded,
  switchoverBandwidth,
  switchoverThreshold,
} from './rules.js';
import type { MigrationSetup } from './setup.js';
import type { MigrationState } from './state.js';
import { ITERATION_END_BYTES, type StreamCosts, pageTimeUs, pagesToExceed } from './stream.js';
import type { SyncPeriod } from './sync-period.js';
import { SyncRecords } from './sync-records.js';
import { Timeline } from './timeline.js';
import { Trace } from './trace.js';
import type { VersionFacts } from './versions.js';

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
 * The same setup and attachments give the same result to the last bit.
 */
export function runMigration(
  setup: MigrationSetup,
  names: Names,
  attach: (controls: Controls) => void,
): MigrationResult {
  const migration = new Migration(setup);
  attach(migration.controls);
  return migration.run(names);
}

class Migration {
  readonly controls: Controls;
  readonly #parts: Parts;
  readonly #setup: MigrationSetup;
  readonly #version: VersionFacts;
  readonly #clock: Clock;
  readonly #link: Link;
  readonly #counters: Counters;
  readonly #period: SyncPeriod;
  readonly #state: MigrationState;
  readonly #window: RateWindow;
  readonly #memory: GuestMemory;
  readonly #guest: Guest;
  readonly #stream: StreamCosts;
  readonly #hostPagePages: number;
  readonly #run: PageRun;
  readonly #orders = new Orders();
  readonly #log: DirtyLog;
  readonly #sync: BitmapSync;
  #guestLost = false;
  readonly #trace: Trace;
  readonly #timeline: Timeline;
  readonly #syncs: SyncRecords;

  constructor(setup: MigrationSetup) {
    const parts = makeParts(setup);
    this.#setup = setup;
    this.#version = parts.version;
    this.#clock = parts.clock;
    this.#link = parts.link;
    this.#memory = parts.memory;
    this.#guest = parts.guest;
    this.#stream = parts.stream;
    this.#state = parts.state;
    this.#counters = parts.counters;
    this.#period = parts.period;
    this.#window = parts.window;
    this.#run = parts.run;
    this.#parts = parts;
    this.#trace = new Trace(parts);
    this.#timeline = new Timeline(parts);
    this.#syncs = new SyncRecords(parts);
    this.#hostPagePages = setup.guest.hostPagePages;
    if (setup.timelineMs > 0) this.#clock.watcher = this.#timeline;
    this.#log = new DirtyLog(parts);
    const writers = { trace: this.#trace, timeline: this.#timeline, syncs: this.#syncs };
    this.#sync = new BitmapSync(parts, this.#log, this.#orders, writers);
    this.controls = makeControls(parts, this.#orders, this.#sync, this.#log, this.#trace);
  }

  run(names: Names): MigrationResult {
    let status: MigrationStatus = 'completed';
    let reason: string | null = null;
    try {
      const { giveUpAfterUs } = this.#setup.migration;
      if (giveUpAfterUs > 0) this.#clock.events.at(giveUpAfterUs, () => this.#orders.giveUp());
      this.#settle();
      this.#setUp();
      if (this.#loop() === 'complete') this.#complete();
      else this.#postcopy();
    } catch (error) {
      if (error instanceof Failed) {
        status = 'failed';
        reason = error.message;
      } else if (error instanceof Ended) {
        status = this.#orders.gaveUp ? 'gave-up' : 'cancelled';
        reason = this.#orders.cancelReason;
      } else throw error;
      this.#state.phase = status === 'failed' ? 'failed' : 'cancelled';
      if (!this.#guestLost) this.#bringGuestUp();
      this.#trace.ended(status, reason ?? '');
    }
    for (const listener of this.#orders.endListeners) listener();
    const writings = { trace: this.#trace, timeline: this.#timeline, syncs: this.#syncs };
    return outcome(this.#parts, writings, names, status, status === 'gave-up' ? null : reason);
  }

  // ------------------------------------------------------------------------------------------------ time

  /** Where the guest is looked at, it stands at the present. */
  #bringGuestUp(): void {
    this.#guest.advance(this.#clock.nowUs);
  }

  #checkCancelled(): void {
    if (this.#orders.cancelReason !== null) throw new Ended();
    if (this.#link.isDown)
      throw new Failed('the network failed in pre-copy; the guest runs on at the source');
  }

  // ------------------------------------------------------------------------------------------------ setup

  /** What was started by hand before `migrate` finds its level. */
  #settle(): void {
    if (this.#clock.nowUs === 0) return;
    if (this.#setup.guest.dirtyRingSize > 0) this.#memory.startTracking();
    this.#clock.advance(0);
    this.#bringGuestUp();
    this.#guest.resetCounts();
  }

  /** migration.c:qmp_migrate, migration_thread; ram.c:ram_save_setup, ram_init_bitmaps. */
  #setUp(): void {
    const { host, guest } = this.#setup;
    const gib = this.#memory.totalPages / GIB_PAGES;
    // The first window opens before setup and so contains it.
    this.#window.startMs = this.#clock.ms();
    const perGiB = guest.dirtyRingSize > 0 ? host.setupUsPerGiBRing : host.setupUsPerGiBBitmap;
    this.#clock.advance(this.#clock.nowUs + host.setupFixedUs + perGiB * gib);
    this.#bringGuestUp();
    this.#memory.startLogging();
    this.#run.dirtyPages = this.#memory.totalPages;
    this.#sync.run('setup');
    this.#state.setupUs = this.#clock.nowUs;
    this.#counters.transferred += SETUP_BYTES + this.#stream.helloBytes + this.#stream.syncBytes;
    this.#state.phase = 'active';
    this.#guest.speed = this.#speedBesideBulk();
    this.#log.startReaper();
    this.#timeline.start();
  }

  /** In the first pass the destination takes in pages that it never had: beside the source, that slows its vCPUs. */
  #speedBesideBulk(): number {
    const { host } = this.#setup;
    if (host.siblingSlowdown === 0) return 1;
    const { normal } = this.#stream;
    const fastest = 1e6 / this.#run.pageUs(normal);
    const limited =
      this.#window.quota === 0
        ? fastest
        : min(fastest, (this.#window.quota * XFER_LIMIT_RATIO) / normal.bytes);
    return 1 - host.siblingSlowdown * min(1, (limited * host.populateNsPerPage) / 1e9);
  }

  // ------------------------------------------------------------------------------------------------ the loop

  /** migration.c:migration_thread's loop, up to the decision to switch over. */
  #loop(): 'complete' | 'postcopy' {
    for (;;) {
      this.#checkCancelled();
      this.#leap();
      this.#timeline.look();
      this.#checkCancelled();
      if (!this.#window.isExceeded()) {
        const decision = this.#decide();
        if (decision !== 'iterate') return decision;
        if (this.#hostPagePages === 1) this.#iterate();
        else this.#iterateHostPages();
        this.#runWantedSync();
      }
      this.#rateLimit();
      this.#timeline.look();
    }
  }

  /**
   * Turns of the loop in which nothing can be decided: the very arithmetic of #iterate, #rateLimit and #updateCounters on
   * local numbers, as a long pass is thousands of them. Ends before a turn that would come to the end of the run or to an
   * event, or that has little enough to send to look closer.
   */
  #leap(): void {
    if (
      this.#link.varies ||
      !this.#run.hasOneCost ||
      this.#orders.pause ||
      this.#orders.postcopy ||
      this.#hostPagePages > 1 ||
      this.#run.left <= 0
    )
      return;
    const { quota, downtimeLimitMs, givenBandwidth: avail } = this.#window;
    const runPages = this.#run.pages;
    const cost = this.#run.cost(runPages - this.#run.taken);
    const pageUs = this.#run.pageUs(cost);
    const pagesToLate = ceil(((MAX_WAIT_MS + 1) * 1000) / pageUs);
    const latePages = ceil(pagesToLate / CLOCK_CHECK_PAGES) * CLOCK_CHECK_PAGES;
    const endBytes = this.#iterationEndBytes();
    const nextEventUs = this.#clock.events.nextUs;
    let nowUs = this.#clock.nowUs;
    let taken = this.#run.taken;
    let dirtyPages = this.#run.dirtyPages;
    let transferred = this.#counters.transferred;
    let threshold = this.#window.threshold;
    let expectedDowntimeMs = this.#window.expectedDowntimeMs;
    let windowStartMs = this.#window.startMs;
    let windowStartBytes = this.#window.startBytes;
    const pagesBefore = this.#counters.pages - taken;
    let windowStartTaken = this.#window.startPages - pagesBefore;
    let closedMs = 0;
    let closedBytes = 0;
    let closedPages = 0;
    let pagesSent = 0;
    let wakeUs = 0;
    // Without a rate limit all windows hold the same number of full iterations, and those in which the pages pending exceed
    // any threshold that such a window can give decide nothing: they are passed in one step, the last ones one by one.
    const iterationUs = latePages * pageUs;
    const iterations = ceil((BUFFER_DELAY_MS * 1000) / iterationUs);
    const windowUs = iterations * iterationUs;
    const windowPages = iterations * latePages;
    if (
      quota === 0 &&
      transferred === windowStartBytes &&
      windowUs - iterationUs < (BUFFER_DELAY_MS - 1) * 1000 &&
      windowUs >= (BUFFER_DELAY_MS + 1) * 1000
    ) {
      const bytes = windowPages * cost.bytes + iterations * endBytes;
      const highest = switchoverThreshold(
        switchoverBandwidth(bytes, BUFFER_DELAY_MS, avail),
        downtimeLimitMs,
      );
      const spare = pendingEstimate(dirtyPages) - max(threshold, highest);
      const windows =
        floor(
          min(
            spare / pendingEstimate(windowPages),
            (runPages - taken) / windowPages,
            (nextEventUs - nowUs) / windowUs,
          ),
        ) - 1;
      if (windows > 1) {
        taken += windows * windowPages;
        dirtyPages -= windows * windowPages;
        pagesSent += windows * windowPages;
        transferred += windows * bytes;
        nowUs += windows * windowUs;
        windowStartMs = this.#clock.ms(nowUs);
        windowStartBytes = transferred;
        windowStartTaken = taken;
      }
    }
    for (;;) {
      const windowBytes = transferred - windowStartBytes;
      if (!rateExceeded(quota, windowBytes)) {
        if (pendingEstimate(dirtyPages) <= threshold) break;
        const pages = min(latePages, pagesToExceed(cost, quota, windowBytes));
        const endUs = nowUs + pages * pageUs;
        const sentBytes = transferred + pages * cost.bytes;
        if (pages >= runPages - taken || nextEventUs <= endUs) break;
        if (pages < latePages && !rateExceeded(quota, sentBytes - windowStartBytes)) break;
        taken += pages;
        dirtyPages -= pages;
        pagesSent += pages;
        transferred = sentBytes + endBytes;
        nowUs = endUs;
      }
      const nowMs = this.#clock.ms(nowUs);
      if (nowMs >= windowStartMs + BUFFER_DELAY_MS) {
        closedMs = nowMs - windowStartMs;
        closedBytes = transferred - windowStartBytes;
        closedPages = taken - windowStartTaken;
        const bandwidth = switchoverBandwidth(closedBytes, closedMs, avail);
        threshold = switchoverThreshold(bandwidth, downtimeLimitMs);
        const expected = expectedDowntime(
          this.#period.dirtyBytesLastSync,
          bandwidth,
          this.#period.dirtyPagesRate,
          closedBytes,
        );
        if (expected !== null) expectedDowntimeMs = expected;
        windowStartMs = nowMs;
        windowStartBytes = transferred;
        windowStartTaken = taken;
      } else if (rateExceeded(quota, transferred - windowStartBytes)) {
        wakeUs = nowUs + (windowStartMs + BUFFER_DELAY_MS - nowMs) * 1000 + this.#clock.wakeLatencyUs();
        if (nextEventUs <= wakeUs) break;
        nowUs = wakeUs;
      }
    }
    this.#clock.nowUs = nowUs;
    this.#run.taken = taken;
    this.#run.dirtyPages = dirtyPages;
    this.#run.count(pagesSent, cost.bytes);
    this.#counters.transferred = transferred;
    this.#window.threshold = threshold;
    this.#window.expectedDowntimeMs = expectedDowntimeMs;
    this.#window.startMs = windowStartMs;
    this.#window.startBytes = windowStartBytes;
    this.#window.startPages = pagesBefore + windowStartTaken;
    if (closedMs > 0) this.#window.tell(closedBytes, closedMs, closedPages);
    // An event on the way to the end of a wait: it happens, and the wait goes on to its end.
    if (wakeUs > nowUs) this.#clock.advance(wakeUs);
  }

  /** migration.c:migration_iteration_run, the pre-copy part. */
  #decide(): 'iterate' | 'complete' | 'postcopy' {
    if (this.#orders.pause && this.#state.stopUs === null) this.#pauseGuest();
    let pending = pendingEstimate(this.#run.dirtyPages);
    if (pending < this.#window.threshold) {
      this.#sync.run('natural');
      this.#checkCancelled();
      pending = pendingEstimate(this.#run.dirtyPages);
    }
    const complete = mayComplete(pending, this.#window.threshold, this.#version.completesAtThreshold);
    let verdict: 'iterate' | 'complete' | 'postcopy' = complete ? 'complete' : 'iterate';
    // With the capability RAM counts as what post-copy can take, so nothing must go before the switch.
    if (this.#orders.postcopy && (this.#version.postcopyFirst || !complete)) verdict = 'postcopy';
    this.#trace.turn(verdict, pending);
    return verdict;
  }

  /** ram.c:ram_save_iterate: send until the rate is exceeded, the time is up, or nothing is left. */
  #iterate(): void {
    this.#link.drawJitter();
    this.#state.holdsBitmap = true;
    const startUs = this.#clock.nowUs;
    let elapsedUs = 0;
    let index = 0;
    for (;;) {
      if (!this.#run.find(startUs + elapsedUs)) break;
      elapsedUs = max(elapsedUs, this.#clock.nowUs - startUs);
      const available = this.#run.available();
      const cost = this.#run.cost(available);
      const pageUs = this.#run.pageUs(cost);
      const windowBytes = this.#window.bytes;
      let pages = min(available, pagesToExceed(cost, this.#window.quota, windowBytes));
      // The clock is read at every 64th page: the first of them at which more than MAX_WAIT_MS whole ms have gone by.
      const untilLate = (MAX_WAIT_MS + 1) * 1000 - elapsedUs;
      const pagesToLate = max(0, ceil(untilLate / pageUs));
      const lateIndex = ceil((index + pagesToLate) / CLOCK_CHECK_PAGES) * CLOCK_CHECK_PAGES;
      pages = min(pages, max(lateIndex - index, 1));
      this.#run.send(pages, cost.bytes);
      index += pages;
      elapsedUs += pages * pageUs;
      if (this.#window.isExceeded()) break;
      if (index >= lateIndex) break;
    }
    this.#counters.transferred += this.#iterationEndBytes();
    const endUs = startUs + elapsedUs;
    this.#clock.pass(endUs);
    this.#state.holdsBitmap = false;
  }

  /**
   * ram.c:ram_save_iterate over huge pages: ram_find_and_save_block sends all dirty pages of a host page, so that the clock
   * is read at the first host page and then at each 64th. migration_rate_limit is called between two of its pages: windows
   * close and waits happen inside the iteration, which ends for a wait only if that falls on the end of a host page.
   */
  #iterateHostPages(): void {
    this.#state.holdsBitmap = true;
    const startUs = this.#clock.nowUs;
    const isPage = this.#memory.kind === 'page';
    let hostPages = 0;
    let clockCheck = 1;
    while (this.#orders.cancelReason === null && this.#run.find(this.#clock.nowUs)) {
      this.#link.drawJitter();
      const available = this.#run.available();
      const cost = this.#run.cost(available);
      const pageUs = this.#run.pageUs(cost);
      const windowBytes = this.#window.bytes;
      const windowLeftUs = (this.#window.startMs + BUFFER_DELAY_MS - this.#clock.ms()) * 1000;
      const { left } = this.#run;
      // The page memory's run lies in one host page; the fluid memory's in many, with so many dirty pages each.
      const perHostPage = isPage ? left : max(1, left / this.#run.hostPages);
      const pages = min(
        available,
        pagesToExceed(cost, this.#window.quota, windowBytes),
        max(1, ceil(windowLeftUs / pageUs)),
        isPage ? left : max(1, ceil((clockCheck - hostPages) * perHostPage)),
      );
      this.#run.send(pages, cost.bytes);
      const whole = floor(hostPages);
      if (!isPage) hostPages += pages / perHostPage;
      else if (pages === left) hostPages += this.#run.hostPages;
      this.#run.hostPages -= pages === left || isPage ? 0 : pages / perHostPage;
      this.#clock.advance(this.#clock.nowUs + pages * pageUs);
      if (this.#orders.pause) this.#stopGuest();
      if (this.#run.dirtyPages > 0) this.#rateLimit();
      const ended = floor(hostPages) > whole && hostPages % 1 < 1 / perHostPage;
      if (ended && this.#window.isExceeded()) break;
      if (hostPages < clockCheck) continue;
      if (this.#clock.nowUs - startUs >= (MAX_WAIT_MS + 1) * 1000) break;
      clockCheck += CLOCK_CHECK_PAGES;
    }
    this.#counters.transferred += this.#iterationEndBytes();
    this.#state.holdsBitmap = false;
  }

  #iterationEndBytes(): number {
    return ITERATION_END_BYTES + (this.#stream.syncsEveryIteration ? this.#stream.syncBytes : 0);
  }

  /** migration.c:migration_rate_limit. */
  #rateLimit(): void {
    this.#window.update(this.#clock.ms());
    if (!this.#window.isExceeded()) {
      // A turn that sent nothing (all sent, waiting for a decision) must still let time pass.
      if (this.#run.dirtyPages <= 0) this.#clock.advance(this.#clock.nowUs + 1000);
      return;
    }
    const waitMs = max(0, this.#window.startMs + BUFFER_DELAY_MS - this.#clock.ms());
    const wakeUs = this.#clock.nowUs + waitMs * 1000 + this.#clock.wakeLatencyUs();
    this.#clock.pass(wakeUs);
  }

  /** A sync that a timer asked for while an iteration held the bitmap mutex. */
  #runWantedSync(): void {
    if (!this.#orders.sync) return;
    this.#orders.sync = false;
    this.#sync.run('timer');
  }

  // ------------------------------------------------------------------------------------------------ switchover

  /**
   * system/cpus.c:do_vm_stop: pause all vCPUs, tell the notifiers, drain and flush the block devices. Nothing shortens a
   * ring-full sleep from 8.x on; a CPU throttle's sleep ends when the vCPU is asked to stop. Returns the instant at which
   * the guest was told to stop, which lies further back when somebody had paused it.
   */
  #stopGuest(): number {
    if (this.#state.stopUs !== null) return this.#state.stopUs;
    const { host } = this.#setup;
    const startUs = this.#clock.nowUs;
    this.#run.handOver();
    this.#bringGuestUp();
    this.#state.stopUs = startUs;
    if (this.#version.ringSleepInterruptible) this.#guest.interruptRingSleeps(startUs);
    const residualUs = this.#guest.residualRingSleepUs(startUs);
    this.#guest.stop(startUs);
    this.#trace.ringSleepUs = max(0, residualUs);
    this.#clock.advance(startUs + residualUs + host.stopUs + host.blockFlushUs);
    return startUs;
  }

  /** QMP `stop` while the migration goes on. */
  #pauseGuest(): void {
    this.#trace.paused(this.#stopGuest());
  }

  /** migration.c:migration_completion_precopy, migration_completion_end. */
  #complete(): void {
    const { host, migration, guest } = this.#setup;
    const startUs = this.#clock.nowUs;
    const stoppedUs = this.#stopGuest();
    let sinceUs = this.#trace.endPart('stop', startUs);
    if (migration.pauseBeforeSwitchover) {
      this.#state.phase = 'pre-switchover';
      this.#clock.advance(this.#clock.nowUs + migration.migrateContinueDelayUs);
      sinceUs = this.#trace.endPart('migrate-continue', sinceUs);
    }
    if (this.#version.alwaysDeviceStatus || migration.pauseBeforeSwitchover) this.#state.phase = 'device';
    // The rate limiter is off from here: only the link counts.
    this.#window.lift();
    this.#sync.run('switchover');
    sinceUs = this.#trace.endPart('sync', sinceUs);
    const sentBytes = this.#counters.transferred;
    this.#sendRest();
    const restBytes = round(this.#counters.transferred - sentBytes);
    sinceUs = this.#trace.endPart('RAM', sinceUs);
    const vcpus = guest.vcpus.length;
    const deviceBytes = host.deviceStateBytes + vcpus * host.deviceStateBytesPerVcpu;
    if (!this.#version.transferredIsRamOnly) this.#counters.transferred += deviceBytes;
    const saveUs = host.deviceSaveUs + vcpus * host.deviceSaveUsPerVcpu;
    this.#clock.advance(this.#clock.nowUs + max(saveUs, (deviceBytes / this.#link.bytesPerSecond) * 1e6));
    sinceUs = this.#trace.endPart('device state', sinceUs);
    const loadUs = this.#link.latencyUs + host.destinationLoadUs + vcpus * host.destinationLoadUsPerVcpu;
    const resumeUs = this.#clock.nowUs + loadUs + host.destinationStartUs;
    if (migration.returnPath) this.#clock.advance(resumeUs + this.#link.latencyUs);
    this.#trace.endPart('destination', sinceUs);
    this.#checkCancelledInSwitchover();
    this.#state.downtimeUs = this.#clock.nowUs - startUs;
    const destinationRunsUs =
      max(resumeUs, migration.orchestratorContUs > 0 ? this.#clock.nowUs : 0) + migration.orchestratorContUs;
    this.#state.blackoutUs = destinationRunsUs - stoppedUs;
    this.#trace.downtime(false, restBytes);
    this.#guest.resume(destinationRunsUs);
    this.#state.phase = 'completed';
  }

  /** Giving up in the middle of the switchover: QEMU cancels and the source runs on. */
  #checkCancelledInSwitchover(): void {
    if (this.#orders.cancelReason === null) return;
    this.#guest.resume(this.#clock.nowUs);
    throw new Ended();
  }

  /**
   * migration.c:postcopy_start and what follows: the guest moves with its devices, what is missing follows by itself or
   * when it is asked for. `downtime` ends when the package of device state was handed to the socket; the guest runs when
   * the destination has loaded it.
   */
  #postcopy(): void {
    const { host, guest, migration } = this.#setup;
    const startUs = this.#clock.nowUs;
    const stoppedUs = this.#stopGuest();
    let sinceUs = this.#trace.endPart('stop', startUs);
    if (migration.pauseBeforeSwitchover) {
      this.#clock.advance(this.#clock.nowUs + migration.migrateContinueDelayUs);
      sinceUs = this.#trace.endPart('migrate-continue', sinceUs);
    }
    if (this.#version.alwaysDeviceStatus) this.#state.phase = 'device';
    this.#sync.run('postcopy');
    sinceUs = this.#trace.endPart('sync', sinceUs);
    this.#memory.stopLogging();
    const vcpus = guest.vcpus.length;
    const packageBytes = host.deviceStateBytes + vcpus * host.deviceStateBytesPerVcpu;
    this.#counters.transferred += packageBytes;
    const saveUs = host.deviceSaveUs + vcpus * host.deviceSaveUsPerVcpu;
    this.#clock.advance(this.#clock.nowUs + saveUs);
    this.#trace.endPart('device state', sinceUs);
    this.#state.downtimeUs = this.#clock.nowUs - startUs;
    const onWireUs = (packageBytes / this.#link.bytesPerSecond) * 1e6;
    const loadUs = host.destinationLoadUs + vcpus * host.destinationLoadUsPerVcpu + host.destinationStartUs;
    const resumeUs =
      this.#clock.nowUs + onWireUs + this.#link.latencyUs + loadUs + migration.orchestratorContUs;
    this.#state.blackoutUs = resumeUs - stoppedUs;
    this.#trace.downtime(true, 0);
    this.#state.phase = 'postcopy-active';
    this.#state.postcopyStartUs = this.#clock.nowUs;
    let guestRuns = false;
    while (this.#run.dirtyPages > 0) {
      const untilUs = this.#clock.nowUs + POSTCOPY_STEP_US;
      const requested = guestRuns ? this.#serveRequests(untilUs) : 0;
      if (!this.#link.isDown) this.#push(POSTCOPY_STEP_US, requested);
      this.#clock.advance(untilUs);
      if (!guestRuns && this.#clock.nowUs >= resumeUs) {
        this.#guest.resume(this.#clock.nowUs);
        guestRuns = true;
      }
      if (this.#link.isDown && migration.postcopyRecover === false) {
        this.#guestLost = true;
        throw new Failed('the network failed in post-copy and nobody recovered it: the guest is lost');
      }
    }
    if (!guestRuns) {
      this.#clock.advance(resumeUs);
      this.#guest.resume(resumeUs);
    }
    if (migration.returnPath) this.#clock.advance(this.#clock.nowUs + 2 * this.#link.latencyUs);
    this.#trace.postcopyOver(this.#clock.nowUs - this.#state.postcopyStartUs);
    this.#state.phase = 'completed';
  }

  /** The vCPUs run on the destination until `untilUs`; the pages they asked for are sent. Returns their number. */
  #serveRequests(untilUs: number): number {
    const { host, guest, migration } = this.#setup;
    const link = { bandwidthBytesPerSecond: this.#link.bytesPerSecond, latencyUs: this.#link.latencyUs };
    const background = (migration.maxPostcopyBandwidth ?? 0) === 0;
    const preempt = migration.postcopyPreempt ?? false;
    const stallUs = this.#link.isDown
      ? INFINITY
      : pageRequestLatencyUs(host, link, guest.hostPagePages, preempt, background);
    this.#run.handOver();
    const fetched = this.#guest.advanceRemote(untilUs, stallUs);
    this.#run.dirtyPages = this.#memory.dirtyPages();
    this.#counters.normalPages += fetched;
    const bytes = fetched * this.#stream.normal.bytes;
    this.#counters.transferred += bytes;
    this.#counters.postcopyBytes += bytes;
    return fetched;
  }

  /** Background push for `us`; pages just requested have used their part of the link. */
  #push(us: number, requested: number): void {
    const limit = this.#setup.migration.maxPostcopyBandwidth ?? 0;
    const rate = limit > 0 ? min(limit, this.#link.bytesPerSecond) : this.#link.bytesPerSecond;
    let bytes = (rate * us) / 1e6 + this.#pushCredit - requested * this.#stream.normal.bytes;
    while (bytes > 0 && this.#run.find(this.#clock.nowUs)) {
      const cost = this.#run.plainCost();
      const perPage = (pageTimeUs(cost, rate) * rate) / 1e6;
      const pages = min(this.#run.left, ceil(bytes / perPage));
      this.#run.push(pages, cost.bytes);
      bytes -= pages * perPage;
    }
    this.#pushCredit = min(0, bytes);
    this.#run.handOver();
  }
  #pushCredit = 0;

  #sendRest(): void {
    while (this.#run.find(this.#clock.nowUs)) {
      const cost = this.#run.plainCost();
      const pages = this.#run.left;
      this.#run.send(pages, cost.bytes);
      this.#clock.advance(this.#clock.nowUs + pages * pageTimeUs(cost, this.#link.bytesPerSecond));
    }
    this.#run.handOver();
    this.#counters.transferred += ITERATION_END_BYTES;
  }
}
