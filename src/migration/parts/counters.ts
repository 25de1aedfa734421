/** What was sent: migration-stats.h's `mig_stats`, under its names in `query-migrate`. */
import { EOS_BYTES, SECTION_BYTES, type StreamCosts } from '../rules/stream.js';

export class Counters {
  /** migration-stats.c:migration_transferred_bytes: all stream bytes, which the rate limit and the bandwidth go by. */
  transferred = 0;
  /** Of these, the ones that are no RAM records: headers, commands, device state. */
  framing = 0;
  normalPages = 0;
  /** What multifd's data took on the wire before post-copy, bytes. */
  wholeBytes = 0;
  zeroPages = 0;
  /** xbzrle_counters.pages: found in the cache, whatever came of it. */
  xbzrlePages = 0;
  /** xbzrle_counters.overflow: of these, the ones that went out whole, which `normalPages` counts once more. */
  xbzrleOverflows = 0;
  /** xbzrle_counters.bytes: encoded pages without their header, and the pages that went out whole. */
  xbzrleBytes = 0;
  /** xbzrle_counters.cache_miss. */
  xbzrleMisses = 0;
  /** ram.c:ram_transferred_add: RAM records of the main channel while the guest ran, while it stood, and after it moved. */
  precopyBytes = 0;
  downtimeBytes = 0;
  postcopyBytes = 0;
  /** Of the pages, those sent after the switch to post-copy. */
  postcopyNormalPages = 0;
  postcopyZeroPages = 0;
  /** CPU time of bitmap syncs, µs: without waits for vCPUs that do not answer. */
  syncCpuUs = 0;
  /** What multifd's channels carry: hello, packets of pages, packets of synchronisation. */
  multifdBytes = 0;
  /** `shown` leaves out the framing. */
  readonly showsRamOnly: boolean;

  /** `showsRamOnly`: `ram.transferred` of the version leaves out the framing. */
  constructor(showsRamOnly: boolean) {
    this.showsRamOnly = showsRamOnly;
  }

  /** `ram.transferred`, which the throttle detector compares with too. */
  get shown(): number {
    return this.showsRamOnly ? this.transferred - this.framing : this.transferred;
  }

  /** ram.c:ram_get_total_transferred_pages. */
  get pages(): number {
    return this.normalPages + this.zeroPages + this.xbzrlePages;
  }

  /** Bytes of the main channel that are no RAM records. */
  frame(bytes: number): void {
    this.transferred += bytes;
    this.framing += bytes;
  }

  /** RAM records of the main channel, before post-copy. */
  record(bytes: number, guestRuns: boolean): void {
    this.transferred += bytes;
    if (guestRuns) this.precopyBytes += bytes;
    else this.downtimeBytes += bytes;
  }

  /** On multifd's channels. */
  recordMultifd(bytes: number): void {
    this.transferred += bytes;
    this.multifdBytes += bytes;
  }

  /** ram.c:multifd_ram_flush_and_sync: a packet on each channel, and a flag on the main one that nothing counts. */
  syncChannels(stream: StreamCosts): void {
    this.recordMultifd(stream.syncPacketBytes);
    this.frame(stream.syncFlagBytes);
  }

  /** The ends of a number of iterations: RAM_SAVE_FLAG_EOS counts as a record, the section around it does not. */
  endIterations(stream: StreamCosts, count: number, guestRuns: boolean): void {
    this.frame(count * SECTION_BYTES);
    this.record(count * EOS_BYTES, guestRuns);
    if (stream.syncsEveryIteration) this.recordMultifd(count * stream.syncPacketBytes);
  }

  copy(from: Readonly<Counters>): void {
    this.transferred = from.transferred;
    this.framing = from.framing;
    this.normalPages = from.normalPages;
    this.wholeBytes = from.wholeBytes;
    this.zeroPages = from.zeroPages;
    this.xbzrlePages = from.xbzrlePages;
    this.xbzrleOverflows = from.xbzrleOverflows;
    this.xbzrleBytes = from.xbzrleBytes;
    this.xbzrleMisses = from.xbzrleMisses;
    this.precopyBytes = from.precopyBytes;
    this.downtimeBytes = from.downtimeBytes;
    this.postcopyBytes = from.postcopyBytes;
    this.multifdBytes = from.multifdBytes;
  }

  /** A share, 0..1, of what came between two states is added. */
  add(from: Readonly<Counters>, to: Readonly<Counters>, share: number): void {
    this.transferred += (to.transferred - from.transferred) * share;
    this.framing += (to.framing - from.framing) * share;
    this.normalPages += (to.normalPages - from.normalPages) * share;
    this.wholeBytes += (to.wholeBytes - from.wholeBytes) * share;
    this.zeroPages += (to.zeroPages - from.zeroPages) * share;
    this.xbzrlePages += (to.xbzrlePages - from.xbzrlePages) * share;
    this.xbzrleOverflows += (to.xbzrleOverflows - from.xbzrleOverflows) * share;
    this.xbzrleBytes += (to.xbzrleBytes - from.xbzrleBytes) * share;
    this.xbzrleMisses += (to.xbzrleMisses - from.xbzrleMisses) * share;
    this.precopyBytes += (to.precopyBytes - from.precopyBytes) * share;
    this.downtimeBytes += (to.downtimeBytes - from.downtimeBytes) * share;
    this.postcopyBytes += (to.postcopyBytes - from.postcopyBytes) * share;
    this.multifdBytes += (to.multifdBytes - from.multifdBytes) * share;
  }
}
