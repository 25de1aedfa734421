/** Every remedy that the field has: how it is put into a scenario, what of it is tuned, and what it asks for. */
import { since, versionFacts } from '../migration/rules/versions.js';
import type { Scenario } from '../scenario/scenario.js';
import { ALWAYS_ON } from '../policies/kit/always-on.js';
import { largest } from '../stats/extremes.js';
import { PAGE_BYTES, MIB } from '../units.js';
import type { Program } from './change.js';
import type { Goals } from './goals.js';
import type { Remedy } from './remedy.js';
import { DEFAULT_THROTTLE, WITHOUT_STEPS } from './throttle-steps.js';
import { forcedEnd, moreTime } from './timers.js';

const { ceil, floor, max } = Math;

const number = (text: string | undefined): number => Number(/[\d.]+/.exec(text ?? '')?.[0] ?? NaN);

/** Those that a scenario leaves room for. `mayLiftCap`: whether the link is known to carry more than max-bandwidth. */
export function remediesFor(
  scenario: Scenario,
  goals: Goals,
  program: Program = 'qmp',
  mayLiftCap = true,
): Remedy[] {
  const { migration } = scenario.setup;
  const stream = migration.stream?.kind ?? 'plain';
  const isOn = ({ name }: Remedy): boolean => ALWAYS_ON[program]?.some((one) => one.name === name) === true;
  const remedies = [
    ...downtimeLimit(scenario, goals),
    ...(mayLiftCap && isCapped(scenario) ? [bandwidth(), leastBandwidth(scenario)] : []),
    ...(stream === 'plain' ? [multifd(scenario), compression(scenario, 'zstd'), xbzrle(scenario)] : []),
    ...(stream === 'multifd' && migration.stream?.compression === 'none'
      ? [compression(scenario, 'zstd')]
      : []),
    ...((migration.stream?.tlsBytesPerSecond ?? 0) > 0
      ? [withoutTls(scenario), fasterTls(scenario), ...(stream === 'plain' ? [multifdWithoutTls()] : [])]
      : []),
    autoConverge(program),
    dirtyLimit(scenario),
    forcedEnd('pause', scenario, goals, program),
    stopFirst(),
    ...(scenario.policy.definition.name === 'wait' ? [] : [moreTime(scenario, goals, program)]),
    forcedEnd('postcopy', scenario, goals, program),
  ];
  return remedies.filter((remedy) => !isOn(remedy));
}

/** downtime-limit as it is, ms; what Nova raises it to where it decides. */
export function downtimeLimitMs({ policy, setup }: Scenario): number {
  const byNova = policy.definition.name === 'nova';
  const last = Object.entries(policy.options).find(([key]) => key === 'downtime')?.[1];
  return byNova && typeof last === 'number' ? last : setup.migration.downtimeLimitMs;
}

/** From what is in force upwards: a lower one ends nothing earlier, unless the guest may not be stopped for so long. */
function downtimeLimit(scenario: Scenario, { maxDowntimeMs }: Goals): Remedy[] {
  const byNova = scenario.policy.definition.name === 'nova';
  const most = floor(maxDowntimeMs);
  const now = downtimeLimitMs(scenario);
  const from = now > most ? (byNova ? LEAST_OF_NOVA : 1) : ceil(now + 1);
  if (from >= most) return [];
  const key = byNova ? 'nova.downtime' : 'migration.downtime-limit';
  return [
    {
      name: 'downtime-limit',
      set: [],
      tunes: [{ key, from: `${from}ms`, to: `${most}ms` }],
      change: ([value]) => ({ downtimeLimitMs: number(value) }),
      needs: [],
      risk: null,
      price: 'settings',
    },
  ];
}

/** nova/conf/libvirt.py: live_migration_downtime, ms. */
const LEAST_OF_NOVA = 100;

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

export function bandwidth(): Remedy {
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
    risk: isCapped(scenario) ? BEYOND_CAP : null,
    price: 'settings',
  };
}

/** A packet of 512 KiB per channel and window of 100 ms is under way before it is counted. */
const BEYOND_CAP = 'each channel may send up to 5 MiB/s more than max-bandwidth, which counts what was sent';

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

function autoConverge(program: Program): Remedy {
  const common = {
    name: 'auto-converge',
    set: ['strategies=[auto-converge]'],
    needs: [],
    risk: null,
    price: 'settings',
  } as const;
  if (WITHOUT_STEPS.includes(program))
    return { ...common, tunes: [], change: () => ({ throttle: DEFAULT_THROTTLE }) };
  return {
    ...common,
    tunes: [
      { key: 'auto-converge.cpu-throttle-initial', from: '5%', to: '95%' },
      { key: 'auto-converge.cpu-throttle-increment', from: '5%', to: '60%' },
    ],
    change: ([initial, increment]) => ({
      throttle: { initial: number(initial), increment: number(increment) },
    }),
  };
}

/** What the fastest vCPU writes, MiB/s: a larger quota holds nothing back. */
function fastestMib({ vcpus }: Scenario['setup']['guest']): number {
  const rates = vcpus.map(({ classes }) => classes.reduce((sum, one) => sum + one.writesPerSecond, 0));
  return max(2, ceil((largest(rates) * PAGE_BYTES) / MIB));
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
    tunes: [
      {
        key: 'dirty-limit.vcpu-dirty-limit',
        from: '1MiB/s',
        to: `${fastestMib(guest)}MiB/s`,
        strongest: 'first',
      },
    ],
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
