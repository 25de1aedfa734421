/** An entry of `guest.vcpus`. */
import * as z from 'zod/mini';
import { section } from './forms.js';
import { expected } from '../../options/wording.js';
import { workloadSchema } from './workload-schema.js';

/** Names that stand in keys such as `writer.work-done`, in tables and in CSV. */
const groupName = z.string().check(
  z.regex(/^[A-Za-z][A-Za-z0-9_-]*$/, {
    error: ({ input }) => expected('a name of letters, digits, - and _, such as writer', input),
  }),
  z.describe('vCPUs of one name form a group; when left out, what they do'),
);

export const vcpus = section('{ count: 4, workload: stress }', {
  name: z.optional(groupName),
  count: { kind: 'count', min: 1, max: 4096, default: 1, summary: 'number of such vCPUs' },
  workload: z.prefault(workloadSchema('what each vCPU does'), 'idle'),
  shared: {
    kind: 'flag',
    optional: true,
    summary: 'true: these vCPUs use one working set together, else each has its own',
  },
  compressibility: {
    kind: 'number',
    min: 1,
    max: 1000,
    optional: true,
    summary: "that of the pages of their working sets; when left out, the guest's",
  },
  cpu: {
    kind: 'share',
    max: '100%',
    optional: true,
    summary: 'share of its run time that a vCPU needs for its work; 100%: it goes as fast as it goes',
  },
  'catch-up': {
    kind: 'flag',
    optional: true,
    summary:
      'true: work waits, as for a server whose clients wait: held back, a vCPU that needs less than all its time makes up for it ' +
      'at full speed when it runs again (1 s of work at most); false: what it did not do is lost. ' +
      'When left out, true for database and memcached-like',
  },
  fork: z.optional(
    section('{ at: 20s }', {
      at: { kind: 'duration', zero: true, max: '24h', summary: 'when, since the start of the migration' },
      every: {
        kind: 'duration',
        min: '1s',
        max: '24h',
        optional: true,
        summary: 'and again each time so much later; when left out, once',
      },
    }).check(
      z.describe(
        'its process forks, as Redis for a background save: the first write to each page copies it to another page, ' +
          'which later writes go to as well; takes memory as large as the working sets for the copies',
      ),
    ),
  ),
  at: {
    kind: 'size',
    zero: true,
    max: '64TiB',
    optional: true,
    summary: 'where the working sets begin in RAM; when left out, after the previous ones, around zero pages',
  },
});
