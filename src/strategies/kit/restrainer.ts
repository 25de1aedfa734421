/**
 * Lets a guest run free until what is left to send is as small as it gets, then holds those vCPUs whose holding loses least
 * until the switchover. What the guest writes comes from outside: learned (predictive-restraint) or given (oracle).
 */
import { nth } from '../../lists.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Controls, MigrationStats, SyncEvent } from '../../migration/controls.js';
import { NORMAL_PAGE_BYTES } from '../../migration/rules/stream.js';
import { formatBytes, formatBytesPerSecond, formatDurationMs } from '../../units.js';
import { GuestPace } from './guest-pace.js';
import { RemainingWatch } from './remaining-watch.js';
import {
  dirtiedIn,
  hastened,
  hasteOf,
  leastHold,
  plateau,
  shortestDrain,
  type DirtyClass,
  type Hold,
  type Sending,
} from './restraint-law.js';
import { SendingMeter } from './sending-meter.js';
import { sleepVcpus } from './vcpu-sleep.js';

const { max } = Math;

/** A held vCPU sleeps so long at a time, ms: short, because a sync waits for it to wake. */
const SLEEP_MS = 10;
/** While vCPUs are held, a sync costs half of such a sleep in which nothing is sent: they are rarer, ms. */
const HELD_SYNC_MS = 1000;
/** Waiting pays while what is left shrinks by this part of what is sent: the guest's cost of being tracked is of this order. */
const WORTH_WAITING = 0.02;
/** A hold that takes no more than this part of the one expected is a gift: waiting on could save no more than that part. */
const GIFT = 0.1;
/** Held vCPUs stay held while as much as this is left, in limits: at the limit itself no hold would ever seem needed. */
const HELD_UNTIL = 1.5;
/** A held vCPU that writes less than this part of what is known of it has gone quiet. */
const QUIET = 0.5;
/** A hold that lasts this many times longer than planned is not enough. */
const OVERDUE = 2;
/** A forecast that does not come true is given up after this many windows without a new lowest. */
const FORECAST_WINDOWS = 4;
/**
 * What a plan may be wrong by when the deadline leaves no second try: a part of the time that dirtying adds to the mere
 * sending, and the last syncs and the stop, ms.
 */
const MARGIN = 0.25;
const SWITCHOVER_MS = 800;
/** With a deadline, the first pass is synced so often, ms: it must be known what was dirtied again. */
const DEADLINE_CHECK_MS = 500;

/** A hold of the first pass ends when it is this many checks too early: memory was empty where dirty pages were feared. */
const EARLY_CHECKS = 4;
const NOBODY: Hold = { vcpus: [], seconds: 0, lostSeconds: 0 };

export interface RestrainerOptions {
  /** The rule that decisions are explained by. */
  readonly rule: string;
  /** ms of total time; Infinity: none. */
  readonly deadlineMs: number;
  readonly syncPeriodMs: number;
  /** How long the remaining must have stopped falling, in times that all of it takes to send after the first pass. */
  readonly patience: number;
  /** Of its run time that a held vCPU keeps, 0..1. */
  readonly heldShare: number;
}

/** What is known of the guest. */
export interface Knowledge {
  /** Until then no vCPU is held. */
  readonly known: boolean;
  /** At full speed. */
  classes(): readonly DirtyClass[];
  /** How fast a vCPU writes now, as a share of its classes. Absent: it is measured by what it pushes into its ring. */
  pace?(vcpu: number): number;
  /** vCPUs are held from now on: what the guest does then says nothing about it. */
  holding?(): void;
  /** What a forecast says: pages that will be left at the best of all moments, and how long to believe in it, µs. */
  readonly forecast?: { lowest(): number; readonly patienceUs: number };
}

/** The first pass is over when little is left, or when every page was sent once: syncs within it keep the rest from falling. */
export function endsFirstPass({ cause }: SyncEvent, stats: MigrationStats): boolean {
  const sentBytes = (stats.normalPages + stats.duplicatePages) * PAGE_BYTES;
  return cause === 'natural' || sentBytes >= stats.totalBytes;
}

export class Restrainer {
  readonly #migration: Controls;
  readonly #options: RestrainerOptions;
  readonly #knowledge: Knowledge;
  readonly #meter: SendingMeter;
  readonly #pace: GuestPace;
  readonly #watch = new RemainingWatch();
  /** How many times as often as known the guest seems to touch its pages, where it has settled. */
  #haste = 1;
  /** Of the hold that was expected there, s. */
  #expectedSeconds = 0;
  #estimated = false;
  #afterFirstPass = false;
  #lastLookUs = 0;
  #held: readonly number[] = [];
  #overdueUs = Infinity;
  #pulsing = false;
  #saidHopeless = false;

  constructor(migration: Controls, options: RestrainerOptions, knowledge: Knowledge) {
    this.#migration = migration;
    this.#options = options;
    this.#knowledge = knowledge;
    this.#meter = new SendingMeter(migration);
    this.#pace = new GuestPace(migration);
    migration.every(options.syncPeriodMs, () => {
      if (this.#wantsSync()) migration.sync('timer');
    });
  }

  /** After the first pass always; rarely while vCPUs are held, and in the first pass only if the deadline may press. */
  #wantsSync(): boolean {
    const idleMs = (this.#migration.nowUs() - this.#lastLookUs) / 1000;
    if (this.#held.length > 0) return idleMs >= HELD_SYNC_MS;
    if (this.#afterFirstPass) return this.#knowledge.known;
    if (this.#options.deadlineMs === Infinity || !this.#estimated || idleMs < DEADLINE_CHECK_MS) return false;
    this.#lastLookUs = this.#migration.nowUs();
    // At worst all that was dirtied so far was sent before.
    const unsent = this.#migration.stats().remainingBytes / PAGE_BYTES;
    const atWorst = unsent + dirtiedIn(this.#knowledge.classes(), this.#migration.nowUs() / 1e6);
    return this.#presses(atWorst);
  }

  sending(): Sending {
    return this.#meter.sending();
  }

  // ------------------------------------------------------------------------------------------------ what is to be expected

  /** Says in the first pass who writes, and whether the deadline can be met. `remainingPages` were not sent yet. */
  firstEstimate(remainingPages: number): void {
    this.#estimated = true;
    const writers = this.#rates().flatMap((rate, vcpu) =>
      rate > 0 ? [`vCPU ${vcpu} ${formatBytesPerSecond(rate)}`] : [],
    );
    this.#explain(writers.length === 0 ? 'no vCPU writes' : `dirtied: ${writers.join(', ')}`);
    const leastMs = shortestDrain(remainingPages, this.sending()) * 1000 + SWITCHOVER_MS;
    if (leastMs <= this.#leftMs()) return;
    // What is not sent yet may be empty: only the end of the pass shows that.
    this.#explain(
      `no restraint can meet ${this.#deadline()} unless memory is empty: ${sendingTakes(leastMs)}`,
    );
  }

  /** Says after the first pass where the remaining will settle, and what it takes to go on from there. */
  estimate(pendingPages: number): void {
    const sending = this.sending();
    const settled = plateau(this.#classes(), sending.pagesPerSecond);
    const hold = this.#plan(max(settled, sending.limitPages));
    const bandwidth = formatBytesPerSecond(sending.pagesPerSecond * NORMAL_PAGE_BYTES);
    const settles = `${formatBytes(settled * PAGE_BYTES)} stay dirty at ${bandwidth}`;
    if (hold === null) this.#explain(`${settles}, and no restraint brings them under the limit`);
    else if (hold.vcpus.length === 0) {
      const limit = formatBytes(sending.limitPages * PAGE_BYTES);
      this.#explain(`${settles}, and ${limit} may: no restraint is needed`);
    } else {
      const lost = formatDurationMs(hold.lostSeconds * 1000);
      this.#explain(`${settles}: ${holding(hold)} loses ${lost} of run time`);
    }
    this.#expectedSeconds = hold?.seconds ?? 0;
    this.#judgeDeadline(pendingPages, hold === null);
  }

  #judgeDeadline(pendingPages: number, never: boolean): void {
    const leastMs = shortestDrain(pendingPages, this.sending()) * 1000 + SWITCHOVER_MS;
    if (this.#saidHopeless || (!never && leastMs <= this.#leftMs())) return;
    this.#saidHopeless = true;
    if (never)
      this.#explain('no restraint can end the migration: with all writers held, more is dirtied than sent');
    else this.#explain(`no restraint can meet ${this.#deadline()}: ${sendingTakes(leastMs)}`);
  }

  #deadline(): string {
    return `the deadline of ${formatDurationMs(this.#options.deadlineMs)}`;
  }

  /** The classes as the guest writes them now. */
  #classes(): DirtyClass[] {
    const paced = this.#knowledge
      .classes()
      .map(({ pages, touches }) => ({ pages, touches: touches.map((t, vcpu) => t * this.#paceOf(vcpu)) }));
    return hastened(paced, this.#haste);
  }

  #paceOf(vcpu: number): number {
    return this.#knowledge.pace?.(vcpu) ?? nth(this.#pace.paces, vcpu);
  }

  /** Bytes a second that each vCPU writes at full speed. */
  #rates(): number[] {
    const classes = this.#knowledge.classes();
    return this.#pace.paces.map((_, vcpu) =>
      classes.reduce((sum, { pages, touches }) => sum + pages * nth(touches, vcpu) * PAGE_BYTES, 0),
    );
  }

  /** The hold that loses least and meets the deadline, if it is not hopeless. */
  #plan(pendingPages: number, keep: readonly number[] = [], more = 0): Hold | null {
    const leastMs = shortestDrain(pendingPages, this.sending()) * 1000;
    const withinMs = leastMs + (this.#leftMs() - SWITCHOVER_MS - leastMs) / (1 + MARGIN);
    return this.#planWithin(this.#saidHopeless ? Infinity : withinMs / 1000, pendingPages, keep, more);
  }

  #planWithin(
    withinSeconds: number,
    pendingPages: number,
    keep: readonly number[],
    more: number,
  ): Hold | null {
    const { vcpuCount } = this.#migration;
    const { heldShare } = this.#options;
    const options = { heldShare, vcpuCount, keep, more, withinSeconds };
    return leastHold(this.#classes(), pendingPages, this.sending(), options);
  }

  // ------------------------------------------------------------------------------------------------ when to hold

  /** A bitmap sync of the first pass, in which only a deadline can make it necessary to act. */
  syncedInFirstPass({ remainingBytes }: SyncEvent): void {
    this.#lastLookUs = this.#migration.nowUs();
    const pending = remainingBytes / PAGE_BYTES;
    const leastMs = shortestDrain(pending, this.sending()) * 1000 + SWITCHOVER_MS;
    if (this.#held.length === 0) {
      // Hopeless as things look: no vCPU is held for nothing. Empty memory may change that.
      if (leastMs <= this.#leftMs() && this.#presses(pending)) this.#holdForDeadline(pending);
      return;
    }
    const plan = this.#plan(pending, this.#held);
    const early = plan !== null && this.#slackMs(plan, pending) > EARLY_CHECKS * DEADLINE_CHECK_MS;
    this.#hold(early ? NOBODY : plan, early ? 'the deadline leaves time' : 'after a sync');
  }

  /** The bitmap sync that ends the first pass. */
  firstPassEnded(event: SyncEvent): void {
    const pending = event.remainingBytes / PAGE_BYTES;
    const sendUs = (pending * 1e6) / this.sending().pagesPerSecond;
    this.#watch.begin(this.#migration.nowUs(), this.#options.patience * sendUs);
    this.#afterFirstPass = true;
    this.#meter.firstPassEnded();
    this.#judge(event);
  }

  /** A later bitmap sync. */
  synced(event: SyncEvent): void {
    if (event.cause === 'switchover' || event.cause === 'postcopy') return;
    this.#pace.measure(this.#knowledge.classes(), (vcpu) =>
      this.#held.includes(vcpu) ? this.#options.heldShare : 1,
    );
    this.#judge(event);
  }

  #judge({ remainingBytes }: SyncEvent): void {
    const nowUs = this.#migration.nowUs();
    const pending = remainingBytes / PAGE_BYTES;
    const sending = this.sending();
    this.#lastLookUs = nowUs;
    this.#pace.restart();
    if (!this.#knowledge.known) return;
    this.#watch.see(pending, nowUs, WORTH_WAITING * sending.pagesPerSecond);
    if (this.#held.length > 0) this.#checkHold(pending, sending);
    else if (this.#isGift(pending, sending)) this.#hold(this.#plan(pending), 'it will hardly be less');
    else if (this.#isLowest(pending, sending)) this.#holdAtLowest(pending, sending);
    else if (this.#presses(pending)) this.#holdForDeadline(pending);
  }

  #isGift(pending: number, sending: Sending): boolean {
    if (this.#knowledge.forecast !== undefined || pending <= sending.limitPages) return false;
    return shortestDrain(pending, sending) <= GIFT * this.#expectedSeconds;
  }

  /** Without a forecast the lowest remaining of the last while is as good as it gets. */
  #isLowest(pending: number, sending: Sending): boolean {
    const { forecast } = this.#knowledge;
    if (forecast === undefined) return this.#watch.isLow(pending);
    // What is dirtied and sent between two syncs is not seen.
    const unseen = (sending.pagesPerSecond * this.#options.syncPeriodMs) / 1000;
    if (pending <= forecast.lowest() + unseen) return true;
    const waitedUs = this.#migration.nowUs() - this.#watch.lowestEverUs;
    const tooLong = waitedUs > FORECAST_WINDOWS * this.#watch.windowUs + forecast.patienceUs;
    return tooLong && pending <= this.#watch.lowestEver + unseen;
  }

  /** Here the guest has settled, which puts the law right; and if the law needs no hold, the guest shows that one is needed. */
  #holdAtLowest(pending: number, sending: Sending): void {
    this.#haste = 1;
    this.#haste = hasteOf(this.#classes(), sending.pagesPerSecond, pending);
    this.#hold(
      this.#plan(max(pending, HELD_UNTIL * sending.limitPages), [], 1),
      'it does not shrink any more',
    );
  }

  /** Who is held stays so, as its pages are those that were sent, unless it has gone quiet; more are if that is not enough. */
  #checkHold(pending: number, sending: Sending): void {
    const keep = this.#held.filter((vcpu) => this.#paceOf(vcpu) >= QUIET);
    const overdue = keep.length > 0 && this.#migration.nowUs() > this.#overdueUs;
    this.#hold(
      this.#plan(max(pending, HELD_UNTIL * sending.limitPages), keep, overdue ? 1 : 0),
      'after a sync',
    );
  }

  /**
   * Would a hold soon come too late? Until then the guest may yet do without. After the first pass the cheapest one is meant;
   * in it too little is known for more than the fastest.
   */
  #presses(pending: number): boolean {
    if (this.#options.deadlineMs === Infinity || this.#saidHopeless) return false;
    const free = this.#plan(pending);
    if (free !== null && free.vcpus.length === 0 && this.#slackMs(free, pending) > 0) return false;
    const hold = this.#planWithin(this.#afterFirstPass ? Infinity : 0, pending, [], 1);
    return hold === null || this.#slackMs(hold, pending) <= DEADLINE_CHECK_MS;
  }

  #holdForDeadline(pending: number): void {
    this.#hold(this.#plan(pending, [], 1), 'the deadline leaves no time');
  }

  /** What a hold leaves of the time until the deadline. */
  #slackMs({ seconds }: Hold, pending: number): number {
    const leastMs = shortestDrain(pending, this.sending()) * 1000;
    return this.#leftMs() - SWITCHOVER_MS - leastMs - (1 + MARGIN) * (seconds * 1000 - leastMs);
  }

  #leftMs(): number {
    return this.#options.deadlineMs - this.#migration.nowUs() / 1000;
  }

  // ------------------------------------------------------------------------------------------------ holding

  /** Holds the vCPUs of a plan from now on, all writers if there is no plan. An empty one lets everybody go. */
  #hold(plan: Hold | null, why: string): void {
    const vcpus = plan === null ? this.#writers() : plan.vcpus;
    if (vcpus.length === this.#held.length && vcpus.every((vcpu, i) => vcpu === this.#held[i])) return;
    const share = this.#options.heldShare;
    const percent = `at ${(100 * (1 - share)).toFixed(0)} %`;
    if (plan === null) this.#explain(`${why}: holding all writers ${percent}`);
    else this.#explain(`${why}: ${vcpus.length === 0 ? 'no vCPU is held' : `${holding(plan)} ${percent}`}`);
    this.#held = vcpus;
    const seconds = OVERDUE * (plan?.seconds ?? 0) + HELD_SYNC_MS / 1000;
    this.#overdueUs = this.#migration.nowUs() + seconds * 1e6;
    if (vcpus.length === 0 || this.#pulsing) return;
    this.#pulsing = true;
    this.#knowledge.holding?.();
    const sleep = (): void => sleepVcpus(this.#migration, this.#held, SLEEP_MS);
    this.#migration.every(SLEEP_MS / (1 - share), sleep);
    sleep();
  }

  #writers(): number[] {
    return this.#rates().flatMap((rate, vcpu) => (rate > 0 ? [vcpu] : []));
  }

  #explain(text: string): void {
    this.#migration.explain(this.#options.rule, text);
  }
}

function sendingTakes(leastMs: number): string {
  return `sending what is left and stopping takes ${formatDurationMs(leastMs)} even if nothing more is dirtied`;
}

function holding({ vcpus, seconds }: Hold): string {
  const names = vcpus.length === 1 ? `vCPU ${nth(vcpus, 0)}` : `vCPUs ${vcpus.join(', ')}`;
  return `holding ${names} for ${formatDurationMs(seconds * 1000)}`;
}
