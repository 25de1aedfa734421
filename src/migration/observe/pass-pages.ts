/** What went over the wire between two bitmap syncs. */

const { max, min } = Math;

export interface SyncBytes {
  /** `remaining` before and after the sync, bytes. */
  readonly remainingBefore: number;
  readonly remaining: number;
}

export interface RunBytes {
  readonly totalRam: number;
  /** Memory covered by the zero pages that were sent. */
  readonly zero: number;
  /** At the end of the run. */
  readonly remaining: number;
}

/** Bytes of guest memory that the pages sent in a pass cover: a zero page takes only a few bytes of the stream. */
export interface PassBytes {
  readonly zero: number;
  readonly first: number;
  readonly again: number;
}

/**
 * One entry a sync: the pass that it opens. `remaining` falls by what is sent. Every page is sent once before any is sent
 * again, zero pages among them (a page that was written to is no zero page any more).
 */
export function passBytes(syncs: readonly SyncBytes[], run: RunBytes): PassBytes[] {
  let unsent = run.totalRam;
  let zeroLeft = run.zero;
  return syncs.map(({ remaining }, index) => {
    const end = syncs[index + 1]?.remainingBefore ?? run.remaining;
    const sent = max(0, remaining - end);
    const once = min(sent, unsent);
    const zero = min(once, zeroLeft);
    unsent -= once;
    zeroLeft -= zero;
    return { zero, first: once - zero, again: sent - once };
  });
}
