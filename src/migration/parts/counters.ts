/** What was sent: migration-stats.h's `mig_stats`, under its names in `query-migrate`. */
export class Counters {
  /** All stream bytes (`ram.transferred`). */
  transferred = 0;
  normalPages = 0;
  zeroPages = 0;
  /** xbzrle_counters.pages: found in the cache, whatever came of it. */
  xbzrlePages = 0;
  /** xbzrle_counters.overflow: of these, the ones that went out whole, which `normalPages` counts once more. */
  xbzrleOverflows = 0;
  /** xbzrle_counters.bytes: encoded pages without their header, and the pages that went out whole. */
  xbzrleBytes = 0;
  /** xbzrle_counters.cache_miss. */
  xbzrleMisses = 0;
  /** On the main channel while the guest ran, and while it was stopped. */
  precopyBytes = 0;
  downtimeBytes = 0;
  postcopyBytes = 0;
  multifdBytes = 0;

  /** ram.c:ram_get_total_transferred_pages. */
  get pages(): number {
    return this.normalPages + this.zeroPages + this.xbzrlePages;
  }
}
