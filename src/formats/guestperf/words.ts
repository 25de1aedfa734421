/**
 * A scenario of guestperf in migsim's words: the one place that knows how its switches (QEMU tests/migration-stress/guestperf:
 * scenario.py, engine.py) are written in a scenario file.
 */
import { UsageError } from '../../errors.js';
import { COMPRESSORS, compressorNamed } from '../../migration/rules/compressors.js';
import type { GuestperfScenario } from './read.js';

const { floor, log2 } = Math;

/** A strategy or a policy with its options, as a scenario file has them. */
export type NamedOptions = readonly [name: string, options: Readonly<Record<string, string | number>>];

/** A guestperf scenario in the terms of a scenario file. */
export interface GuestperfInWords {
  readonly strategy: NamedOptions;
  readonly policy: NamedOptions;
  /** Keys of `migration:` with their values. */
  readonly migration: Readonly<Record<string, string>>;
  /** Where migsim cannot do as guestperf does; no full stops. */
  readonly notes: readonly string[];
}

/** guestperf's way to say that bandwidth is not limited, MiB/s. */
export const UNLIMITED_MIB_PER_S = 125_000;

/** RAM of guestperf's guests beyond `hardware.mem`, which its load fills. */
export const BESIDE_LOAD_BYTES = 512 * 2 ** 20;

/**
 * @param memGib `hardware.mem`, of which the cache of XBZRLE is a share
 * @throws UsageError when switches exclude each other, or QEMU would not take a value
 */
export function guestperfInWords(
  scenario: GuestperfScenario,
  memGib: number,
  file?: string,
): GuestperfInWords {
  checkScenario(scenario, file);
  const { stream, notes } = streamOf(scenario, memGib);
  const migration: Record<string, string> = {
    'max-bandwidth': scenario.bandwidth === 0 ? 'unlimited' : `${scenario.bandwidth}MiB/s`,
    'downtime-limit': `${scenario.downtime}ms`,
    'give-up-after': scenario.max_time === 0 ? 'never' : `${scenario.max_time}s`,
    ...(scenario.post_copy ? { 'postcopy-ram': 'true' } : {}),
    ...(stream === null ? {} : { stream }),
  };
  return { strategy: strategyOf(scenario), policy: policyOf(scenario), migration, notes };
}

function strategyOf(scenario: GuestperfScenario): NamedOptions {
  if (scenario.auto_converge) {
    return ['auto-converge', { 'cpu-throttle-increment': scenario.auto_converge_step }];
  }
  if (!scenario.dirty_limit) return ['none', {}];
  return [
    'dirty-limit',
    {
      'vcpu-dirty-limit': `${scenario.vcpu_dirty_limit}MiB/s`,
      'x-vcpu-dirty-limit-period': `${scenario.x_vcpu_dirty_limit_period}ms`,
    },
  ];
}

function policyOf(scenario: GuestperfScenario): NamedOptions {
  const most = scenario.max_iters;
  if (scenario.pause) return ['pause-after-passes', { passes: scenario.pause_iters, 'max-passes': most }];
  if (scenario.post_copy)
    return ['postcopy-after-passes', { passes: scenario.post_copy_iters, 'max-passes': most }];
  return ['abort-after-passes', { passes: most }];
}

function streamOf(scenario: GuestperfScenario, memGib: number): { stream: string | null; notes: string[] } {
  if (scenario.compression_mt) {
    const threads = scenario.compression_mt_threads;
    return {
      stream: `{ multifd: { channels: ${threads}, compression: zlib } }`,
      notes: ['compression-mt (gone since QEMU 9.1) is played by multifd with zlib and as many channels'],
    };
  }
  if (scenario.compression_xbzrle) {
    const cacheMib = (memGib * 1024 * scenario.compression_xbzrle_cache) / 100;
    // page_cache.c takes powers of two.
    const size = 2 ** floor(log2(cacheMib * 1024));
    return { stream: `{ xbzrle: { cache-size: ${size}KiB } }`, notes: [] };
  }
  if (!scenario.multifd) return { stream: null, notes: [] };
  const { multifd_channels: channels, multifd_compression: compression } = scenario;
  if (compression === '') return { stream: `{ multifd: { channels: ${channels} } }`, notes: [] };
  const source = compressorNamed(compression)?.source ?? '';
  return {
    stream: `{ multifd: { channels: ${channels}, compression: ${compression} } }`,
    notes: source.startsWith('an assumption') ? [`${compression} rests on ${source}`] : [],
  };
}

// --------------------------------------------------------------------------------------------------------- checks

const EXCLUSIVE = [
  ['auto_converge', 'dirty_limit'],
  ['pause', 'post_copy'],
  ['compression_mt', 'compression_xbzrle'],
  ['compression_mt', 'multifd'],
  ['compression_xbzrle', 'multifd'],
] as const;

type Field = keyof GuestperfScenario;
interface Bounds {
  readonly field: Field;
  readonly from: number;
  readonly to: number;
  /** May have digits after the point. */
  readonly fraction?: boolean;
  /** Only looked at when this is set. */
  readonly when?: Field;
}

/** What QEMU takes, and what a scenario can say. */
const BOUNDS: readonly Bounds[] = [
  { field: 'downtime', from: 0, to: 2_000_000, fraction: true },
  { field: 'bandwidth', from: 0, to: 11_000_000, fraction: true },
  { field: 'max_time', from: 0, to: 100_000_000, fraction: true },
  { field: 'max_iters', from: 1, to: 1e9 },
  { field: 'pause_iters', from: 0, to: 1e9, when: 'pause' },
  { field: 'post_copy_iters', from: 0, to: 1e9, when: 'post_copy' },
  { field: 'auto_converge_step', from: 1, to: 99, when: 'auto_converge' },
  { field: 'compression_mt_threads', from: 1, to: 255, when: 'compression_mt' },
  { field: 'compression_xbzrle_cache', from: 1, to: 100, fraction: true, when: 'compression_xbzrle' },
  { field: 'multifd_channels', from: 1, to: 255, when: 'multifd' },
  { field: 'x_vcpu_dirty_limit_period', from: 1, to: 1000, when: 'dirty_limit' },
  { field: 'vcpu_dirty_limit', from: 1, to: 1e6, when: 'dirty_limit' },
];
const COMPRESSIONS: readonly string[] = ['', ...COMPRESSORS];

function checkScenario(scenario: GuestperfScenario, file: string | undefined): void {
  const place = file === undefined ? undefined : { file };
  for (const [one, other] of EXCLUSIVE) {
    if (scenario[one] && scenario[other]) {
      throw new UsageError(`scenario.${other}: expected false together with ${one}, got true`, place);
    }
  }
  for (const { field, from, to, fraction = false, when } of BOUNDS) {
    const value = Number(scenario[field]);
    if (when !== undefined && scenario[when] !== true) continue;
    if (value >= from && value <= to && (fraction || Number.isInteger(value))) continue;
    const what = fraction ? 'a number' : 'a whole number';
    throw new UsageError(`scenario.${field}: expected ${what} from ${from} to ${to}, got ${value}`, place);
  }
  if (scenario.multifd && !COMPRESSIONS.includes(scenario.multifd_compression)) {
    const known = COMPRESSIONS.slice(1).join(', ');
    throw new UsageError(
      `scenario.multifd_compression: expected ${known} or nothing, got "${scenario.multifd_compression}"`,
      place,
    );
  }
}
