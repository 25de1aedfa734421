import { formatBytes, MIB } from '../units.js';

/** What a remedy changes, in QEMU's terms: every way of writing it down starts from here. */
export interface Change {
  readonly downtimeLimitMs?: number;
  /** bytes/s; 0: none. */
  readonly maxBandwidth?: number;
  readonly multifdChannels?: number;
  /** multifd-compression. */
  readonly compression?: string;
  readonly xbzrleCacheMib?: number;
  /** Without TLS, or with TLS that costs the sender nothing. */
  readonly withoutTls?: true;
  /** What TLS has to encrypt on each channel, MiB/s. */
  readonly tlsMibPerSecond?: number;
  /** Percent. */
  readonly throttle?: { readonly initial: number; readonly increment: number };
  /** MiB/s of each vCPU. */
  readonly dirtyLimitMib?: number;
  /** Entries; only where the guest has none yet. */
  readonly dirtyRingSize?: number;
  /** dirty-sync-count at which post-copy begins (null: by the clock); and when that is, s. */
  readonly postcopy?: { readonly passes: number | null; readonly afterS: number };
  /** Likewise at which the guest is stopped for the rest. */
  readonly pause?: { readonly passes: number | null; readonly afterS: number };
  /** The migration is stopped by no timeout before this, s. */
  readonly timeoutS?: number;
  /** The guest is stopped before the migration. */
  readonly stopFirst?: true;
}

/** The program whose settings a remedy is written in. */
export type Program = 'qmp' | 'hmp' | 'virsh' | 'nova' | 'kubevirt' | 'proxmox' | 'ovirt';
export const PROGRAMS: readonly Program[] = ['virsh', 'qmp', 'hmp', 'nova', 'kubevirt', 'proxmox', 'ovirt'];

function whenText({ passes, afterS }: { readonly passes: number | null; readonly afterS: number }): string {
  return passes === null ? `after ${afterS} s` : `at pass ${passes}`;
}

/** Such as `downtime-limit 650 ms and no max-bandwidth`. */
export function changeText(change: Change, rate: (bytesPerSecond: number) => string): string {
  const { throttle, postcopy, pause, maxBandwidth, multifdChannels, compression } = change;
  const parts: string[] = [];
  if (change.stopFirst) parts.push('stop the guest first');
  if (multifdChannels !== undefined) {
    const by = compression === undefined ? '' : ` with ${compression}`;
    parts.push(`multifd, ${multifdChannels} channels${by}`);
  }
  if (change.xbzrleCacheMib !== undefined)
    parts.push(`XBZRLE, cache of ${formatBytes(change.xbzrleCacheMib * MIB)}`);
  if (change.withoutTls) parts.push('TLS off the sending thread');
  if (change.tlsMibPerSecond !== undefined) parts.push(`TLS of ${change.tlsMibPerSecond} MiB/s per channel`);
  if (maxBandwidth !== undefined) {
    parts.push(maxBandwidth === 0 ? 'no max-bandwidth' : `max-bandwidth ${rate(maxBandwidth)}`);
  }
  if (throttle !== undefined)
    parts.push(`auto-converge from ${throttle.initial} % by ${throttle.increment} %`);
  if (change.dirtyLimitMib !== undefined) parts.push(`dirty-limit ${change.dirtyLimitMib} MiB/s`);
  if (change.downtimeLimitMs !== undefined) parts.push(`downtime-limit ${change.downtimeLimitMs} ms`);
  if (postcopy !== undefined) parts.push(`post-copy ${whenText(postcopy)}`);
  if (pause !== undefined) parts.push(`stop the guest ${whenText(pause)}`);
  if (change.timeoutS !== undefined) parts.push(`no timeout before ${change.timeoutS} s`);
  return parts.join(' and ');
}
