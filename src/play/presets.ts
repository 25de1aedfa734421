/** The shipped scenarios as presets of the page: in which order, and what to look for in each. */

/** Claims of the patch series that migsim started from, which a reader should be able to check by hand. */
const CLAIMS = 'Three claims about throttling';
const FIRST = 'To start with';
const MORE = 'More guests';

export interface PresetWords {
  readonly file: string;
  readonly group: string;
  /** One sentence. */
  readonly lookFor: string;
}

export const PRESETS: readonly PresetWords[] = [
  {
    file: 'readers-and-writers.yaml',
    group: FIRST,
    lookFor:
      'lower the writes and plain pre-copy converges; raise them and only a restraint ends it, of which auto-converge alone slows down the readers.',
  },
  {
    file: 'readers-are-punished.yaml',
    group: CLAIMS,
    lookFor:
      'auto-converge takes as much time from the seven readers as from the one writer, and a limit of single vCPUs leaves the readers alone.',
  },
  {
    file: 'step-by-step-search.yaml',
    group: CLAIMS,
    lookFor:
      'auto-converge climbs by 10 % at a time and sends the guest three times over on the way, while larger steps arrive sooner.',
  },
  {
    file: 'unpredictable-at-99.yaml',
    group: CLAIMS,
    lookFor:
      'at 99 % auto-converge has no step left and never ends, but it does as soon as you lower the writes to 1500 MiB/s.',
  },
  {
    file: 'eight-writers.yaml',
    group: MORE,
    lookFor: 'plain pre-copy never ends, and a limit of 100 MiB/s for each vCPU ends it.',
  },
  {
    file: 'free-page-hint.yaml',
    group: MORE,
    lookFor:
      'the guest reports most of its memory as free: without the hint the migration takes five times as long.',
  },
  {
    file: 'huge-guest.yaml',
    group: MORE,
    lookFor:
      'both throttles end the migration of a terabyte, and only dirty-limit leaves the 48 readers alone.',
  },
  {
    file: 'idle-guest.yaml',
    group: MORE,
    lookFor: 'nothing dirties memory, so that no strategy does anything and the first pass decides.',
  },
  {
    file: 'recorded-t05.yaml',
    group: MORE,
    lookFor:
      'a recorded migration: QEMU 10.0.2 needed 38.5 s and throttled to 99 %, as auto-converge does here.',
  },
  {
    file: 'redis-bgsave.yaml',
    group: MORE,
    lookFor: 'after 20 s Redis forks to save, the dirty rate rises, and plain pre-copy never ends.',
  },
  {
    file: 'ring-burst-over-threshold.yaml',
    group: MORE,
    lookFor:
      'a full dirty ring is larger than the pause allows, so that dirty-limit never converges: choose a smaller ring.',
  },
  {
    file: 'small-ring-small-quota.yaml',
    group: MORE,
    lookFor:
      'a quota of 1 or 20 MiB/s holds because the ring is small, and with a larger ring it no longer does.',
  },
  {
    file: 'vfio-guest.yaml',
    group: MORE,
    lookFor: 'the state of a device passed through by VFIO makes the downtime exceed its limit.',
  },
];
