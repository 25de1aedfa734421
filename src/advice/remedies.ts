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
  /** best, the default: the value after which the guest lost least work; smallest: with which what is wanted is kept. */
  readonly find?: 'best' | 'smallest';
}

/**
 * Ranks of what a remedy costs, the cheapest first. Settings can be changed while the guest runs, and do what they did here.
 * What hangs on the content of its memory, which no log shows, comes after them, then a restart of the guest, hardware that
 * has to be there, and last what may lose the guest or show its memory to others.
 */
export type Price = 'settings' | 'content' | 'restart' | 'hardware' | 'risk';
export const PRICES: readonly Price[] = ['settings', 'content', 'restart', 'hardware', 'risk'];

/** What sets the remedies of each rank apart from those before it; null: of the first. */
export const PRICE_REASONS: Readonly<Record<Price, string | null>> = {
  settings: null,
  content: 'rests on how well memory compresses, an assumption',
  restart: 'needs a restart of the guest',
  hardware: 'needs hardware',
  risk: 'may lose the guest or show its memory to others',
};

/** `settings alone, then what needs a restart of the guest`, for these ranks and in their order. */
export function orderOf(prices: readonly Price[]): string {
  return PRICES.filter((price) => prices.includes(price))
    .map((price) => (PRICE_REASONS[price] === null ? 'settings alone' : `what ${PRICE_REASONS[price]}`))
    .join(', then ');
}

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
    ...(isCapped(scenario) ? [bandwidth(), leastBandwidth(scenario)] : []),
    ...(stream === 'plain' ? [multifd(scenario), compression(scenario, 'zstd'), xbzrle(scenario)] : []),
    ...(stream === 'multifd' && migration.stream?.compression === 'none'
      ? [compression(scenario, 'zstd')]
      : []),
    ...((migration.stream?.tlsBytesPerSecond ?? 0) > 0
      ? [withoutTls(scenario), fasterTls(scenario), ...(stream === 'plain' ? [multifdWithoutTls()] : [])]
      : []),
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
  ['bandwidth', 'multifd'],
  ['bandwidth', 'auto-converge'],
  ['bandwidth', 'dirty-limit'],
  ['multifd', 'downtime-limit'],
  ['downtime-limit', 'auto-converge'],
  ['downtime-limit', 'dirty-limit'],
  ['downtime-limit', 'time'],
  ['bandwidth', 'time'],
  ['compression', 'downtime-limit'],
  ['compression', 'bandwidth'],
  ['xbzrle', 'downtime-limit'],
  ['tls', 'downtime-limit'],
  ['bandwidth', 'post-copy'],
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

/** Whether max-bandwidth is below what the link carries. */
function isCapped({ setup }: Scenario): boolean {
  const { maxBandwidth } = setup.migration;
  return maxBandwidth > 0 && maxBandwidth < setup.link.bandwidthBytesPerSecond;
}

function leastBandwidth({ setup }: Scenario): Remedy {
  const { migration, link } = setup;
  return {
    name: 'least bandwidth',
    set: [],
    tunes: [
      {
        key: 'migration.max-bandwidth',
        from: `${max(1, floor(migration.maxBandwidth / MIB))}MiB/s`,
        to: `${max(2, ceil(link.bandwidthBytesPerSecond / MIB))}MiB/s`,
        find: 'smallest',
      },
    ],
    change: ([value]) => ({ maxBandwidth: number(value) * MIB }),
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
    price: saysContent(scenario) ? 'settings' : 'content',
  };
}

/** Whether the scenario says how far memory compresses. */
function saysContent({ setup }: Scenario): boolean {
  return setup.guest.compressibility !== undefined || setup.guest.contents !== undefined;
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
    risk: IN_THE_CLEAR,
    price: 'risk',
  };
}

const IN_THE_CLEAR = "without such a card, the guest's memory crosses the network in the clear";

function multifdWithoutTls(): Remedy {
  return {
    name: 'multifd without TLS',
    set: ['migration.stream={multifd: {channels: 2}}'],
    tunes: [{ key: 'migration.stream.multifd.channels', from: '2', to: '16' }],
    change: ([channels]) => ({ multifdChannels: number(channels), withoutTls: true }),
    needs: ['a thread for each channel on both hosts', 'a network that is trusted, or a card that encrypts'],
    risk: IN_THE_CLEAR,
    price: 'risk',
  };
}

/** What a faster cipher, CPU or card has to do. */
function fasterTls({ setup }: Scenario): Remedy {
  const { kind = 'plain', tlsBytesPerSecond = 0 } = setup.migration.stream ?? {};
  const from = max(1, ceil(tlsBytesPerSecond / MIB));
  return {
    name: 'faster TLS',
    set: [],
    tunes: [
      {
        key: `migration.stream.${kind}.tls`,
        from: `${from}MiB/s`,
        to: `${FASTEST_TLS * from}MiB/s`,
        find: 'smallest',
      },
    ],
    change: ([rate]) => ({ tlsMibPerSecond: number(rate) }),
    needs: ['a faster CPU or cipher, or a card that encrypts'],
    risk: null,
    price: 'hardware',
  };
}

/** Times the rate of today: beyond it, TLS is as good as none. */
const FASTEST_TLS = 16;

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
