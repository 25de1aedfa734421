/**
 * The one interface behind which both memories stand. The rules of QEMU drive it and never look inside.
 *
 * The order of guest writes and page sends inside a pass matters in one place only: where sending a page clears the
 * tracking of its chunk (bitmap log with manual protect). `nextRun` stops there, so that the caller can bring the guest
 * to that very instant. Everywhere else a run of pages can be sent in one step, however long it takes.
 */

/** How dirty pages are found. */
export type Tracking = 'bitmap-manual' | 'bitmap' | 'ring';

/** What a vCPU did in one call of `run`. Reused between calls: read it at once. */
export interface RunOutcome {
  /** Run time used, µs: at most the budget. */
  ranUs: number;
  /** Accesses done. Real numbers in the fluid memory. */
  writes: number;
  reads: number;
  /** Writes that were noticed by dirty tracking (first writes to armed pages). */
  faults: number;
  /** Run time that tracking cost, µs; part of `ranUs`. */
  faultUs: number;
  /** The vCPU stopped because its ring is full to the soft limit. */
  ringFull: boolean;
  /** Ring-full exits inside the call that needed no event of their own (fluid memory, unlimited rings). */
  ringExits: number;
  /** Run time that they took, µs; part of `ranUs`. */
  ringExitUs: number;
  /** Post-copy: pages that were missing and had to be requested, pages that came with them, time blocked, µs. */
  requests: number;
  fetched: number;
  blockedUs: number;
}

/** Where a limited vCPU stands in time, and what it did and lost so far: what `passFills` takes on. Times in µs. */
export interface RingRunner {
  timeUs: number;
  sleepUntilUs: number;
  lastRanUs: number;
  longestStallUs: number;
  writes: number;
  reads: number;
  faults: number;
  faultUs: number;
  throttledUs: number;
  ringFullExits: number;
  ringExitUs: number;
  ringSleptUs: number;
  askedSleepUs: number;
  lateUs: number;
  readonly ringSleepUs: number;
  readonly coldUs: number;
  /** How late its sleeps end, µs. */
  readonly wakes: { nextLateUs(): number };
}

/** Of a vCPU that has not run yet. */
export function noOutcome(): RunOutcome {
  return {
    ranUs: 0,
    writes: 0,
    reads: 0,
    faults: 0,
    faultUs: 0,
    ringFull: false,
    ringExits: 0,
    ringExitUs: 0,
    requests: 0,
    fetched: 0,
    blockedUs: 0,
  };
}

/** Pages [from, to) in address order, and the share of them, 0..1, whose bit is set. Real numbers. */
export interface Stretch {
  from: number;
  to: number;
  dirtyShare: number;
}

export interface GuestMemory {
  readonly kind: 'page' | 'fluid';
  readonly totalPages: number;
  readonly outcome: RunOutcome;

  /** `dirtyLimit`: the vCPU's ring is reaped alone and `run` stops whenever it is full. */
  setLimited(limited: boolean): void;
  /** Share of its work, 0..1, that a throttle leaves a vCPU: by it the fluid memory knows whose ring is full first. */
  setRunShare(vcpu: number, share: number): void;
  /** A dirty limit before a migration: writes are tracked (all pages armed), nothing is to be sent yet. Ring mode only. */
  startTracking(): void;
  /** Dirty logging on (memory_global_dirty_log_start): all pages are to be sent, tracking begins. */
  startLogging(): void;
  stopLogging(): void;
  /**
   * Let a vCPU run for at most `budgetUs` of run time at its own pace (less than it takes where it catches up), with its write and read rates multiplied by the factors, until the
   * budget is used or its ring is full. Fills `outcome`.
   */
  run(vcpu: number, budgetUs: number, writeFactor: number, readFactor: number): void;
  /** Devices write for `us`, while the guest is not stopped (`DmaSpec`). */
  writeByDevices(us: number): void;
  /** The process of a vCPU forks: its writes go to the other area of each class from here on (see `Fork`). */
  fork(vcpu: number): void;
  /** A time in µs before which this vCPU cannot fill its ring; Infinity where it never has to be asked. */
  ringFullNotBeforeUs(vcpu: number, writeFactor: number): number;
  /**
   * A limited vCPU that nothing else holds back goes as far towards `toUs` as its ring fills from empty as it did the last
   * time, at most `most` times: it fills, is reaped, the vCPU sleeps, and so on. `freeFromUs` is what the times on its
   * throttle count from, `share` the share of its speed that it has, 0..1. Does what `run` and `reap` do one by one, with
   * the same draws, to the bit. Returns how many stretches of running and sleeping these were; 0 where no fill is known.
   */
  passFills(
    vcpu: number,
    runner: RingRunner,
    toUs: number,
    freeFromUs: number,
    share: number,
    most: number,
  ): number;
  /** Reap one vCPU's ring: entries go to the log, its pages are armed again. Returns the entries. */
  reap(vcpu: number): number;
  /** Entries reaped of a vCPU since the start (`cpu->dirty_pages`). */
  reapedPages(vcpu: number): number;
  /** Log into the migration bitmap (ram.c:migration_bitmap_sync). Returns the pages newly dirty, 0 -> 1. */
  harvest(): number;
  /** Pages whose bit is set in the migration bitmap. */
  dirtyPages(): number;
  /**
   * Where counts are means: whether a sync after which `pages` are dirty on average has found none. It has with some chance:
   * yes once it is as likely as not that one of these syncs has. Absent where pages are counted.
   */
  foundNone?(pages: number): boolean;

  /**
   * The dirty pages that can be sent next, from the cursor on, before anything changes: one kind
   * throughout, none that needs its tracking cleared first. 0: the bitmap is empty, or `clearNeeded` is set.
   */
  nextRun(): number;
  /**
   * Of the last `nextRun`: share of zero pages, 0..1. In the page memory 0 or 1; in the fluid memory also between, where zero
   * pages and data alternate in runs much shorter than what leaves in one window.
   */
  readonly runZeroShare: number;
  /** Of the last `nextRun`: which content its pages have (`content.ts`); one throughout. */
  readonly runContent: number;
  /** Of the last `nextRun`: the next dirty page lies in a chunk whose tracking must be cleared first. */
  readonly clearNeeded: boolean;
  /**
   * Of the last `nextRun`: host pages that end with it. In the page memory a run lies in one host page: 1, or 0 where more
   * dirty pages of that host page follow in another run. In the fluid memory an expectation over the whole run.
   */
  runHostPages(): number;
  /** How often the cursor has wrapped from the last page to the first. */
  readonly rounds: number;
  /** Page numbers of the next `count` pages of the run, into `pages`. Absent where pages have no numbers. */
  listRun?(pages: Int32Array, count: number): void;
  /** Note from here on which pages are rewritten, for `takeRewritten`. Absent where pages have no numbers. */
  watchRewrites?(): void;
  /** A page was written since it was last asked for. */
  takeRewritten?(page: number): boolean;
  /** Where pages have none: dirty pages from the cursor to the end of memory, where the next round begins. */
  pagesToWrap?(): number;
  /** Likewise: the stretches in which the next `count` pages of the run lie. Returns how many were filled in. */
  stretches?(into: Stretch[], count: number): number;
  /**
   * The guest has reported its free memory (ram.c:qemu_guest_free_page_hint): those pages are taken off the migration bitmap,
   * and the tracking of the chunks they lie in is cleared as if they had been sent.
   */
  takeHinted(): void;
  /**
   * Clear the tracking of that chunk (ram.c:migration_clear_memory_region_dirty_bitmap). The fluid memory may receive it while
   * the vCPUs are still `behindUs` of run time behind; then `beginSpan` says when they are brought up, by how much.
   */
  clearChunk(behindUs: number): void;
  beginSpan(runUs: number): void;
  /** Take the next `pages` of the run off the bitmap: they are sent. The cursor stands just past the last. */
  take(pages: number): void;

  /**
   * ram.c:ram_postcopy_send_discard_bitmap, with all vCPUs stopped: of huge host pages those that are dirty in part become
   * dirty whole, as the destination discards them whole, and the cursor goes to the first page. Returns the ranges of dirty
   * pages, which the destination hears of; in the fluid memory an expectation.
   */
  discardDirty(): number;
  /**
   * Post-copy: the vCPU runs on the destination for `wallUs`. Every access to a page that is still missing blocks it for
   * `stallUs`, after which the page (its whole host page) is there and the cursor stands behind it. What a block lasts
   * beyond `wallUs` is owed to the next call. `stallUs` Infinity: there is no answer, it is blocked until a call with an answer.
   */
  runRemote(vcpu: number, wallUs: number, writeFactor: number, readFactor: number, stallUs: number): void;
}
