import { defineStrategy } from './define.js';

export const none = defineStrategy({
  name: 'none',
  summary: 'plain pre-copy, the guest runs at full speed',
  source: 'QEMU 10.2 migration/migration.c migration_iteration_run',
  rule: `The guest is never slowed. Dirty pages are sent again until what remains can be sent within
downtime-limit at the bandwidth of the last 100 ms; then the guest stops for the rest.

A guest that dirties pages faster than they are sent keeps the migration going forever.`,
  options: {},
  start() {},
});
