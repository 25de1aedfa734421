/** A migration as an orchestrator sees it: a test sets what `query-migrate` answers, the policy's calls are written down. */
import { parseOptions } from '../../src/options/read.js';
import type { MigrationStats, SyncCause, SyncEvent } from '../../src/migration/controls.js';
import { FakeControls } from '../strategies/fake-controls.js';
import { setupWith } from '../strategies/setups.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import type { PolicyDefinition } from '../../src/strategies/define.js';

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
/** ROMs and video memory that `ram.total` has beside guest RAM. */
export const HIDDEN = 17 * MIB;

export class FakeMigration extends FakeControls {
  status: MigrationStats['status'] = 'active';
  remainingBytes = 0;
  transferredBytes = 0;
  /** 10^6 bit/s. */
  mbps = 0;
  readonly ramBytes: number;
  #passes = 0;
  readonly #listeners: ((event: SyncEvent) => void)[] = [];

  constructor(ramBytes = 4 * GIB) {
    super();
    this.ramBytes = ramBytes;
    this.remainingBytes = ramBytes + HIDDEN;
  }

  /** Started with its defaults and the given options; the setup sync has happened. */
  static under(
    policy: PolicyDefinition,
    given: Record<string, unknown> = {},
    ramBytes = 4 * GIB,
  ): FakeMigration {
    const migration = new FakeMigration(ramBytes);
    policy.start(parseOptions(policy.options, given), migration);
    migration.endPass(migration.remainingBytes, 'setup');
    return migration;
  }

  override stats(): MigrationStats {
    return {
      ...super.stats(),
      status: this.status,
      totalBytes: this.ramBytes + HIDDEN,
      remainingBytes: this.remainingBytes,
      transferredBytes: this.transferredBytes,
      mbps: this.mbps,
      dirtySyncCount: this.#passes,
    };
  }

  /** A bitmap sync after which `remainingBytes` are left. */
  endPass(remainingBytes = this.remainingBytes, cause: SyncCause = 'natural'): void {
    this.remainingBytes = remainingBytes;
    this.#passes += 1;
    for (const listener of this.#listeners)
      listener({ n: this.#passes, cause, newDirtyPages: 0, remainingBytes });
  }

  override onSync(listener: (event: SyncEvent) => void): void {
    this.#listeners.push(listener);
  }

  override startPostcopy(): void {
    super.startPostcopy();
    this.status = 'postcopy-active';
  }
  override pause(): void {
    super.pause();
    this.status = 'device';
  }
  override cancel(reason: string): void {
    super.cancel(reason);
    this.status = 'cancelled';
  }

  /** `12.5 500` for each downtime-limit that was set, in s and ms, and takes these calls off the record. */
  takeLimits(): string[] {
    return this.takeCalls().map((call) => {
      const set = /^(\S+) set \{"downtimeLimitMs":(\d+)\}$/.exec(call);
      return set === null ? call : `${set[1]!} ${set[2]!}`;
    });
  }
}

/** A setup with the post-copy capability on or off. */
export function setupWithPostcopy(postcopy: boolean): MigrationSetup {
  const setup = setupWith();
  return { ...setup, migration: { ...setup.migration, postcopy } };
}

/** Why `policy` with these options is refused; null when it can run. */
export function refusal(
  policy: PolicyDefinition,
  given: Record<string, unknown> = {},
  postcopy = false,
): string | null {
  return policy.refuses?.(parseOptions(policy.options, given), setupWithPostcopy(postcopy)) ?? null;
}

export const NEEDS_POSTCOPY =
  'Enable postcopy with migrate_set_capability before the start of migration: set migration.postcopy-ram to true';
