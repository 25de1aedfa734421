import * as z from 'zod/mini';
import { definePolicy } from '../strategies/define.js';
import { customEntry, entrySchema } from '../options/zod.js';
import { refusalToSet, runtimeOptions, runtimeParameters } from '../strategies/kit/runtime-options.js';
import { formatDurationMs } from '../units.js';
import { act, endsAfter, onPass } from './kit/actions.js';

const steps = z.array(
  z.strictObject({
    round: entrySchema<number>({ kind: 'count', min: 1, summary: 'dirty-sync-count at which it is set' }),
    set: runtimeOptions,
  }),
  { error: () => 'expected a list such as [{ round: 3, set: { downtime-limit: 2s } }]' },
);

export const setByRound = definePolicy({
  name: 'set-by-round',
  summary: 'set parameters when a round begins, and abort at a hard end',
  source: 'QMP migrate-set-parameters and MIGRATION_PASS, as scripts of operators use them',
  rule: `Each step names a round and parameters. When dirty-sync-count reaches its round, its parameters are set with
migrate-set-parameters, in the order of the list; what a sync finds is judged by them from the next window on.

Once abort-after has gone by the migration is aborted.`,
  options: {
    steps: customEntry(steps, {
      default: [],
      summary: 'a list such as [{ round: 3, set: { downtime-limit: 2s } }]',
    }),
    'abort-after': {
      kind: 'duration-ms',
      min: 1,
      orNone: true,
      default: 'none',
      summary: 'abort this long after the migration was requested; none: never',
    },
  },
  refuses({ steps }, setup) {
    for (const { set } of steps) {
      const refused = refusalToSet(runtimeParameters(set), setup.migration.qemu);
      if (refused !== null) return refused;
    }
    return null;
  },
  sets: ({ steps }) => steps.map(({ set }) => runtimeParameters(set)),
  ends: ({ 'abort-after': end }) => (end === 'none' ? null : endsAfter('abort', end)),
  start({ steps, 'abort-after': end }, migration) {
    onPass(migration, ({ n }) => {
      for (const { round, set } of steps) if (round === n) migration.set(runtimeParameters(set));
    });
    if (end === 'none') return;
    migration.after(end, () =>
      act(migration, 'abort', 'set-by-round', `not done after ${formatDurationMs(end)}`),
    );
  },
});
