import { nth } from '../lists.js';
import type { Controls } from '../migration/controls.js';
import { formatBytes } from '../units.js';
import { defineStrategy } from './define.js';
import { reapedOf } from './kit/ring-window.js';
import { sleepVcpus } from './kit/vcpu-sleep.js';

/** How often writes are counted, ms, and how long a frozen vCPU sleeps at a time; the paper gives no period. */
const MONITOR_PERIOD_MS = 10;

export interface Round {
  readonly number: number;
  readonly sentBytes: number;
  readonly ramBytes: number;
  readonly dirtyPages: number;
}

export interface StopRules {
  readonly rounds: number;
  readonly ramTimes: number;
  readonly pages: number;
}

/** Why the guest should be stopped now, or null. */
export function whyStop(round: Round, rules: StopRules): string | null {
  if (round.dirtyPages < rules.pages) return `only ${round.dirtyPages} pages were dirtied in the last round`;
  if (round.number >= rules.rounds) return `round ${round.number} is over`;
  if (round.sentBytes > rules.ramTimes * round.ramBytes) {
    return `${formatBytes(round.sentBytes)} are sent, more than ${rules.ramTimes} times the guest's memory`;
  }
  return null;
}

/** Freezes each vCPU that pushes `faults` entries in a round, until the round ends. */
function startStunning(migration: Controls, faults: number): void {
  let since = reapedOf(migration);
  let stunned = since.map(() => false);
  migration.onSync(({ cause }) => {
    if (cause === 'switchover' || cause === 'postcopy') return;
    since = reapedOf(migration);
    stunned = since.map(() => false);
  });
  const lookForRogues = (): void => {
    // The first round copies everything anyway: Xen's monitor watches the writable working set after it.
    if (migration.stats().dirtySyncCount < 2) return;
    reapedOf(migration).forEach((reaped, vcpu) => {
      const pages = reaped - nth(since, vcpu);
      if (nth(stunned, vcpu) || pages < faults) return;
      stunned[vcpu] = true;
      migration.explain('stun', `vCPU ${vcpu} dirtied ${pages} pages in this round: frozen until it ends`);
    });
  };
  let counting = false;
  migration.every(MONITOR_PERIOD_MS, () => {
    const frozen = stunned.flatMap((is, vcpu) => (is ? [vcpu] : []));
    sleepVcpus(migration, frozen, MONITOR_PERIOD_MS);
    if (counting || frozen.length === stunned.length) return;
    counting = true;
    migration.flushRings(() => {
      counting = false;
      lookForRogues();
    });
  });
}

/** options.c:MAX_MIGRATE_DOWNTIME: with it the next look at what is left ends the migration. */
const MOST_DOWNTIME_MS = 2_000_000;

export const stun = defineStrategy({
  name: 'stun',
  summary: 'stop after a number of rounds, freeze the vCPUs that write too much',
  source:
    'Clark et al., Live Migration of Virtual Machines, NSDI 2005, sections 4.2 and 5.3; Xen xc_domain_save.c',
  rule: `The guest is stopped and the rest sent when the first of three things happens: fewer than stop-pages pages were
dirtied in the last round, max-rounds rounds are over, or more than max-ram-times its memory was sent. Each costs what
it costs: the downtime limit only ends a migration that is below it earlier.

Rogue writers are stunned: from the second round on a vCPU that dirties write-faults pages in a round is frozen until the
round ends. Xen's guest kernel stuns single processes, after 40 write faults each; a hypervisor sees vCPUs and no
processes, so that here all that runs on the vCPU is stunned with the writer. With write-faults 0 only the stop rules act.

A round is what lies between two bitmap syncs. Writes are counted in the dirty rings every 10 ms, so that a vCPU may
dirty more than its faults before it is seen. Xen's rate control, which raises the bandwidth from round to round, is
not part of this.`,
  options: {
    'write-faults': {
      kind: 'count',
      min: 0,
      default: 40,
      summary: 'pages that a vCPU may dirty in a round before it is frozen; 0: it never is',
    },
    'max-rounds': { kind: 'count', min: 1, default: 29, summary: 'rounds after which the guest is stopped' },
    'max-ram-times': {
      kind: 'count',
      min: 1,
      default: 3,
      summary: 'times the guest memory that may be sent before it is stopped',
    },
    'stop-pages': {
      kind: 'count',
      min: 0,
      default: 50,
      summary: 'the guest is stopped after a round that dirties fewer pages',
    },
  },
  refuses(options, setup) {
    if (options['write-faults'] === 0 || setup.guest.dirtyRingSize > 0) return null;
    return 'stun counts the writes of each vCPU in its dirty ring; set guest.dirty-ring-size, such as 4096, or write-faults: 0';
  },
  start(options, migration) {
    const rules = {
      rounds: options['max-rounds'],
      ramTimes: options['max-ram-times'],
      pages: options['stop-pages'],
    };
    let stopping = false;
    migration.onSync(({ n, cause, newDirtyPages }) => {
      if (cause !== 'natural' || stopping) return;
      const { transferredBytes, totalBytes } = migration.stats();
      const round = {
        number: n - 1,
        sentBytes: transferredBytes,
        ramBytes: totalBytes,
        dirtyPages: newDirtyPages,
      };
      const why = whyStop(round, rules);
      if (why === null) return;
      stopping = true;
      migration.explain('stop rule', `${why}: the guest is stopped for the rest`);
      migration.set({ downtimeLimitMs: MOST_DOWNTIME_MS });
    });
    const faults = options['write-faults'];
    if (faults > 0) startStunning(migration, faults);
  },
});
