/**
 * What an answer depends on: each input moved by what it is usually known to, one at a time, and the migration simulated with
 * either. Inputs of the file that are distributions move to their 5th and 95th percentile.
 */
import type { GuestSpec, HostProfile } from '../guest/spec.js';
import { HOST_DRAWS, variedHost } from '../guest/variability.js';
import type { MigrationResult } from '../migration/result.js';
import type { MigrationSetup } from '../migration/setup.js';

const { abs, log } = Math;

/** An input that is known only so well. */
export interface Input {
  readonly key: string;
  /** For the answer with less and with more of it, in words behind "with": `a fifth fewer writes of writer`. */
  readonly less: string;
  readonly more: string;
  /** How to know it better. */
  readonly measure: string;
  readonly low: MigrationSetup;
  readonly high: MigrationSetup;
}

/** What became of a migration when one input moved. */
export interface Dependence {
  readonly input: Input;
  readonly low: MigrationResult;
  readonly high: MigrationResult;
  /** |ln(total time with more / with less)|; Infinity where one of both does not converge. */
  readonly weight: number;
}

/** An input that moves total time by less than this share is not worth a word. */
const NOTICED = 0.01;

/** Those that matter, the one that matters most first. `run` simulates one setup. */
export function dependences(
  inputs: readonly Input[],
  run: (setup: MigrationSetup) => MigrationResult,
): Dependence[] {
  return inputs
    .map((input): Dependence => {
      const [low, high] = [run(input.low), run(input.high)];
      return { input, low, high, weight: weightOf(low, high) };
    })
    .filter(({ weight }) => weight > NOTICED)
    .sort((a, b) => b.weight - a.weight);
}

function weightOf(low: MigrationResult, high: MigrationResult): number {
  if (low.converged !== high.converged) return Infinity;
  return low.converged ? abs(log(high.totalTimeMs / low.totalTimeMs)) : 0;
}

// ----------------------------------------------------------------------------------------------- inputs of a scenario

/** What a person who did not measure it knows of a rate of writes, and of a link that others use as well. */
const WRITES = 0.2;
const LINK = 0.1;
/** Groups of vCPUs that are looked at, those that write most first. */
const MOST_GROUPS = 3;

/** What a load's share of its time may be where nothing says it. */
const LEAST_BUSY = 0.5;

/** Of the file's own distributions, and of what a file states as if it were sure. */
export function inputsOf(
  setup: MigrationSetup,
  uncertainty: {
    readonly values: readonly { readonly key: string }[];
    setupAt(p: (key: string) => number): MigrationSetup;
  },
): Input[] {
  const stated = uncertainty.values.map(({ key }): Input => {
    const at = (p: number): MigrationSetup => uncertainty.setupAt((other) => (other === key ? p : 0.5));
    return {
      key,
      less: `${key} at its 5th percentile`,
      more: 'at its 95th',
      measure: measureOf(key),
      low: at(0.05),
      high: at(0.95),
    };
  });
  return [...stated, ...writesOf(setup), ...busyOf(setup), linkOf(setup), ...hostOf(setup)];
}

function writesOf(setup: MigrationSetup): Input[] {
  const { guest } = setup;
  const rates = new Map<string, number>();
  for (const { group, classes } of guest.vcpus)
    rates.set(
      group,
      classes.reduce((sum, one) => sum + one.writesPerSecond, rates.get(group) ?? 0),
    );
  const writers = [...rates].filter(([, rate]) => rate > 0).sort(([, a], [, b]) => b - a);
  return writers.slice(0, MOST_GROUPS).map(([group]): Input => {
    const at = (factor: number): MigrationSetup => ({ ...setup, guest: scaled(guest, group, factor) });
    return {
      key: `${group}.write`,
      less: `a fifth fewer writes of ${group}`,
      more: 'with a fifth more',
      measure: measureOf(`${group}.write`),
      low: at(1 - WRITES),
      high: at(1 + WRITES),
    };
  });
}

function scaled(guest: GuestSpec, group: string, factor: number): GuestSpec {
  const vcpus = guest.vcpus.map((vcpu) =>
    vcpu.group !== group
      ? vcpu
      : {
          ...vcpu,
          classes: vcpu.classes.map((one) => ({ ...one, writesPerSecond: one.writesPerSecond * factor })),
        },
  );
  return { ...guest, vcpus };
}

/** Of loads that make up for lost time: what throttles cost them. */
function busyOf(setup: MigrationSetup): Input[] {
  if (!setup.guest.vcpus.some(({ catchesUp }) => catchesUp === true)) return [];
  const at = (busy: number): MigrationSetup => ({
    ...setup,
    guest: {
      ...setup.guest,
      vcpus: setup.guest.vcpus.map((vcpu) => (vcpu.catchesUp === true ? { ...vcpu, busy } : vcpu)),
    },
  });
  return [
    {
      key: 'cpu',
      less: 'a load that is busy 50 % of its time',
      more: 'with one that is busy all of it',
      measure: measureOf('cpu'),
      low: at(LEAST_BUSY),
      high: at(1),
    },
  ];
}

function linkOf(setup: MigrationSetup): Input {
  const at = (factor: number): MigrationSetup => ({
    ...setup,
    link: {
      ...setup.link,
      bandwidthBytesPerSecond: setup.link.bandwidthBytesPerSecond * factor,
      phases: setup.link.phases.map((phase) => ({
        ...phase,
        bandwidthBytesPerSecond: phase.bandwidthBytesPerSecond * factor,
      })),
    },
  });
  return {
    key: 'link.bandwidth',
    less: 'a link that carries a tenth less',
    more: 'with a tenth more',
    measure: measureOf('link.bandwidth'),
    low: at(1 - LINK),
    high: at(1 + LINK),
  };
}

/** Each kind of a host's costs, from the 5th to the 95th percentile of its variability. */
function hostOf(setup: MigrationSetup): Input[] {
  if (setup.host.variability === undefined) return [];
  return HOST_DRAWS.map((key): Input => {
    const at = (p: number): HostProfile => variedHost(setup.host, (other) => (other === key ? p : 0.5));
    const what = key.replace('host ', '');
    return {
      key,
      less: `the least that the host's ${what} costs in 20 runs`,
      more: 'with the most',
      measure: measureOf(key),
      low: { ...setup, host: at(0.05) },
      high: { ...setup, host: at(0.95) },
    };
  });
}

/** How to know an input better, by the end of its key. */
const MEASURES: readonly (readonly [RegExp, string])[] = [
  [/^host/, 'migrations of it (migsim calibrate-host)'],
  [/^link\.latency/, 'ping'],
  [/^link/, 'iperf3'],
  [/cpu$|busy$/, "the guest's CPU use (top; virsh domstats --vcpu)"],
  [/working-set|pattern/, 'calc-dirty-rate over 1 s and 10 s (migsim measure)'],
  [/write|workload|dirty-curve/, 'calc-dirty-rate (migsim measure)'],
  [/zero-pages|free-page|balloon|memory/, 'free -m in the guest'],
];

/** The command that measures an input. */
export function measureOf(key: string): string {
  return MEASURES.find(([pattern]) => pattern.test(key))?.[1] ?? 'a trial run';
}
