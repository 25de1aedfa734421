/** `migration.at`: what is done to the running migration, and what QEMU would refuse of it. */
import type { ScheduledAction } from '../migration/runtime-parameters.js';
import { refusalToSet, runtimeParameters } from '../strategies/kit/runtime-options.js';
import type { Fail } from './problems.js';
import type { ScenarioFile } from './schema.js';

/** Each entry has one time and something to do, which QEMU would take. */
export function buildSchedule(migration: ScenarioFile['migration'], fail: Fail): ScheduledAction[] {
  let lastUs = 0;
  let lastSync = 0;
  return migration.at.map(({ after, 'at-sync': atSync, set, do: command }, index) => {
    const path = ['migration', 'at', index];
    if ((after === undefined) === (atSync === undefined)) fail(path, 'expected one of after and at-sync');
    if (set === undefined && command === undefined) fail(path, 'nothing to do; expected set or do');
    if ((after ?? lastUs) < lastUs) fail([...path, 'after'], 'expected actions in order of time');
    if ((atSync ?? lastSync) < lastSync) fail([...path, 'at-sync'], 'expected actions in order of syncs');
    lastUs = after ?? lastUs;
    lastSync = atSync ?? lastSync;
    if (command === 'start-postcopy' && !migration['postcopy-ram'])
      fail([...path, 'do'], 'QEMU refuses it without the capability; expected postcopy-ram: true');
    const parameters = set === undefined ? undefined : runtimeParameters(set);
    const refused = parameters === undefined ? null : refusalToSet(parameters, migration.qemu.qemu);
    if (refused !== null) fail([...path, 'set'], refused);
    return {
      ...(after === undefined ? {} : { afterUs: after }),
      ...(atSync === undefined ? {} : { atSync }),
      ...(parameters === undefined ? {} : { set: parameters }),
      ...(command === undefined ? {} : { do: command }),
    };
  });
}
