import { definePolicy } from '../strategies/define.js';

export const wait = definePolicy({
  name: 'wait',
  summary: 'wait until the migration ends',
  source: 'QMP migrate, and nothing after it',
  rule: `No limit is raised, nothing is cancelled, post-copy is never started.

The migration ends by itself, or when the scenario's give-up-after has passed.`,
  options: {},
  start() {},
});
