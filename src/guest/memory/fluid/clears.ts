/**
 * When the tracking of which chunk was cleared (ram.c:migration_clear_memory_region_dirty_bitmap): pages in the snapshot of
 * the last sync are armed when the first dirty page of their chunk is sent.
 *
 * Two things keep this independent of memory size. A large uniform range is divided into a few pieces of many chunks each,
 * whose chunks are cleared one after the other while the cursor passes through: a visit. And the guest need not be brought
 * up for each clear: as long as writes go on evenly, it is enough to know at what share of a span of run time a clear
 * came, and to account for it when the span is over and its writes are known.
 */
import { type Chunk, type Segment, type WrittenRange, nextOf, settle, settleAt } from './segment.js';

const { exp, max } = Math;

/** Writes per page too few for the share that they leave to differ from all. */
const NOTHING = 1e-9;

interface Clear {
  chunk: Chunk;
  /** Run time since the guest was last brought up, µs. A visit that goes on: `endUs` NaN; that began in an earlier span: `startUs` 0. */
  startUs: number;
  endUs: number;
  /** Visit: writes to the range when it began, once known; NaN before. */
  startWrites: number;
}

const NO_CHUNK: Chunk = { chunks: 0, first: null, pending: false };

function noClear(): Clear {
  return { chunk: NO_CHUNK, startUs: NaN, endUs: NaN, startWrites: NaN };
}

export class ChunkClears {
  readonly #chunks: readonly Chunk[];
  readonly #ranges: readonly WrittenRange[];
  /** Clears of the present span are the first `#dueCount`; the others are kept for later ones. */
  readonly #due: Clear[] = [];
  #dueCount = 0;
  readonly #visit = noClear();
  #isVisiting = false;
  #spanUs = 0;
  #spanIsOver = false;

  constructor(chunks: readonly Chunk[], ranges: readonly WrittenRange[]) {
    this.#chunks = chunks;
    this.#ranges = ranges;
  }

  /** Whether something is to be noted before a page of this segment is sent: a clear, or the end of a visit. */
  stopsAt(segment: Segment): boolean {
    const { chunk } = segment;
    if (this.#isVisiting) return chunk !== this.#visit.chunk;
    return chunk !== null && chunk.pending;
  }

  /** The cursor stands at `segment`, and the guest is `behindUs` of run time behind. */
  stop(segment: Segment, behindUs: number): void {
    this.settle();
    this.#leave(behindUs);
    const { chunk } = segment;
    if (chunk === null || !chunk.pending) return;
    chunk.pending = false;
    if (isVisited(chunk)) {
      const visit = this.#visit;
      this.#isVisiting = true;
      visit.chunk = chunk;
      visit.startUs = behindUs;
      visit.endUs = NaN;
      visit.startWrites = behindUs === 0 ? chunk.first!.range!.writes : NaN;
    } else if (behindUs > 0) this.#note(chunk, behindUs, NaN, NaN);
    else clearNow(chunk);
  }

  /** The chunk that this segment lies in is cleared, the guest being brought up. */
  clearWith({ chunk }: Segment): void {
    if (chunk === null || !chunk.pending) return;
    this.settle();
    chunk.pending = false;
    clearNow(chunk);
  }

  #note(chunk: Chunk, startUs: number, endUs: number, startWrites: number): void {
    const clear = (this.#due[this.#dueCount] ??= noClear());
    this.#dueCount += 1;
    clear.chunk = chunk;
    clear.startUs = startUs;
    clear.endUs = endUs;
    clear.startWrites = startWrites;
  }

  /** The cursor leaves the chunk that it visits. */
  #leave(behindUs: number): void {
    if (!this.#isVisiting) return;
    this.#isVisiting = false;
    const visit = this.#visit;
    visit.chunk.pending = true;
    visit.endUs = behindUs;
    if (behindUs > 0) this.#note(visit.chunk, visit.startUs, behindUs, visit.startWrites);
    else {
      const range = visit.chunk.first!.range!;
      range.armed += endVisit(visit, range.writes);
    }
  }

  /** The guest is about to be brought up by `runUs` of run time. Notes in the ranges what is armed on the way. */
  beginSpan(runUs: number): void {
    this.settle();
    this.#spanUs = runUs;
    this.#spanIsOver = true;
    if (this.#dueCount === 0 && !this.#isVisiting) return;
    for (let i = 0; i < this.#ranges.length; i += 1) this.#ranges[i]!.spanWrites = this.#ranges[i]!.writes;
    for (let i = 0; i < this.#dueCount; i += 1) {
      const { chunk, startUs, endUs } = this.#due[i]!;
      const visited = isVisited(chunk);
      const share = 1 - (visited ? (startUs + endUs) / 2 : startUs) / runUs;
      for (let s: Segment | null = chunk.first; s !== null; s = nextOf(s, chunk)) {
        const armed = s.snapshotClean + (visited ? 0 : s.snapshotDirty);
        if (armed > 0) armLate(s.range!, armed, share);
      }
    }
  }

  /** Account for the clears of a span that is over. */
  settle(): void {
    if (!this.#spanIsOver) return;
    this.#spanIsOver = false;
    if (this.#isVisiting) this.#begin(this.#visit);
    if (this.#dueCount === 0) return;
    for (let i = 0; i < this.#dueCount; i += 1) {
      const clear = this.#due[i]!;
      if (isVisited(clear.chunk)) {
        this.#begin(clear);
        endVisit(clear, this.#writesAt(clear.chunk.first!.range!, clear.endUs));
      } else this.#clearAt(clear);
    }
    this.#dueCount = 0;
    for (let i = 0; i < this.#ranges.length; i += 1) {
      const range = this.#ranges[i]!;
      for (let k = 0; k < range.lateCount; k += 1) range.armed += range.late[k]!.armed;
      range.lateCount = 0;
    }
  }

  #begin(visit: Clear): void {
    if (visit.startWrites !== visit.startWrites) {
      visit.startWrites = this.#writesAt(visit.chunk.first!.range!, visit.startUs);
    }
    visit.startUs = 0;
  }

  /** Writes to a range when so much of the last span's run time was over. */
  #writesAt(range: WrittenRange, us: number): number {
    const share = this.#spanUs > 0 ? us / this.#spanUs : 0;
    return range.spanWrites + (range.writes - range.spanWrites) * share;
  }

  #clearAt({ chunk, startUs }: Clear): void {
    for (let s: Segment | null = chunk.first; s !== null; s = nextOf(s, chunk)) {
      if (s.range === null) continue;
      settleAt(s, this.#writesAt(s.range, startUs));
      arm(s);
    }
  }

  /** A sync: every chunk is to be cleared before the next page in it is sent. */
  restart(): void {
    this.settle();
    this.#leave(0);
    for (let i = 0; i < this.#chunks.length; i += 1) this.#chunks[i]!.pending = true;
  }
}

function armLate(range: WrittenRange, armed: number, share: number): void {
  const late = (range.late[range.lateCount] ??= { armed: 0, share: 0, fresh: 0 });
  range.lateCount += 1;
  late.armed = armed;
  late.share = share;
}

function isVisited(chunk: Chunk): boolean {
  return chunk.chunks > 1 && !chunk.first!.range!.sequential;
}

function clearNow(chunk: Chunk): void {
  for (let s: Segment | null = chunk.first; s !== null; s = nextOf(s, chunk)) {
    if (s.range === null) continue;
    settle(s);
    s.range.armed += s.snapshotDirty + s.snapshotClean;
    arm(s);
  }
}

/** KVM_CLEAR_DIRTY_LOG: what is in the snapshot is armed. */
function arm(segment: Segment): void {
  segment.loggedDirty -= segment.snapshotDirty;
  segment.loggedClean -= segment.snapshotClean;
  segment.snapshotDirty = 0;
  segment.snapshotClean = 0;
}

/**
 * A visit of a piece of g chunks, of which the cursor passed m, is over. The j-th of those was cleared when j/m of the
 * visit's n writes were done, so of its pages e^(-(n/W)(1 - j/m)) are still armed: the mean over j is a geometric sum.
 * Returns the pages that are.
 */
function endVisit({ chunk, startWrites }: Clear, endWrites: number): number {
  let sent = 0;
  let waiting = 0;
  for (let s: Segment | null = chunk.first; s !== null; s = nextOf(s, chunk)) {
    sent += s.snapshotClean;
    waiting += s.snapshotDirty;
  }
  if (sent === 0) return 0;
  const written = (endWrites - startWrites) / chunk.first!.range!.pages;
  const armed = meanArmed(written, max(1, (chunk.chunks * sent) / (sent + waiting)));
  for (let s: Segment | null = chunk.first; s !== null; s = nextOf(s, chunk)) {
    if (s.snapshotClean === 0) continue;
    settleAt(s, endWrites);
    s.loggedClean -= s.snapshotClean * armed;
    s.snapshotClean = 0;
  }
  return sent * armed;
}

/**
 * Of pages that were armed in `steps` equal steps, the first at the start, during which each page was written `written`
 * times on average: the share still armed at the end.
 */
export function meanArmed(written: number, steps: number): number {
  if (written < NOTHING * steps) return 1;
  const missedInStep = exp(-written / steps);
  return (missedInStep * (1 - exp(-written))) / (steps * (1 - missedInStep));
}
