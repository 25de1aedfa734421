/** Every remedy that the field has: how it is put into a scenario, what of it is tuned, and what it asks for. */
import type { MigrationResult } from '../migration/result.js';
import { since, versionFacts } from '../migration/rules/versions.js';
import { largest } from '../stats/extremes.js';
import { mean } from '../stats/summary.js';
import type { Scenario } from '../scenario/scenario.js';
import type { Change } from './change.js';
import type { Goals } from './goals.js';

const { ceil, floor, max } = Math;
const MIB = 2 ** 20;

/** One value that is tuned: the key, and its ends. */
export interface Tune {
  /** As `migsim search` takes it. */
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
}

/**
 * Settings can be changed while the guest runs. What hangs on the content of its memory, which no log shows, comes after them,
 * then a restart, and what may lose the guest last.
 */
export type Price = 'settings' | 'content' | 'restart' | 'risk';
export const PRICES: readonly Price[] = ['settings', 'content', 'restart', 'risk'];

/** A remedy before it is tuned. */
export interface Remedy {
  readonly name: string;
  /** Changes of the scenario, as `--set` takes them. */
  readonly set: readonly string[];
  /** Tuned one after the other, each with those before it. */
  readonly tunes: readonly Tune[];
  /** The change, from the tuned values in their order (as `--set` writes them) and what came of the runs. */
  change(values: readonly string[], results: readonly MigrationResult[]): Change;
  /** What it needs, in words. */
  readonly needs: readonly string[];
  /** What may go wrong, in words; null: nothing that plain pre-copy has not. */
  readonly risk: string | null;
  readonly price: Price;
}

const number = (text: string | undefined): number => Number(/[\d.]+/.exec(text ?? '')?.[0] ?? NaN);

/** Those that a scenario leaves room for. */
export function remediesFor(scenario: Scenario, goals: Goals): Remedy[] {
  const { migration } = scenario.setup;
  const stream = migration.stream?.kind ?? 'plain';
  return [
    downtimeLimit(scenario, goals),
    ...(migration.maxBandwidth === 0 ? [] : [bandwidth()]),
    ...(stream === 'plain' ? [multifd(scenario), compression(scenario, 'zstd'), xbzrle(scenario)] : []),
    ...(stream === 'multifd' && migration.stream?.compression === 'none'
      ? [compression(scenario, 'zstd')]
      : []),
    ...((migration.stream?.tlsBytesPerSecond ?? 0) > 0 ? [withoutTls(scenario)] : []),
    autoConverge(),
    dirtyLimit(scenario),
    pause(),
    stopFirst(),
    ...(scenario.policy.definition.name === 'wait' ? [] : [moreTime()]),
    postcopy(),
  ];
}

/** Remedies that are tried together, by their names: the first as it was tuned, the second tuned with it. */
export const PAIRS: readonly (readonly [first: string, second: string])[] = [
  ['bandwidth', 'downtime-limit'],
  ['multifd', 'downtime-limit'],
  ['compression', 'downtime-limit'],
  ['bandwidth', 'auto-converge'],
  ['bandwidth', 'dirty-limit'],
  ['downtime-limit', 'auto-converge'],
  ['downtime-limit', 'dirty-limit'],
];

function downtimeLimit({ policy }: Scenario, { maxDowntimeMs }: Goals): Remedy {
  const byNova = policy.definition.name === 'nova';
  const key = byNova ? 'nova.downtime' : 'migration.downtime-limit';
  return {
    name: 'downtime-limit',
    set: [],
    tunes: [{ key, to: `${max(1, floor(maxDowntimeMs))}ms` }],
    change: ([value]) => ({ downtimeLimitMs: number(value) }),
    needs: [],
    risk: null,
    price: 'settings',
  };
}

function bandwidth(): Remedy {
  return {
    name: 'bandwidth',
    set: ['migration.max-bandwidth=unlimited'],
    tunes: [],
    change: () => ({ maxBandwidth: 0 }),
    needs: ['a network that others do not need meanwhile'],
    risk: null,
    price: 'settings',
  };
}

function tlsOf({ setup }: Scenario): string {
  const tls = setup.migration.stream?.tlsBytesPerSecond ?? 0;
  return tls > 0 ? `, tls: ${tls}B/s` : '';
}

function multifd(scenario: Scenario): Remedy {
  return {
    name: 'multifd',
    set: [`migration.stream={multifd: {channels: 2${tlsOf(scenario)}}}`],
    tunes: [{ key: 'migration.stream.multifd.channels', from: '2', to: '16' }],
    change: ([channels]) => ({ multifdChannels: number(channels) }),
    needs: ['a thread for each channel on both hosts', 'QEMU 4.0'],
    risk: null,
    price: 'settings',
  };
}

function compression(scenario: Scenario, word: string): Remedy {
  return {
    name: 'compression',
    set: [`migration.stream={multifd: {channels: 2, compression: ${word}${tlsOf(scenario)}}}`],
    tunes: [{ key: 'migration.stream.multifd.channels', from: '2', to: '16' }],
    change: ([channels]) => ({ multifdChannels: number(channels), compression: word }),
    needs: ['a CPU for each channel on both hosts', 'QEMU 5.0'],
    risk: 'memory that compresses less than assumed sends more slowly',
    price: 'content',
  };
}

function xbzrle(scenario: Scenario): Remedy {
  const most = 2 ** ceil(Math.log2(max(1, (scenario.setup.guest.ramPages * 4096) / MIB)));
  const { tlsBytesPerSecond: tls = 0 } = scenario.setup.migration.stream ?? {};
  return {
    name: 'xbzrle',
    set: [`migration.stream={xbzrle: {${tls > 0 ? `tls: ${tls}B/s` : ''}}}`],
    tunes: [{ key: 'migration.stream.xbzrle.cache-size', from: '64MiB', to: `${max(128, most)}MiB` }],
    change: ([cache]) => ({ xbzrleCacheMib: number(cache) }),
    needs: ['memory for the cache on the source'],
    risk: 'pages that change more than assumed are sent whole, after an attempt to encode them',
    price: 'content',
  };
}

function withoutTls({ setup }: Scenario): Remedy {
  const kind = setup.migration.stream?.kind ?? 'plain';
  return {
    name: 'tls',
    set: [`migration.stream.${kind}.tls=0`],
    tunes: [],
    change: () => ({ withoutTls: true }),
    needs: ['a network that is trusted, or a card that encrypts'],
    risk: "without such a card, the guest's memory crosses the network in the clear",
    price: 'settings',
  };
}

function autoConverge(): Remedy {
  return {
    name: 'auto-converge',
    set: ['strategies=[auto-converge]'],
    tunes: [
      { key: 'auto-converge.cpu-throttle-initial', from: '5%', to: '95%' },
      { key: 'auto-converge.cpu-throttle-increment', from: '5%', to: '60%' },
    ],
    change: ([initial, increment]) => ({
      throttle: { initial: number(initial), increment: number(increment) },
    }),
    needs: [],
    risk: null,
    price: 'settings',
  };
}

/** Rings of fewer entries cost more exits, larger ones cannot hold a small quota. */
const RING = 4096;

function dirtyLimit({ setup }: Scenario): Remedy {
  const { guest, migration } = setup;
  const hasRing = guest.dirtyRingSize > 0;
  const hasCapability = versionFacts[migration.qemu].hasDirtyLimitCapability;
  return {
    name: 'dirty-limit',
    set: ['strategies=[dirty-limit]', ...(hasRing ? [] : [`guest.dirty-ring-size=${RING}`])],
    tunes: [{ key: 'dirty-limit.vcpu-dirty-limit' }],
    change: ([quota]) => ({
      dirtyLimitMib: number(quota),
      ...(hasRing ? {} : { dirtyRingSize: RING }),
    }),
    needs: [
      ...(hasRing ? [] : ['a guest that was started with a dirty ring']),
      ...(hasCapability ? [] : [`QEMU ${since('hasDirtyLimitCapability')} for the capability`]),
    ],
    risk: null,
    price: hasRing ? 'settings' : 'restart',
  };
}

/** When the guest went over, s: all but what came after. */
function wentOverS(results: readonly MigrationResult[], after: (result: MigrationResult) => number): number {
  return max(1, ceil(mean(results.map((result) => max(0, result.totalTimeMs - after(result)))) / 1000));
}

function postcopy(): Remedy {
  return {
    name: 'post-copy',
    set: ['migration.postcopy-ram=true', 'policy=postcopy-after-passes'],
    tunes: [{ key: 'policy.postcopy-after-passes.passes', from: '1', to: '12' }],
    change: ([passes], results) => ({
      postcopy: {
        passes: number(passes),
        afterS: wentOverS(results, ({ postcopyTimeMs }) => postcopyTimeMs),
      },
    }),
    needs: ['a kernel that lets QEMU handle page faults (userfaultfd)'],
    risk: 'the guest is lost when a host or the network fails before the last page is there',
    price: 'risk',
  };
}

function pause(): Remedy {
  return {
    name: 'pause',
    set: ['policy=pause-after-passes'],
    tunes: [{ key: 'policy.pause-after-passes.passes', from: '1', to: '12' }],
    change: ([passes], results) => ({
      pause: { passes: number(passes), afterS: wentOverS(results, ({ blackoutMs }) => blackoutMs ?? 0) },
    }),
    needs: [],
    risk: null,
    price: 'settings',
  };
}

function stopFirst(): Remedy {
  return {
    name: 'stop',
    set: ['strategies=[stop-and-copy]'],
    tunes: [],
    change: () => ({ stopFirst: true }),
    needs: [],
    risk: null,
    price: 'settings',
  };
}

/** The scenario's policy would end it; nobody does. */
function moreTime(): Remedy {
  return {
    name: 'time',
    set: ['policy=wait'],
    tunes: [],
    change: (_, results) => ({
      timeoutS: ceil((largest(results.map(({ totalTimeMs }) => totalTimeMs)) * 1.5) / 1000),
    }),
    needs: [],
    risk: null,
    price: 'settings',
  };
}
