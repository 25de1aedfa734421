/** What a scenario does to its own migration, when its time has come. */
import type { Controls } from './controls.js';
import type { ScheduledAction } from './runtime-parameters.js';

const RULE = 'migration.at';

/** In the order in which they are written; those of one instant too. */
export function startSchedule(migration: Controls, schedule: readonly ScheduledAction[]): void {
  for (const action of schedule) {
    if (action.afterUs !== undefined) migration.after(action.afterUs / 1000, () => take(migration, action));
  }
  const bySync = schedule.filter(({ atSync }) => atSync !== undefined);
  if (bySync.length === 0) return;
  migration.onSync(({ n, cause }) => {
    if (cause === 'switchover' || cause === 'postcopy') return;
    for (const action of bySync) if (action.atSync === n) take(migration, action);
  });
}

function take(migration: Controls, { set, do: command }: ScheduledAction): void {
  const { status } = migration.stats();
  const isCopying = status === 'setup' || status === 'active';
  if (set !== undefined) migration.set(set);
  switch (command) {
    case undefined:
      return;
    case 'cancel':
      if (!isCopying && status !== 'device' && status !== 'pre-switchover') return;
      migration.explain(RULE, 'migrate_cancel');
      return migration.cancel('cancelled by the scenario');
    case 'start-postcopy':
      if (!isCopying) return;
      migration.explain(RULE, 'migrate-start-postcopy');
      return migration.startPostcopy();
    case 'migrate-continue':
      if (status !== 'pre-switchover') return;
      migration.explain(RULE, 'migrate-continue');
      return migration.continueSwitchover();
    case 'migrate-pause':
      if (status !== 'postcopy-active') return;
      migration.explain(RULE, 'migrate-pause');
      return migration.pausePostcopy();
    case 'migrate-recover':
      if (status !== 'postcopy-active' && status !== 'postcopy-paused') return;
      migration.explain(RULE, 'migrate-recover');
      return migration.recoverPostcopy();
    case 'stop':
      if (isCopying) migration.pause();
      return;
    case 'cont':
      if (isCopying) migration.resume();
  }
}
