/** `migration.at` of a scenario file. */
import * as z from 'zod/mini';
import { SCHEDULED_COMMANDS } from '../../migration/runtime-parameters.js';
import { expected, expectedWord, oneOf } from '../../options/wording.js';
import { runtimeOptions } from '../../strategies/kit/runtime-options.js';
import { list, section } from './forms.js';

/** What people write for commands that QMP has under other names, and under more than one. */
const MEANT_COMMANDS: Readonly<Record<string, string>> = {
  pause: 'stop, which stops the guest, or migrate-pause, which interrupts post-copy',
  suspend: 'stop, which stops the guest',
  continue: 'cont, which lets the guest run, or migrate-continue, which answers pre-switchover',
  resume: 'cont, which lets the guest run, or migrate-recover, which goes on with post-copy',
  recover: 'migrate-recover',
  postcopy: 'start-postcopy',
};

function expectedCommand(input: unknown): string {
  const meant = typeof input === 'string' ? MEANT_COMMANDS[input] : undefined;
  if (meant === undefined) return expectedWord(SCHEDULED_COMMANDS, input);
  return `${expected(oneOf(SCHEDULED_COMMANDS), input)}; did you mean ${meant}?`;
}

export const schedule = z._default(
  list(
    section('{ after: 8s, set: { max-bandwidth: 50MiB/s } }', {
      after: {
        kind: 'duration',
        zero: true,
        max: '24h',
        optional: true,
        summary: 'since the start of the migration',
      },
      'at-sync': { kind: 'count', min: 1, optional: true, summary: 'when dirty-sync-count reaches it' },
      set: z.optional(runtimeOptions),
      do: z.optional(
        z
          .enum(SCHEDULED_COMMANDS, { error: ({ input }) => expectedCommand(input) })
          .check(
            z.describe(
              'QMP command: stop and cont act on the guest, migrate-continue answers pre-switchover; start-postcopy, migrate-pause ' +
                'and migrate-recover need postcopy-ram',
            ),
          ),
      ),
    }),
    '[{ after: 8s, set: { max-bandwidth: 50MiB/s } }, { after: 20s, do: start-postcopy }]',
  ).check(z.describe('what is done to the running migration, in order')),
  [],
);
