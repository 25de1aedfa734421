/** What the parts of the migration thread share. */
import type { Trace } from '../observe/trace.js';
import type { Timeline } from '../observe/timeline.js';
import type { BitmapSync } from '../parts/bitmap-sync.js';
import type { DirtyLog } from '../parts/dirty-log.js';
import type { Orders } from '../parts/orders.js';
import type { Parts } from '../parts/parts.js';
import { type Run, waits } from '../parts/pauses.js';
import type { TurnSends } from '../parts/turn-sends.js';

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

/** A number of bytes, counted already, leave in `us`: those that a cancel stops on the way are taken back. */
export function* passBytes(thread: Thread, bytes: number, us: number): Run<void> {
  const { clock, counters } = thread.parts;
  const endUs = clock.nowUs + us;
  if (clock.pausesBefore(endUs)) yield* waits(clock, endUs);
  clock.advance(endUs);
  if (thread.orders.cancelReason === null || us === 0) return;
  counters.frame((-bytes * (endUs - clock.nowUs)) / us);
}
