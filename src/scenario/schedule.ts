/** `migration.at`: what is done to the running migration, and what QEMU would refuse of it. */
import type { ScheduledAction, ScheduledCommand } from '../migration/runtime-parameters.js';
import { refusalToSet, runtimeParameters } from '../strategies/kit/runtime-options.js';
import type { Complain } from './form/problems.js';
import type { ScenarioFile } from './form/schema.js';

/** Each entry has one time and something to do, which QEMU would take. */
export function buildSchedule(migration: ScenarioFile['migration'], complain: Complain): ScheduledAction[] {
  let lastUs = 0;
  let lastSync = 0;
  return migration.at.map(({ after, 'at-sync': atSync, set, do: command }, index) => {
    const path = ['migration', 'at', index];
    if ((after === undefined) === (atSync === undefined)) complain(path, 'expected one of after and at-sync');
    if (set === undefined && command === undefined) complain(path, 'nothing to do; expected set or do');
    if ((after ?? lastUs) < lastUs) complain([...path, 'after'], 'expected actions in order of time');
    if ((atSync ?? lastSync) < lastSync) complain([...path, 'at-sync'], 'expected actions in order of syncs');
    lastUs = after ?? lastUs;
    lastSync = atSync ?? lastSync;
    const refusedCommand = command === undefined ? null : refusalToDo(command, migration, index);
    if (refusedCommand !== null) complain([...path, 'do'], refusedCommand);
    if (atSync !== undefined && (command === 'migrate-pause' || command === 'migrate-recover'))
      complain([...path, 'at-sync'], 'post-copy has no bitmap syncs; expected after');
    const parameters = set === undefined ? undefined : runtimeParameters(set);
    const refused = parameters === undefined ? null : refusalToSet(parameters, migration.qemu.qemu);
    if (refused !== null) complain([...path, 'set'], refused);
    return {
      ...(after === undefined ? {} : { afterUs: after }),
      ...(atSync === undefined ? {} : { atSync }),
      ...(parameters === undefined ? {} : { set: parameters }),
      ...(command === undefined ? {} : { do: command }),
    };
  });
}

/** Why QEMU would refuse a command, or wait forever after it; null where it does neither. */
function refusalToDo(
  command: ScheduledCommand,
  migration: ScenarioFile['migration'],
  index: number,
): string | null {
  switch (command) {
    case 'start-postcopy':
      return migration['postcopy-ram']
        ? null
        : 'QEMU refuses it without the capability; expected postcopy-ram: true';
    case 'migrate-continue':
      if (!migration['pause-before-switchover'])
        return 'nothing waits for migrate-continue; expected pause-before-switchover: true';
      return migration['migrate-continue-delay'] === 0
        ? null
        : 'migrate-continue-delay gives migrate-continue as well; expected one of them';
    case 'migrate-pause':
    case 'migrate-recover':
      if (!migration['postcopy-ram'])
        return `QEMU refuses ${command} outside post-copy, which needs the capability; expected postcopy-ram: true`;
      if (!migration['postcopy-recover'])
        return `${command} has no effect where post-copy is not recovered; expected postcopy-recover: true`;
      return command === 'migrate-recover' || isRecovered(migration.at, index)
        ? null
        : 'post-copy stays paused, with the guest on two hosts; expected a migrate-recover after it';
    default:
      return null;
  }
}

function isRecovered(actions: ScenarioFile['migration']['at'], index: number): boolean {
  return actions.slice(index + 1).some(({ do: command }) => command === 'migrate-recover');
}
