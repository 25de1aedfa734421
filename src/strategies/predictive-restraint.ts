import { PAGE_BYTES } from '../guest/spec.js';
import { defineStrategy } from './define.js';
import { endsFirstPass, Restrainer } from './kit/restrainer.js';
import { RingCurves } from './kit/ring-curves.js';

/** The first estimate is made when a window of this length is over, ms. */
const FIRST_ESTIMATE_MS = 1000;

export const predictiveRestraint = defineStrategy({
  name: 'predictive-restraint',
  summary: 'learn who dirties what, then hold the fewest for the shortest time',
  source: 'migsim; the law and its derivation: docs/predictive-restraint.md',
  rule: `While the first pass runs, the dirty rings are flushed after windows of 100 ms, 300 ms, 1 s and 3 s. What a vCPU
pushed in a window is a point of its dirty curve, and the curve is taken apart into sets of pages written
uniformly. A vCPU that fills its ring shows only how fast it writes; how many pages it writes is known when the
first pass ends, from the pages that were dirtied again.

Then everybody runs free, and the bitmap is synced every sync-period, so that no page is sent that was dirtied
again long before. What is left falls to where dirtying and sending balance: W·(1 − bandwidth/writes) for one set
of W pages. Nothing but restraint brings it lower, and a longer restraint is no gentler one.

So when it has stopped falling, the vCPUs are held whose holding loses least run time until what is left is below
the limit: the loss is least with every vCPU either held or free, and those that dirty most are held, one, two, or
all writers. A held vCPU loses max-cpu-throttle of its time, in sleeps of 10 ms. A vCPU that only reads is never held.

With a deadline, the hold begins when the cheapest one would otherwise come too late, if need be in the first pass.
When sending alone takes longer than the deadline leaves, it says so, and holds no vCPU for it.

It checks itself at every sync. vCPUs that have gone quiet are let go, one more is held when a hold takes twice as
long as planned, and where the guest settled higher than the law says, the law is put right.`,
  options: {
    deadline: {
      kind: 'duration-ms',
      min: 1,
      orNone: true,
      default: 'none',
      summary: 'total time by which the migration should be over; none: as soon as waiting brings nothing',
    },
    'sync-period': {
      kind: 'duration-ms',
      min: 10,
      max: 60_000,
      default: '100ms',
      summary: 'time between two bitmap syncs after the first pass, while no vCPU is held',
    },
    patience: {
      kind: 'percent',
      min: 1,
      max: 1000,
      default: 50,
      summary: 'time without a lower remaining before a hold, as a share of what the second pass would take',
    },
    'max-cpu-throttle': {
      kind: 'percent',
      min: 1,
      max: 99,
      default: 99,
      summary: 'share of its run time that a held vCPU loses',
    },
  },
  refuses(_options, setup) {
    if (setup.guest.dirtyRingSize > 0) return null;
    return 'predictive-restraint learns from the dirty rings who dirties what; set guest.dirty-ring-size, such as 4096';
  },
  start(options, migration) {
    const curves = new RingCurves(migration);
    const restrainer = new Restrainer(
      migration,
      {
        rule: 'predictive-restraint',
        deadlineMs: options.deadline === 'none' ? Infinity : options.deadline,
        syncPeriodMs: options['sync-period'],
        patience: options.patience / 100,
        heldShare: 1 - options['max-cpu-throttle'] / 100,
      },
      curves,
    );
    let firstPass = true;
    let loggingSinceUs = 0;
    let dirtiedAgain = 0;
    const learned = (): void => {
      curves.stop();
      migration.dirtyLimitInService(false);
      restrainer.estimate(migration.stats().remainingBytes / PAGE_BYTES);
    };
    migration.onSync((event) => {
      if (event.cause === 'setup') {
        loggingSinceUs = migration.nowUs();
        migration.dirtyLimitInService(true);
        curves.start();
        return;
      }
      curves.synced();
      if (!firstPass) return restrainer.synced(event);
      // A page that is sent and dirtied again counts once in the whole pass.
      dirtiedAgain += event.newDirtyPages;
      if (!endsFirstPass(event, migration.stats())) return restrainer.syncedInFirstPass(event);
      firstPass = false;
      curves.size(dirtiedAgain, (migration.nowUs() - loggingSinceUs) / 1e6);
      if (curves.known) learned();
      restrainer.firstPassEnded(event);
    });
    let estimated = false;
    curves.onWindow((windowMs) => {
      // A first pass shorter than a window leaves the learning to what follows it.
      if (!firstPass) return learned();
      if (estimated || windowMs < FIRST_ESTIMATE_MS) return;
      estimated = true;
      restrainer.firstEstimate(migration.stats().remainingBytes / PAGE_BYTES);
    });
  },
});
