/** What an orchestrator can do to a running migration, and when it can. */
import { formatDurationMs } from '../../units.js';
import type { Controls, SyncEvent } from '../../migration/controls.js';
import type { MigrationSetup } from '../../migration/setup.js';

export const ACTIONS = ['abort', 'pause', 'postcopy'] as const;
export type Action = (typeof ACTIONS)[number];

/** migration.c:MAX_MIGRATE_DOWNTIME: the largest downtime-limit that QEMU takes, ms. */
export const MAX_DOWNTIME_MS = 2_000_000;

const IN_WORDS: Readonly<Record<Action, string>> = {
  abort: 'the migration is aborted',
  pause: 'the guest is stopped until it has moved',
  postcopy: 'switch to post-copy',
};

const AS_AN_END: Readonly<Record<Action, string>> = {
  abort: 'aborts',
  pause: 'stops the guest',
  postcopy: 'goes post-copy',
};

/** `aborts after 5 min`: what a policy's `ends` says. */
export function endsAfter(action: Action, ms: number): string {
  return `${AS_AN_END[action]} after ${formatDurationMs(ms)}`;
}

/** `aborts after 30 passes`, likewise. */
export function endsAfterPasses(action: Action, passes: number): string {
  return `${AS_AN_END[action]} after ${passes} ${passes === 1 ? 'pass' : 'passes'}`;
}

/** It can still be aborted: neither over nor in post-copy, where QEMU refuses (migration.c:qmp_migrate_cancel). */
export function isUnderway(migration: Controls): boolean {
  const { status } = migration.stats();
  return isCopying(migration) || status === 'device' || status === 'pre-switchover';
}

/** The guest runs on the source: it can be stopped, or moved by post-copy. */
export function isCopying(migration: Controls): boolean {
  const { status } = migration.stats();
  return status === 'setup' || status === 'active';
}

/**
 * MIGRATION_PASS, libvirt's iteration event: a pass has ended and the next begins. Left out is the sync of the switchover
 * itself, when all is decided.
 */
export function onPass(migration: Controls, listener: (event: SyncEvent) => void): void {
  migration.onSync((event) => {
    if (event.cause !== 'switchover' && event.cause !== 'postcopy') listener(event);
  });
}

/** `why` is half a sentence: it ends up in what users read about the decision, and about the abort. */
export function act(migration: Controls, action: Action, rule: string, why: string): void {
  if (!(action === 'abort' ? isUnderway(migration) : isCopying(migration))) return;
  migration.explain(rule, `${why}: ${IN_WORDS[action]}`);
  switch (action) {
    case 'abort':
      return migration.cancel(why);
    case 'pause':
      return migration.pause();
    case 'postcopy':
      return migration.startPostcopy();
  }
}

/** As `refuses` answers where a policy would use post-copy: null when the capability is on. */
export function refusalWithoutPostcopy(setup: MigrationSetup): string | null {
  if (setup.migration.postcopy === true) return null;
  return 'Enable postcopy with migrate_set_capability before the start of migration: set migration.postcopy-ram to true';
}
