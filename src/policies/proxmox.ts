import { definePolicy } from '../strategies/define.js';
import { isUnderway, MAX_DOWNTIME_MS } from './kit/actions.js';

const POLL_MS = 1000;
/** Once little is left. */
const FAST_POLL_MS = 100;
/** Polls that may see more left than the poll before; the next such poll doubles the limit. */
const MOST_RISES = 5;

/** Counts polls that saw `remaining` rise, or at 0, and doubles the limit after more than five of them. */
export class DowntimeDoubler {
  #downtimeMs: number;
  #rises = 0;
  #lastRemaining = 0;

  constructor(downtimeMs: number) {
    this.#downtimeMs = downtimeMs;
  }

  /** What to set downtime-limit to, ms; null to leave it. */
  poll(remainingBytes: number): number | null {
    const rose = this.#lastRemaining > 0 && remainingBytes > this.#lastRemaining;
    if (rose || remainingBytes === 0) this.#rises += 1;
    this.#lastRemaining = remainingBytes;
    if (this.#rises <= MOST_RISES) return null;
    this.#rises = 0;
    this.#downtimeMs *= 2;
    return this.#downtimeMs;
  }
}

export const proxmox = definePolicy({
  name: 'proxmox',
  summary: 'double downtime-limit each time the guest has kept winning',
  source: 'Proxmox VE qemu-server src/PVE/QemuMigrate.pm, sub phase2; QemuServer.pm, sub set_migration_caps',
  rule: `downtime-limit starts at downtime. query-migrate is asked every second, and every 100 ms once less is left than was sent
per poll on average. A poll at which bytes went out and more was left than at the poll before, or nothing at all, is counted;
after more than 5 of them, in a row or not, downtime-limit is doubled and the count restarts.

QEMU takes no limit above 2000 s; what is above is refused and the last one stays. Nothing is ever aborted.

Proxmox VE also turns auto-converge on, and XBZRLE with a cache of a tenth of RAM, and sets max-bandwidth to 16 GiB/s; set those
in the scenario.`,
  options: {
    downtime: {
      kind: 'duration-ms',
      min: 1,
      max: MAX_DOWNTIME_MS,
      bareNumber: true,
      default: '100ms',
      summary: 'downtime-limit at the start (migrate_downtime, 0.1 s by default)',
    },
  },
  start({ downtime }, migration) {
    const doubler = new DowntimeDoubler(downtime);
    let polls = 0;
    let transferred = 0;
    let periodMs = POLL_MS;
    const poll = (): void => {
      const { status, transferredBytes, remainingBytes } = migration.stats();
      if (status === 'setup') {
        polls += 1;
        migration.after(POLL_MS + periodMs, poll);
        return;
      }
      if (!isUnderway(migration)) return;
      polls += 1;
      const average = transferred / polls;
      if (transferredBytes !== transferred) {
        if (average > 0 && remainingBytes < average) periodMs = FAST_POLL_MS;
        const next = doubler.poll(remainingBytes);
        if (next !== null) setLimit(next);
      }
      transferred = transferredBytes;
      migration.after(periodMs, poll);
    };
    const setLimit = (downtimeLimitMs: number): void => {
      if (downtimeLimitMs > MAX_DOWNTIME_MS) {
        migration.explain('QemuMigrate', `downtime-limit ${downtimeLimitMs} ms is refused by QEMU`);
        return;
      }
      migration.explain(
        'QemuMigrate',
        `auto-increased downtime to continue migration: ${downtimeLimitMs} ms`,
      );
      migration.set({ downtimeLimitMs });
    };
    migration.set({ downtimeLimitMs: downtime });
    migration.after(POLL_MS, poll);
  },
});
