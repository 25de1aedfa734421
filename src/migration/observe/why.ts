/** Why a run did not converge: where it settled, and what binds. Read off the result, never guessed from the strategy's name. */
import { ringSoftLimit } from '../../guest/memory/ring.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { MigrationResult, WhyNot } from '../result.js';
import type { MigrationSetup } from '../setup.js';

const { round } = Math;

/** How many of the last syncs tell where a run settled. */
const SETTLED_SYNCS = 8;

/** What the last syncs found: these tell where a run settled, also when nobody keeps all of its syncs. */
export class LastSyncs {
  readonly remainingBytes: number[] = [];
  readonly newDirtyPages: number[] = [];

  add(remainingBytes: number, newDirtyPages: number): void {
    this.remainingBytes.push(remainingBytes);
    this.newDirtyPages.push(newDirtyPages);
    if (this.remainingBytes.length <= SETTLED_SYNCS) return;
    this.remainingBytes.shift();
    this.newDirtyPages.shift();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 100 * 2 ** 20 ? 1 : 0)} MiB`;
}

/** Distinct pages that some vCPU writes. */
function workingSetPages(setup: MigrationSetup): number {
  const seen = new Map<number, number>();
  for (const vcpu of setup.guest.vcpus) {
    for (const c of vcpu.classes) if (c.writesPerSecond > 0) seen.set(c.firstPage, c.pages);
  }
  let pages = 0;
  for (const value of seen.values()) pages += value;
  return pages;
}

export function whyNot(
  setup: MigrationSetup,
  result: Omit<MigrationResult, 'why'>,
  last: LastSyncs,
  linkBytesPerSecond: number,
): WhyNot {
  const synced = last.remainingBytes.length > 0;
  const settled = synced ? median(last.remainingBytes) : result.remainingBytes;
  const fresh = synced ? median(last.newDirtyPages) * PAGE_BYTES : settled;
  const threshold = result.thresholdBytes;
  const impliedPauseMs = round((settled / linkBytesPerSecond) * 1000);
  const bind = (binds: WhyNot['binds'], text: string): WhyNot => ({
    remainingBytes: settled,
    impliedPauseMs,
    binds,
    text,
  });
  const limit = mib(threshold);

  if (result.dirtySyncCount <= 2) {
    return bind('time', `time ran out in pass ${result.dirtySyncCount}, before dirty pages were the matter`);
  }
  if (result.maxRingFullSleepUs > 0) {
    const burst = ringSoftLimit(setup.guest.dirtyRingSize, setup.host.pml) * PAGE_BYTES;
    const limited = result.vcpus.filter((v) => v.ringSleepMs > 0).length;
    if (limited > 0 && burst * limited >= threshold * 0.8) {
      return bind(
        'ring-burst',
        `a full ring of ${mib(burst)}${limited > 1 ? ` on ${limited} vCPUs` : ''} is dirtied between two syncs, ` +
          `and only ${limit} may be left at switchover`,
      );
    }
    return bind(
      'quota-floor',
      `the quota lets ${mib(fresh)} be dirtied a pass, and only ${limit} may be left at switchover`,
    );
  }
  if (result.maxThrottlePercent >= 99) {
    return bind(
      'throttle-ceiling',
      `even at ${result.maxThrottlePercent} % throttle ${mib(fresh)} are dirtied a pass, and only ${limit} may be left`,
    );
  }
  const set = workingSetPages(setup) * PAGE_BYTES;
  if (fresh >= set * 0.9) {
    return bind(
      'working-set',
      `the whole working set (${mib(set)}) is dirtied again in every pass; ${limit} may be left`,
    );
  }
  if (result.maxThrottlePercent > 0) {
    return bind(
      'time',
      `time ran out at ${result.maxThrottlePercent} % throttle with ${mib(fresh)} dirtied a pass`,
    );
  }
  return bind(
    'no-restraint',
    `${mib(fresh)} are dirtied a pass with nothing to restrain the guest; ${limit} may be left`,
  );
}
