/** Remedies by the clock: the end that a time-out makes, per GiB where the program counts so, and what is done then. */
import type { MigrationResult } from '../migration/result.js';
import { novaDataGib } from '../policies/nova.js';
import type { Scenario } from '../scenario/scenario.js';
import { largest } from '../stats/extremes.js';
import { mean } from '../stats/summary.js';
import { PAGE_BYTES, parseDurationUs } from '../units.js';
import type { Program } from './change.js';
import type { Goals } from './goals.js';
import type { Remedy, Tune } from './remedy.js';

const { ceil, floor, max } = Math;

/** What the time-out of a program is multiplied by, for this guest: its GiB, 1 for one that counts seconds. */
export function timeoutUnits(program: Program, ramBytes: number): number {
  if (program === 'nova') return novaDataGib(ramBytes);
  return program === 'kubevirt' ? ceil(ramBytes / 1e9) : 1;
}

/** An option of the policy that counts per GiB, or the policy `timeout`, which counts the whole time. */
interface Timer {
  readonly key: string;
  /** Seconds for each second of the option. */
  readonly units: number;
  /** Seconds that the program can tell apart, in those of the option. */
  readonly grainS: number;
  /** The option as it is, s; null: no time-out yet. */
  readonly nowS: number | null;
  /** What makes the time-out do so. */
  readonly does: Readonly<Record<'pause' | 'postcopy', readonly string[]>>;
}

function timerOf({ policy, setup }: Scenario, program: Program): Timer | null {
  const ramBytes = setup.guest.ramPages * PAGE_BYTES;
  const { name } = policy.definition;
  const option = (key: string): number | null => {
    const value = Object.entries(policy.options).find(([one]) => one === key)?.[1];
    return typeof value === 'number' ? value / 1000 : null;
  };
  if (name === 'nova') {
    const force = 'policy.nova.timeout-action=force_complete';
    return {
      key: 'nova.completion-timeout',
      units: timeoutUnits('nova', ramBytes),
      grainS: 1,
      nowS: option('completion-timeout'),
      does: { pause: [force], postcopy: [force, 'policy.nova.permit-post-copy=true'] },
    };
  }
  if (name.startsWith('kubevirt-')) {
    const disrupt = `policy.${name}.allow-workload-disruption=true`;
    return {
      key: `${name}.completion-timeout-per-gib`,
      units: timeoutUnits('kubevirt', ramBytes),
      grainS: 1,
      nowS: option('completion-timeout-per-gib'),
      does: { pause: [disrupt], postcopy: [disrupt, `policy.${name}.allow-post-copy=true`] },
    };
  }
  if (!['nova', 'kubevirt', 'virsh'].includes(program)) return null;
  return {
    key: 'timeout.after',
    units: 1,
    grainS: timeoutUnits(program, ramBytes),
    nowS: name === 'timeout' ? option('after') : null,
    does: {
      pause: ['policy={timeout: {action: pause}}'],
      postcopy: ['policy={timeout: {action: postcopy}}'],
    },
  };
}

/** The next value that the program can tell apart. */
function wholly({ grainS }: Timer): (text: string) => string {
  return (text) => `${ceil(parseDurationUs(text) / 1e6 / grainS - 1e-9) * grainS}s`;
}

function tuneOf(timer: Timer, { deadlineMs }: Goals): Tune | null {
  const toS = floor(deadlineMs / 1000 / timer.units);
  if (toS <= timer.grainS) return null;
  return {
    key: timer.key,
    from: `${timer.grainS}s`,
    to: `${toS}s`,
    strongest: 'first',
    settle: wholly(timer),
  };
}

const SLOW: Pick<Remedy, 'needs' | 'risk' | 'price'> = { needs: [], risk: null, price: 'settings' };
const FAULTS: Pick<Remedy, 'needs' | 'risk' | 'price'> = {
  needs: ['a kernel that lets QEMU handle page faults (userfaultfd)'],
  risk: 'the guest is lost when a host or the network fails before the last page is there',
  price: 'risk',
};

/** The guest is stopped, or goes over to post-copy: by a time-out where the program has one, else by a count of passes. */
export function forcedEnd(
  kind: 'pause' | 'postcopy',
  scenario: Scenario,
  goals: Goals,
  program: Program,
): Remedy {
  const name = kind === 'pause' ? 'pause' : 'post-copy';
  const costs = kind === 'pause' ? SLOW : FAULTS;
  const able = kind === 'pause' ? [] : ['migration.postcopy-ram=true'];
  const timer = timerOf(scenario, program);
  const tune = timer === null ? null : tuneOf(timer, goals);
  if (timer !== null && tune !== null) {
    const change: Remedy['change'] = ([value = '0s']) => ({
      [kind]: { passes: null, afterS: ceil((parseDurationUs(value) / 1e6) * timer.units) },
    });
    return { name, set: [...able, ...timer.does[kind]], tunes: [tune], change, ...costs };
  }
  const policy = kind === 'pause' ? 'pause-after-passes' : 'postcopy-after-passes';
  return {
    name,
    set: [...able, `policy=${policy}`],
    tunes: [{ key: `policy.${policy}.passes`, from: '1', to: '12', strongest: 'first' }],
    change: ([passes = '1'], results) => ({
      [kind]: { passes: Number(passes), afterS: wentOverS(results, kind) },
    }),
    ...costs,
  };
}

/** When the guest was stopped or went over, s: all but what came after. */
function wentOverS(results: readonly MigrationResult[], kind: 'pause' | 'postcopy'): number {
  const after = (result: MigrationResult): number =>
    kind === 'pause' ? (result.blackoutMs ?? 0) : result.postcopyTimeMs;
  return max(1, ceil(mean(results.map((result) => max(0, result.totalTimeMs - after(result)))) / 1000));
}

/** What a time-out that was just enough in the runs is raised by: guests and networks differ. */
const SPARE = 1.2;

/** The scenario's policy ends it too early: the smallest time-out that cuts none which would converge, and a fifth. */
export function moreTime(scenario: Scenario, goals: Goals, program: Program): Remedy {
  const timer = timerOf(scenario, program);
  const tune = timer === null ? null : tuneOf(timer, goals);
  const costs = SLOW;
  const hasRoom = timer?.nowS != null && timer.nowS * timer.units * 1000 < goals.deadlineMs - 1000;
  if (timer === null || tune === null || timer.key === 'timeout.after' || !hasRoom) {
    return {
      name: 'time',
      set: ['policy=wait'],
      tunes: [],
      change: (_, results) => ({
        timeoutS: ceil((largest(results.map(({ totalTimeMs }) => totalTimeMs)) * SPARE) / 1000),
      }),
      ...costs,
    };
  }
  const whole = wholly(timer);
  const settle = (text: string): string => whole(`${(parseDurationUs(text) / 1e6) * SPARE}s`);
  return {
    name: 'time',
    set: [],
    tunes: [{ ...tune, from: `${timer.nowS ?? timer.grainS}s`, find: 'smallest', strongest: 'last', settle }],
    change: ([value = '0s']) => ({ timeoutS: ceil((parseDurationUs(value) / 1e6) * timer.units) }),
    ...costs,
  };
}
