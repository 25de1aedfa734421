/** Task logs as Proxmox VE 8 writes them, of a guest that is known: the simulator migrates it under the policy proxmox. */
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { DowntimeDoubler } from '../../src/policies/proxmox.js';
import { setupOf } from '../migration/setups.js';
import { specOf, type KnownGuest } from './logs.js';

export interface ProxmoxLogOptions {
  /** What the link carries, bytes/s. */
  readonly rate: number;
  /** Cancelled then, s. */
  readonly giveUpAfterS: number;
}

/** Whether the guest's migration ends under a fixed downtime-limit. */
export function endsUnder(guest: KnownGuest, options: ProxmoxLogOptions, downtimeLimitMs: number): boolean {
  const setup = knownSetup(guest, options);
  const migration = { ...setup.migration, downtimeLimitMs };
  return runMigration({ ...setup, migration }, { strategy: 'none', policy: 'wait' }, () => undefined)
    .converged;
}

export interface ProxmoxLog {
  readonly text: string;
  readonly result: MigrationResult;
  /** Length of the last passes, s: the median of those behind the fourth. */
  readonly passS: number;
}

function knownSetup(guest: KnownGuest, { rate, giveUpAfterS }: ProxmoxLogOptions): MigrationSetup {
  return setupOf({
    guest: specOf(guest),
    host: bareMetal,
    link: { bandwidthBytesPerSecond: rate },
    migration: { downtimeLimitMs: 100, giveUpAfterUs: giveUpAfterS * 1e6 },
    memory: 'fluid',
    seed: 7,
  });
}

/** PVE::Tools::render_bytes, of sizes from 1 MiB on. */
function size(bytes: number): string {
  const isLarge = bytes >= 2 ** 30;
  return `${(bytes / (isLarge ? 2 ** 30 : 2 ** 20)).toFixed(1)} ${isLarge ? 'GiB' : 'MiB'}`;
}

export function proxmoxLog(guest: KnownGuest, options: ProxmoxLogOptions): ProxmoxLog {
  const lines: string[] = [];
  const say = (ms: number, text: string): void => {
    const stamp = new Date(Date.UTC(2025, 0, 1, 10) + ms).toISOString().slice(0, 19).replace('T', ' ');
    lines.push(`${stamp} ${text}`);
  };
  say(0, 'migration downtime limit: 100 ms');
  say(0, 'start migrate command to unix:/run/qemu-server/900.migrate');
  const syncs: number[] = [];
  const result = runMigration(
    knownSetup(guest, options),
    { strategy: 'none', policy: 'proxmox' },
    (migration) => {
      const doubler = new DowntimeDoubler(100);
      let sentBefore = 0;
      migration.onSync(() => syncs.push(migration.nowUs() / 1e6));
      migration.every(1000, () => {
        const { status, transferredBytes, totalBytes, remainingBytes, dirtyPagesRate } = migration.stats();
        if (status !== 'active') return;
        const ms = migration.nowUs() / 1000;
        const speed = transferredBytes - sentBefore;
        const dirty = dirtyPagesRate * 4096;
        const winning = dirty > speed ? `, VM dirties lots of memory: ${size(dirty)}/s` : '';
        say(
          ms,
          `migration active, transferred ${size(transferredBytes)} of ${size(totalBytes)} VM-state, ${size(speed)}/s${winning}`,
        );
        sentBefore = transferredBytes;
        const next = doubler.poll(remainingBytes);
        if (next === null) return;
        say(ms, `auto-increased downtime to continue migration: ${next} ms`);
        migration.set({ downtimeLimitMs: next });
      });
      migration.onEnd(() => {
        const { status, transferredBytes } = migration.stats();
        const ms = migration.nowUs() / 1000;
        if (status !== 'completed') return say(ms, 'ERROR: online migrate failure - interrupted by signal');
        say(ms, `average migration speed: 100.0 MiB/s - downtime 100 ms`);
        say(ms, `migration completed, transferred ${size(transferredBytes)} VM-state`);
        say(ms, 'migration status: completed');
      });
    },
  );
  const passes = syncs.slice(4).flatMap((at, index) => (index === 0 ? [] : [at - (syncs[index + 3] ?? at)]));
  const ordered = [...passes].sort((a, b) => a - b);
  return { text: `${lines.join('\n')}\n`, result, passS: ordered[Math.floor(ordered.length / 2)] ?? NaN };
}
