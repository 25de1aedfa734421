/** What was sent: migration-stats.h's `mig_stats`, under its names in `query-migrate`. */
export class Counters {
  /** All stream bytes (`ram.transferred`). */
  transferred = 0;
  normalPages = 0;
  zeroPages = 0;
  /** On the main channel while the guest ran, and while it was stopped. */
  precopyBytes = 0;
  downtimeBytes = 0;
  postcopyBytes = 0;
  multifdBytes = 0;

  get pages(): number {
    return this.normalPages + this.zeroPages;
  }
}
