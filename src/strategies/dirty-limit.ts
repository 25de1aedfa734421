import { since, versionFacts } from '../migration/rules/versions.js';
import { defineStrategy } from './define.js';
import { DirtyLimiter, MANUAL_PERIOD_MS, startDirtyLimitCapability } from './kit/dirty-limiter.js';
import { throttleTriggerThreshold, withTriggerThreshold } from './kit/trigger.js';

export const dirtyLimit = defineStrategy({
  name: 'dirty-limit',
  summary: 'let each vCPU sleep at a full dirty ring until it keeps to its quota',
  source: 'QEMU 10.2 system/dirtylimit.c; migration/ram.c migration_dirty_limit_guest',
  rule: `A vCPU whose dirty ring is full leaves for QEMU, which empties that ring and then lets the vCPU
sleep. A vCPU that dirties nothing never fills its ring and is never slowed.

The sleep of each vCPU is adjusted once a period, by its rate in whole MiB/s. Within 25 MiB/s of
vcpu-dirty-limit it stays. Otherwise F is the time in which a ring fills at the highest rate ever seen on
any vCPU. An error of more than 50 % of the larger of rate and quota changes the sleep by
F·error/(100−error), a smaller one by F/10. The sleep is at most 99·F; a rate of 0 ends it.

As a capability (when: trigger) all vCPUs are limited when the detector first acts, that is, at the second
bad sync; later bad syncs change nothing, and no timer adds syncs. With when: start the limit is set by
command as the migration starts, on vcpus or on all.

Each measurement empties all rings. A vCPU that fills less than a ring in a period never sleeps, so a large
ring cannot enforce a small quota.`,
  options: {
    'vcpu-dirty-limit': {
      kind: 'mib-per-second',
      min: 1,
      default: '1MiB/s',
      summary: 'quota: dirty rate that each limited vCPU is held to',
    },
    'x-vcpu-dirty-limit-period': {
      kind: 'duration-ms',
      min: 1,
      max: 1000,
      bareNumber: true,
      default: '1000ms',
      summary: 'time over which rates are measured before each adjustment, with when: trigger',
    },
    when: {
      kind: 'choice',
      choices: ['trigger', 'start'],
      default: 'trigger',
      summary:
        'the capability, at the detector (trigger), or set-vcpu-dirty-limit as the migration starts (start)',
    },
    vcpus: {
      kind: 'vcpus',
      default: [],
      summary: 'indexes of the vCPUs to limit, with when: start; an empty list means all',
    },
    settle: {
      kind: 'duration-ms',
      min: 0,
      max: 3_600_000,
      default: '0ms',
      summary: 'with when: start, how long before the migration the limit is set',
    },
    'throttle-trigger-threshold': throttleTriggerThreshold,
  },
  takesUp: ['vcpuDirtyLimitMib', 'vcpuDirtyLimitPeriodMs'],
  refuses(options, setup) {
    const vcpuCount = setup.guest.vcpus.length;
    if (setup.guest.dirtyRingSize === 0) {
      return "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set: set guest.dirty-ring-size, such as 4096";
    }
    if (options.when === 'trigger') {
      if (!versionFacts[setup.migration.qemu].hasDirtyLimitCapability) {
        return `QEMU ${setup.migration.qemu} has no dirty-limit capability (it came with ${since('hasDirtyLimitCapability')}), only the command: use when: start`;
      }
      if (options.vcpus.length > 0) {
        return 'the dirty-limit capability limits all vCPUs: vcpus needs when: start';
      }
      if (options.settle > 0) return 'the dirty-limit capability acts at a trigger: settle needs when: start';
      return null;
    }
    if (options['x-vcpu-dirty-limit-period'] !== MANUAL_PERIOD_MS) {
      return 'x-vcpu-dirty-limit-period belongs to the dirty-limit capability: with when: start the period is 1000ms';
    }
    const wrong = options.vcpus.find((vcpu) => vcpu >= vcpuCount);
    if (wrong !== undefined) {
      return `incorrect cpu index specified: ${wrong}, where the guest has vCPUs 0 to ${vcpuCount - 1}`;
    }
    return null;
  },
  prepare(options, setup) {
    const prepared = withTriggerThreshold(setup, options['throttle-trigger-threshold']);
    if (options.settle === 0) return prepared;
    return { ...prepared, migration: { ...prepared.migration, settleUs: options.settle * 1000 } };
  },
  start(options, migration) {
    const quota = options['vcpu-dirty-limit'];
    const all = Array.from({ length: migration.vcpuCount }, (_, vcpu) => vcpu);
    if (options.when === 'start') {
      const vcpus = options.vcpus.length > 0 ? options.vcpus : all;
      new DirtyLimiter(migration, MANUAL_PERIOD_MS).set(vcpus, quota);
      return;
    }
    startDirtyLimitCapability(migration, quota, options['x-vcpu-dirty-limit-period']);
  },
});
