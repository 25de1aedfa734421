import type { Controls } from '../migration/controls.js';
import { definePolicy } from '../strategies/define.js';
import { act, endsAfterPasses, isCopying, MAX_DOWNTIME_MS, refusalWithoutPostcopy } from './kit/actions.js';
import {
  legacySchedule,
  endOf,
  OVIRT_SCHEDULES,
  scheduleOf,
  SCHEDULE,
  usesPostcopy,
  type ConvergenceConfig,
  type OvirtPolicy,
  type Schedule,
  type ScheduleAction,
} from './kit/ovirt-schedule.js';

interface Options {
  readonly schedule: OvirtPolicy | ConvergenceConfig;
  readonly downtime: number;
  readonly 'downtime-steps': number;
}

function chosenSchedule(options: Options): Schedule {
  const { schedule } = options;
  if (typeof schedule !== 'string') return scheduleOf(schedule);
  return schedule === 'legacy'
    ? legacySchedule(options.downtime, options['downtime-steps'])
    : OVIRT_SCHEDULES[schedule];
}

function take(migration: Controls, action: ScheduleAction, why: string): void {
  if (action.name !== 'setDowntime') return act(migration, action.name, '_next_action', why);
  migration.explain('_next_action', `${why}: Setting downtime to ${action.downtimeMs}`);
  migration.set({ downtimeLimitMs: action.downtimeMs });
}

export const ovirt = definePolicy({
  name: 'ovirt',
  summary: "oVirt's convergence schedules, one step a stalling pass",
  source:
    'oVirt vdsm lib/vdsm/virt/migration.py MonitorThread; ovirt-engine 0000_config.sql MigrationPolicies',
  rule: `A schedule is a list of actions: set downtime-limit, go post-copy, abort. Its initial items are taken at once. Then vdsm
looks every monitor-interval. When dirty-sync-count has risen since the look before, the number of passes since the first look
is compared with the stallingLimit of the next item; if it is above, that item is taken, one a look. The last items come when
all others are through, one a look in which a pass has ended. After post-copy or abort nothing follows.

Limits in ms, after more than 1, 2, 3, 4, 6 passes: minimal-downtime 100; 150, 200, 300, 400, 500; abort. suspend-if-needed the
same, then 5000, abort. post-copy 100; 150, 200; post-copy. very-large-vms 300; 400, 500, 700, 1000, 1500, 5000; abort. legacy:
downtime-steps limits that rise exponentially to downtime, one a pass; abort after 42 passes.

oVirt turns auto-converge on with all of them but legacy.`,
  options: {
    schedule: SCHEDULE,
    'monitor-interval': {
      kind: 'duration-ms',
      min: 1000,
      default: '10s',
      summary: 'migration_monitor_interval of vdsm: how often it checks',
    },
    downtime: {
      kind: 'duration-ms',
      min: 100,
      max: MAX_DOWNTIME_MS,
      bareNumber: true,
      default: '500ms',
      summary: 'migration_downtime of vdsm: last limit of the legacy schedule',
    },
    'downtime-steps': {
      kind: 'count',
      min: 2,
      default: 5,
      summary: 'migration_downtime_steps of vdsm: limits of the legacy schedule',
    },
  },
  refuses(options, setup) {
    return usesPostcopy(chosenSchedule(options)) ? refusalWithoutPostcopy(setup) : null;
  },
  ends(options) {
    const end = endOf(chosenSchedule(options));
    return end === null ? null : endsAfterPasses(end.action, end.passes);
  },
  start(options, migration) {
    const { init, stalling } = chosenSchedule(options);
    let next = 0;
    let firstPass: number | null = null;
    let lastPass = 0;
    for (const action of init) take(migration, action, 'at the start');
    const timer = migration.every(options['monitor-interval'], () => {
      if (!isCopying(migration)) return;
      const { dirtySyncCount } = migration.stats();
      if (firstPass === null) firstPass = lastPass = dirtySyncCount;
      if (dirtySyncCount <= lastPass) return;
      lastPass = dirtySyncCount;
      const passes = lastPass - firstPass;
      const step = stalling[next];
      if (step === undefined) return timer.cancel();
      if (step.limit >= passes) return;
      next += 1;
      take(migration, step.action, `Stalling for ${passes} iterations`);
    });
  },
});
