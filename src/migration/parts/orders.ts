/** What comes from outside: what was asked of the migration thread, which looks at it when it gets there, and which listeners there are. */
import type { Clock } from './clock.js';
import type { DetectorEvent, SyncEvent } from '../controls.js';
import type { RuntimeParameters } from '../runtime-parameters.js';

export class Orders {
  /** migrate-start-postcopy. */
  postcopy = false;
  /** QMP `stop`. */
  pause = false;
  /** migrate-continue, in `pre-switchover`. */
  goOn = false;
  /** A report of free pages that had to wait for the same. */
  freePages = false;
  /** migrate_cancel, with its reason; null: it goes on. */
  cancelReason: string | null = null;
  /** Cancelled for the time it took. */
  gaveUp = false;

  readonly syncListeners: ((event: SyncEvent) => void)[] = [];
  readonly eligibleListeners: ((event: DetectorEvent) => void)[] = [];
  readonly detectorListeners: ((event: DetectorEvent) => void)[] = [];
  readonly setListeners: ((parameters: RuntimeParameters) => void)[] = [];
  readonly queryListeners: (() => void)[] = [];
  /** The guest runs again: each is called once. */
  readonly resumeListeners: (() => void)[] = [];
  readonly endListeners: (() => void)[] = [];
  /** The guest was stopped (false), or runs again (true), at the source. */
  readonly runListeners: ((runs: boolean) => void)[] = [];

  readonly #clock: Pick<Clock, 'halt'>;
  #isBeyondCancel = false;

  constructor(clock: Pick<Clock, 'halt'>) {
    this.#clock = clock;
  }

  /** Time ends here, in the middle of whatever is under way: the thread finds its channel shut down (migrate_fd_cancel). */
  cancel(reason: string): void {
    if (this.cancelReason !== null || this.#isBeyondCancel) return;
    this.cancelReason = reason;
    this.#clock.halt();
  }

  giveUp(): void {
    if (this.cancelReason !== null || this.#isBeyondCancel) return;
    this.gaveUp = true;
    this.cancel('gave up');
  }

  /** The guest has moved, in part: from here on QEMU cannot cancel. */
  commit(): void {
    this.#isBeyondCancel = true;
  }
}
