/** What the parts of the migration thread share. */
import type { Trace } from '../observe/trace.js';
import type { Timeline } from '../observe/timeline.js';
import type { BitmapSync } from '../parts/bitmap-sync.js';
import type { DirtyLog } from '../parts/dirty-log.js';
import type { Orders } from '../parts/orders.js';
import { carriedBytes } from '../link-time.js';
import type { Parts } from '../parts/parts.js';
import { type Run, waits } from '../parts/pauses.js';
import type { TurnSends } from '../parts/turn-sends.js';

const { max, min } = Math;

/** One migration on its way. */
export interface Thread {
  readonly parts: Parts;
  readonly orders: Orders;
  readonly sends: TurnSends;
  readonly trace: Trace;
  readonly timeline: Timeline;
  readonly log: DirtyLog;
  readonly sync: BitmapSync;
}

/**
 * Thrown to leave the thread when the migration was cancelled; never escapes the engine. One for all, as noting where each was
 * thrown takes longer than a sync.
 */
export const ENDED = new Error('the migration was cancelled');

/** Thrown when the migration failed: QEMU's status `failed`, with the reason in words. */
export class Failed extends Error {}

/** It failed with the guest on both hosts and whole on none. */
export class GuestLost extends Failed {}

/** Until when something leaves that is on its way, µs: to a cancel, which ends time, or a failure of the network. */
export function leavesUntilUs({ parts, orders }: Thread): number {
  return orders.cancelReason !== null ? parts.clock.nowUs : parts.link.failedUs;
}

/** A number of bytes leave, at the source in `ownUs`: those that are stopped on the way are not counted. */
export function* passBytes(thread: Thread, bytes: number, ownUs: number): Run<void> {
  const { clock, link, counters } = thread.parts;
  const fromUs = clock.nowUs;
  const us = max(ownUs, link.timeForUs(bytes, fromUs));
  counters.frame(bytes);
  const endUs = fromUs + us;
  const rates = link.changesAfter(fromUs) < endUs ? link.rates() : null;
  if (clock.pausesBefore(endUs)) yield* waits(clock, endUs);
  clock.advance(endUs);
  const untilUs = max(fromUs, leavesUntilUs(thread));
  if (untilUs >= endUs || us === 0) return;
  const evenly = (bytes * (untilUs - fromUs)) / us;
  counters.frame(min(evenly, rates === null ? bytes : carriedBytes(rates, fromUs, untilUs)) - bytes);
}
