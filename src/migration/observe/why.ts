/** Why a run did not converge: what it stalls at, and what binds. Read off the result, never guessed from the strategy's name. */
import { largest, smallest } from '../../stats/extremes.js';
import { ringSoftLimit } from '../../guest/memory/ring.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { formatBytes, formatBytesPerSecond, formatDurationMs, MIB } from '../../units.js';
import type { MigrationResult, WhyNot } from '../result.js';
import type { MigrationSetup } from '../setup.js';

const { ceil, min, round } = Math;

/** How many of the last syncs show whether a run stalls, and where. Fewer than `LEAST` show nothing. */
const LAST_SYNCS = 8;
const LEAST_SYNCS = 3;
/** What is left after each of them differs by no more than this factor: the run stalls. */
const PLATEAU_FACTOR = 1.5;
/** migration.c:MAX_MIGRATE_DOWNTIME, ms. */
const MOST_DOWNTIME_MS = 2_000_000;
/** QEMU's own max-bandwidth: options.c:MAX_THROTTLE, bytes/s. */
const QEMU_MAX_BANDWIDTH = 128 * MIB;

/** What the last syncs found, the one of setup aside: this shows where a run stalls, also when not all of its syncs are kept. */
export class LastSyncs {
  readonly remainingBytes: number[] = [];
  readonly newDirtyPages: number[] = [];

  add(remainingBytes: number, newDirtyPages: number): void {
    this.remainingBytes.push(remainingBytes);
    this.newDirtyPages.push(newDirtyPages);
    if (this.remainingBytes.length <= LAST_SYNCS) return;
    this.remainingBytes.shift();
    this.newDirtyPages.shift();
  }
}

/** What may limit the stream, bytes/s. */
export interface SendLimits {
  /** max-bandwidth as it was at the end; 0: none. */
  readonly maxBandwidth: number;
  readonly link: number;
  /** What the sending threads can do with pages that have content. */
  readonly sender: number;
}

/** A run in which pass after pass leaves the same, bytes. */
interface Plateau {
  /** After a sync: what the pass before it had not sent, and what the guest dirtied meanwhile. */
  readonly remaining: number;
  readonly fresh: number;
  /** The most that was left after one of the syncs. */
  readonly most: number;
  /** State of devices that the exact count adds. */
  readonly devices: number;
}

export function whyNot(
  setup: MigrationSetup,
  result: Omit<MigrationResult, 'why'>,
  last: LastSyncs,
  limits: SendLimits,
  deviceBytes: number,
): WhyNot {
  const plateau = plateauOf(last, deviceBytes);
  return {
    stallsAtBytes: plateau?.remaining ?? null,
    sufficientPauseMs: plateau === null ? null : sufficientPause(plateau, result, setup),
    ...(tooMuchState(result, last, deviceBytes) ??
      (plateau === null
        ? unsettled(result, last, limits)
        : (brakeAtItsEnd(setup, result, plateau) ?? tooSlow(setup, result, plateau, limits)))),
  };
}

/** However little RAM is left, the state of the devices is more than may be; null where it is not. */
function tooMuchState(
  { thresholdBytes }: Pick<MigrationResult, 'thresholdBytes'>,
  { remainingBytes }: LastSyncs,
  deviceBytes: number,
): Binding | null {
  if (deviceBytes === 0 || deviceBytes < thresholdBytes || remainingBytes.length < LEAST_SYNCS) return null;
  return {
    binds: 'devices',
    text:
      `the devices have ${mib(deviceBytes)} of state to send, and only ${mib(thresholdBytes)} may be left, RAM included; ` +
      'what binds is the state of the devices',
  };
}

function plateauOf({ remainingBytes, newDirtyPages }: LastSyncs, devices: number): Plateau | null {
  if (remainingBytes.length < LEAST_SYNCS) return null;
  const most = largest(remainingBytes);
  const least = smallest(remainingBytes);
  if (least === 0 || most > PLATEAU_FACTOR * least) return null;
  const remaining = median(remainingBytes);
  return { remaining, most, devices, fresh: min(remaining, median(newDirtyPages) * PAGE_BYTES) };
}

/**
 * The downtime-limit, ms, that would have let the last syncs end in a switchover: the most that one of them left, and the
 * state of devices, at the bandwidth that QEMU reckons with. It is enough, not the least: with a longer limit a pass ends earlier and the guest
 * dirties less in it. null where QEMU takes no such limit.
 */
function sufficientPause(
  { most, devices }: Plateau,
  { thresholdBytes }: Pick<MigrationResult, 'thresholdBytes'>,
  { migration }: MigrationSetup,
): number | null {
  if (thresholdBytes === 0) return null;
  const ms = ceil((most + devices) / (thresholdBytes / migration.downtimeLimitMs)) + 1;
  return ms > MOST_DOWNTIME_MS ? null : ms;
}

type Binding = Pick<WhyNot, 'binds' | 'text'>;

/** No pass after pass that leave the same: pass 1 was not over, or the guest was still being held back further. */
function unsettled(result: Omit<MigrationResult, 'why'>, last: LastSyncs, limits: SendLimits): Binding {
  const { dirtySyncCount: pass, totalTimeMs, maxThrottlePercent: percent } = result;
  const after = formatDurationMs(totalTimeMs);
  if (pass <= 1) {
    const { binds, words } = carrier(limits);
    const sent = `${formatBytes(result.totalRamBytes - result.remainingBytes)} of ${formatBytes(result.totalRamBytes)}`;
    return { binds, text: `after ${after} pass 1 had not ended, with ${sent} sent; what binds is ${words}` };
  }
  const left = formatBytes(last.remainingBytes.at(-1) ?? result.remainingBytes);
  const held = percent > 0 ? `, the guest held back by ${percent} %,` : '';
  return {
    binds: 'give-up-after',
    text: `it was ended after ${after} in pass ${pass}${held} and not at a standstill: the last sync left ${left}`,
  };
}

/** The guest is held back as far as the strategy goes, and still dirties too much; null where it is not. */
function brakeAtItsEnd(
  setup: MigrationSetup,
  result: Omit<MigrationResult, 'why'>,
  plateau: Plateau,
): Binding | null {
  const { thresholdBytes, maxThrottlePercent: percent } = result;
  if (result.maxRingFullSleepUs > 0) {
    const burst = ringSoftLimit(setup.guest.dirtyRingSize, setup.host.pml) * PAGE_BYTES;
    const limited = result.vcpus.filter((vcpu) => vcpu.ringSleepMs > 0).length;
    if (limited > 0 && burst * limited >= thresholdBytes * 0.8) {
      const on = limited > 1 ? ` on each of ${limited} vCPUs` : '';
      const ring = `the dirty ring: ${mib(burst)}${on} are dirtied before it is full and the vCPU sleeps`;
      return { binds: 'ring', text: `${sum(plateau, thresholdBytes)}; what binds is ${ring}` };
    }
    return { binds: 'quota', text: `under the quota ${sum(plateau, thresholdBytes)}${byDevices(setup)}` };
  }
  if (percent === 0) return null;
  const devices = byDevices(setup);
  const at = percent >= 99 ? `even at ${percent} % throttle` : `with a throttle of up to ${percent} %`;
  return { binds: 'throttle', text: `${at} ${sum(plateau, thresholdBytes)}${devices}` };
}

/** Nothing holds the guest back, and what it dirties is not sent fast enough. */
function tooSlow(
  setup: MigrationSetup,
  { thresholdBytes }: Omit<MigrationResult, 'why'>,
  plateau: Plateau,
  limits: SendLimits,
): Binding {
  const { binds, words } = carrier(limits);
  const set = workingSetPages(setup) * PAGE_BYTES;
  const whole = plateau.fresh >= 0.9 * set ? `, the whole working set of ${mib(set)}` : '';
  return { binds, text: `${sum(plateau, thresholdBytes, whole)}; what binds is ${words}${byDevices(setup)}` };
}

/** `each pass leaves 307 MiB and the guest dirties 588 MiB meanwhile: 895 MiB, and only 307 MiB may be left`. */
function sum({ remaining, fresh, devices }: Plateau, thresholdBytes: number, whole = ''): string {
  const left = mib(remaining - fresh);
  const state = devices > 0 ? `, and the devices have ${mib(devices)} of state` : '';
  const together = wholeMib(remaining - fresh) + wholeMib(fresh) + wholeMib(devices);
  return (
    `each pass leaves ${left} unsent and the guest dirties ${mib(fresh)} meanwhile${whole}${state}: ` +
    `together ${mib(together)}, and only ${mib(thresholdBytes)} may be left`
  );
}

/** What no strategy can hold back; nothing where devices write nothing. */
function byDevices({ guest }: MigrationSetup): string {
  if (guest.dma === undefined) return '';
  const rate = formatBytesPerSecond(guest.dma.writesPerSecond * PAGE_BYTES);
  return `; devices write ${rate} of it, which nothing holds back`;
}

/** What limits the stream, with its figure. */
function carrier({ maxBandwidth, link, sender }: SendLimits): {
  readonly binds: 'max-bandwidth' | 'link' | 'sender-cpu';
  readonly words: string;
} {
  const linkText = `the link of ${formatBytesPerSecond(link, 'bit')}`;
  if (maxBandwidth > 0 && maxBandwidth <= min(link, sender)) {
    const own = maxBandwidth === QEMU_MAX_BANDWIDTH ? " (QEMU's default)" : '';
    const room = link > 1.1 * maxBandwidth ? `, not ${linkText}` : '';
    return {
      binds: 'max-bandwidth',
      words: `max-bandwidth of ${formatBytesPerSecond(maxBandwidth)}${own}${room}`,
    };
  }
  if (link <= sender) return { binds: 'link', words: linkText };
  const cpu = `the CPU of the sending side at ${formatBytesPerSecond(sender)}`;
  return { binds: 'sender-cpu', words: `${cpu}, not ${linkText}` };
}

/** Distinct pages that some vCPU or device writes. */
function workingSetPages(setup: MigrationSetup): number {
  const seen = new Map<number, number>();
  for (const vcpu of setup.guest.vcpus) {
    for (const c of vcpu.classes) if (c.writesPerSecond > 0) seen.set(c.firstPage, c.pages);
  }
  let pages = setup.guest.dma?.pages ?? 0;
  for (const value of seen.values()) pages += value;
  return pages;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

/** In whole MiB, so that what is shown adds up; tenths below ten. */
function mib(bytes: number): string {
  return `${wholeMib(bytes) / MIB} MiB`;
}

function wholeMib(bytes: number): number {
  const amount = bytes / MIB;
  return (amount < 10 ? round(amount * 10) / 10 : round(amount)) * MIB;
}
