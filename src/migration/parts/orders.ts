/** What comes from outside: what was asked of the migration thread, which looks at it when it gets there, and who wants to be told. */
import type { DetectorEvent, SyncEvent } from '../controls.js';
import type { RuntimeParameters } from '../runtime-parameters.js';

export class Orders {
  /** migrate-start-postcopy. */
  postcopy = false;
  /** QMP `stop`. */
  pause = false;
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

  giveUp(): void {
    this.gaveUp = true;
    this.cancelReason = 'gave up';
  }
}
