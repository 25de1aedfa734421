import { defineStrategy } from './define.js';

export const stopAndCopy = defineStrategy({
  name: 'stop-and-copy',
  summary: 'stop the guest first, then send everything once',
  source: 'QMP stop right after migrate',
  rule: `The guest is stopped as soon as the migration is set up, and runs again on the destination when
everything has arrived.

Nothing is sent twice: no strategy sends less or ends sooner over the same link, and none stops the guest
for longer. It is the bound that the others are measured against.`,
  options: {},
  start(_options, migration) {
    migration.onSync((event) => {
      if (event.cause !== 'setup') return;
      migration.explain('stop', 'set up: the guest is stopped until it runs on the destination');
      migration.pause();
    });
  },
});
