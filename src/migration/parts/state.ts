/** Where a migration stands: QEMU's MigrationState. The thread (thread/) writes it, all others read. */
import type { MigrationStats } from '../controls.js';

export class MigrationState {
  #phase: MigrationStats['status'] = 'setup';
  /** Called at each change of `phase`, as event MIGRATION reports it. */
  onPhase: ((phase: MigrationStats['status']) => void) | null = null;
  setupUs = 0;
  /** When the guest was asked to stop; null: it runs. */
  stopUs: number | null = null;
  downtimeUs: number | null = null;
  /** How long QMP `stop` had stopped it before that, µs. */
  pausedUs = 0;
  /** From `stopUs` until the destination runs. */
  blackoutUs: number | null = null;
  postcopyStartUs: number | null = null;
  /** An iteration holds the bitmap mutex: a sync has to wait for its end. */
  holdsBitmap = false;

  get phase(): MigrationStats['status'] {
    return this.#phase;
  }

  set phase(phase: MigrationStats['status']) {
    const isNew = phase !== this.#phase;
    this.#phase = phase;
    if (isNew) this.onPhase?.(phase);
  }
}
