/**
 * guestperf's comparisons under their own names (QEMU tests/migration-stress/guestperf: comparison.py, scenario.py,
 * engine.py). A comparison is data: the question, and scenarios that differ in one knob, in guestperf's own words.
 */
import { nth } from '../lists.js';
import type { MigrationResult } from '../migration/result.js';
import { guestperfScenario } from '../formats/guestperf/read.js';
import { guestperfInWords } from '../formats/guestperf/words.js';
import { parseScenario } from '../scenario/parse.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../scenario/scenario.js';
import { type CompareOptions, type Comparison, compare } from './compare.js';
import { choosePolicy, chooseStrategy } from './choice.js';

/** Switches of scenario.py, under its own names. */
type Switches = Omit<Parameters<typeof guestperfScenario>[0], 'name'>;

interface Entry extends Switches {
  /** guestperf's name of the scenario. */
  readonly name: string;
}

export interface Preset {
  /** What guestperf looks at with it. */
  readonly question: string;
  /** Where migsim cannot do as guestperf does. */
  readonly note?: string;
  readonly entries: readonly Entry[];
  /** What all entries need in addition, as `--set` takes it. */
  readonly set?: readonly string[];
}

/**
 * guestperf's defaults: 1 GiB of load in a guest of 512 MiB more, a UNIX socket (10 GB/s, an assumption), 125000 MiB/s,
 * 500 ms, 300 s. Its dirty-ring-size is 0, but dirty-limit cannot run without a ring: those comparisons have one of 4096.
 */
export const PRESET_TEXT = `guest:
  memory: 1536MiB
  vcpus: [{ workload: stress }]
link: { bandwidth: 80Gbit/s, latency: 20us, efficiency: 100% }
migration: { max-bandwidth: 125000MiB/s, downtime-limit: 500ms, give-up-after: 300s }
`;

/** What the load fills, GiB: guestperf's default. */
const MEM_GIB = 1;
const RING = ['guest.dirty-ring-size=4096'];

/** Names and MiB/s, as guestperf pairs them. */
const BANDWIDTHS = [
  ['100mbs', 12],
  ['300mbs', 37],
  ['1gbs', 125],
  ['10gbs', 1250],
  ['100gbs', 12500],
] as const;

export const presets: Readonly<Record<string, Preset>> = {
  'pause-iters': {
    question: 'What does it bring to stop the guest after some passes over its memory?',
    entries: [0, 1, 5, 20].map((passes) => ({
      name: `pause-iters-${passes}`,
      pause: true,
      pause_iters: passes,
    })),
  },
  'post-copy-bandwidth': {
    question: 'How does post-copy depend on the bandwidth that a migration may use?',
    entries: BANDWIDTHS.map(([name, bandwidth]) => ({
      name: `post-copy-bw-${name}`,
      post_copy: true,
      bandwidth,
    })),
  },
  'post-copy-iters': {
    question: 'When should a migration go over to post-copy?',
    entries: [0, 1, 5, 20].map((passes) => ({
      name: `post-copy-iters-${passes}`,
      post_copy: true,
      post_copy_iters: passes,
    })),
  },
  'auto-converge-iters': {
    question: 'How large should the steps of auto-converge be?',
    entries: [5, 10, 20].map((step) => ({
      name: `auto-converge-step-${step}`,
      auto_converge: true,
      auto_converge_step: step,
    })),
  },
  'auto-converge-bandwidth': {
    question: 'How does auto-converge depend on the bandwidth that a migration may use?',
    entries: BANDWIDTHS.map(([name, bandwidth]) => ({
      name: `auto-converge-bw-${name}`,
      auto_converge: true,
      bandwidth,
    })),
  },
  'compr-mt': {
    question: 'How many threads should compress?',
    note: 'QEMU 9.1 removed the capability compress; here it is multifd with zlib and as many channels as threads',
    entries: [1, 2, 4].map((threads) => ({
      name: `compr-mt-threads-${threads}`,
      compression_mt: true,
      compression_mt_threads: threads,
    })),
  },
  'compr-xbzrle': {
    question: 'How large should the cache of XBZRLE be, as a share of RAM?',
    note: 'caches are of the power of two below that share of 1 GiB; guestperf sets 10 % for its cache-20 as well',
    entries: [5, 10, 20, 50].map((percent) => ({
      name: `compr-xbzrle-cache-${percent}`,
      compression_xbzrle: true,
      compression_xbzrle_cache: percent,
    })),
  },
  'compr-multifd': {
    question: 'How many channels should multifd have?',
    entries: [4, 8, 32, 64].map((channels) => ({
      name: `compr-multifd-channels-${channels}`,
      multifd: true,
      multifd_channels: channels,
    })),
  },
  'compr-dirty-limit-period': {
    question: 'Over which period should dirty-limit measure?',
    entries: [500, 800, 1000].map((period) => ({
      name: `compr-dirty-limit-period-${period}`,
      dirty_limit: true,
      x_vcpu_dirty_limit_period: period,
    })),
    set: RING,
  },
  'compr-dirty-limit': {
    question: 'How much should dirty-limit let a vCPU dirty?',
    entries: [10, 20, 50].map((limit) => ({
      name: `compr-dirty-limit-${limit}MB`,
      dirty_limit: true,
      vcpu_dirty_limit: limit,
    })),
    set: RING,
  },
  'compr-multifd-compression': {
    question: 'Which compression should multifd use?',
    note: 'the figures of qpl and uadk are assumptions: migsim explain qpl',
    entries: ['zlib', 'zstd', 'qpl', 'uadk'].map((compression) => ({
      name: `compr-multifd-compression-${compression}`,
      multifd: true,
      multifd_compression: compression,
    })),
  },
};

/** One migration of a preset. */
export interface PresetRun {
  readonly scenario: Scenario;
  /** Labelled with guestperf's name. */
  readonly strategy: StrategyChoice;
  readonly policy: PolicyChoice;
}

/** What all migrations of a preset have in common. Throws `UsageError`. */
export function presetScenario(name: string, preset: Preset, set: readonly string[]): Scenario {
  const scenario = parseScenario(PRESET_TEXT, name, { set });
  return { ...scenario, about: preset.question, file: null };
}

/** The migrations of a preset, in guestperf's order; `set` changes all of them. Throws `UsageError`. */
export function presetRuns(name: string, preset: Preset, set: readonly string[]): PresetRun[] {
  return preset.entries.map((entry) => {
    const words = guestperfInWords(guestperfScenario(entry), MEM_GIB);
    const own = Object.entries(words.migration).map(([key, value]) => `migration.${key}=${value}`);
    const strategy = chooseStrategy(...words.strategy);
    return {
      scenario: presetScenario(name, preset, [...own, ...(preset.set ?? []), ...set]),
      strategy: {
        ...strategy,
        definition: { ...strategy.definition, name: entry.name },
        label: entry.name,
      },
      policy: choosePolicy(...words.policy),
    };
  });
}

export type PresetOptions = Pick<CompareOptions, 'runs' | 'seed' | 'memory' | 'timelineMs'> & {
  /** Called after every run, in the order of the result. */
  readonly onResult?: (result: MigrationResult) => void;
};

/** Runs a preset as one comparison: its scenarios stand where strategies stand. Throws `UsageError`. */
export async function comparePreset(
  name: string,
  preset: Preset,
  set: readonly string[],
  options: PresetOptions = {},
): Promise<Comparison> {
  const comparisons: Comparison[] = [];
  for (const { scenario, strategy, policy } of presetRuns(name, preset, set)) {
    comparisons.push(compare(scenario, { ...options, strategies: [strategy], policy, keep: 'scalars' }));
    // Lets signals have their turn.
    await new Promise(setImmediate);
  }
  const first = nth(comparisons, 0);
  const labels = new Set(comparisons.map(({ policy }) => policy.label));
  const policy = labels.size === 1 ? first.policy : { ...first.policy, label: first.policy.definition.name };
  const strategies = comparisons.flatMap((comparison) => comparison.strategies);
  return { ...first, scenario: presetScenario(name, preset, set), policy, strategies };
}
