/** A trace says what the rules decided, with the numbers that the run itself reports; and nobody who looks changes a run. */
import { describe, expect, test } from '@jest/globals';
import type { Controls } from '../../src/migration/controls.js';
import { type DecisionFacts, inWords } from '../../src/migration/observe/decisions.js';
import type { Decision, MigrationResult, SyncRecord } from '../../src/migration/result.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import type { StrategyName } from '../../src/strategies/index.js';
import { MIB, PAGE, type SetupFields, migrate, setupOf, writer } from './setups.js';

const { abs, floor } = Math;

type Of<Kind extends DecisionFacts['kind']> = Extract<DecisionFacts, { readonly kind: Kind }>;

function factsOf<Kind extends DecisionFacts['kind']>(
  result: MigrationResult,
  ...kinds: readonly Kind[]
): Of<Kind>[] {
  return result.decisions.flatMap(({ facts }) =>
    facts !== undefined && (kinds as readonly string[]).includes(facts.kind) ? [facts as Of<Kind>] : [],
  );
}

function traced(
  fields: SetupFields,
  strategy: StrategyName = 'none',
  options: Readonly<Record<string, unknown>> = {},
  watch?: (controls: Controls) => void,
): MigrationResult {
  return migrate({ ...setupOf(fields), trace: true }, strategy, options, watch);
}

/** 64 MiB, half of them written again and again; a pass takes about three seconds, the stop costs something. */
function guestThatWrites(writesPerSecond: number, migration: SetupFields['migration'] = {}): SetupFields {
  return {
    guest: { vcpus: [writer({ pages: 32 * MIB, writesPerSecond, pattern: 'sequential' })] },
    host: { stopUs: 1000, deviceSaveUs: 2000, destinationLoadUs: 3000 },
    migration: { maxBandwidth: 20e6, downtimeLimitMs: 200, returnPath: true, ...migration },
  };
}

const withRing = (fields: SetupFields): SetupFields => ({
  ...fields,
  guest: { ...fields.guest, dirtyRingSize: 1024 },
});

const RUNS: readonly (readonly [string, () => MigrationResult])[] = [
  ['auto-converge', () => traced(guestThatWrites(6000), 'auto-converge', { 'cpu-throttle-initial': 60 })],
  [
    'auto-converge, long passes, never ends',
    () => traced(guestThatWrites(1e5, { maxBandwidth: 4e6, giveUpAfterUs: 50e6 }), 'auto-converge'),
  ],
  ['dirty-limit', () => traced(withRing(guestThatWrites(6000)), 'dirty-limit')],
  ['nothing acts', () => traced(guestThatWrites(1e5, { giveUpAfterUs: 20e6 }))],
  ['paused', () => traced(guestThatWrites(1e5), 'stop-and-copy')],
  ['10.2', () => traced(guestThatWrites(3000, { qemu: '10.2', availSwitchoverBandwidth: 30e6 }))],
  [
    '7.2',
    () => traced(guestThatWrites(6000, { qemu: '7.2' }), 'auto-converge', { 'cpu-throttle-initial': 60 }),
  ],
  ['7.2 without auto-converge', () => traced(guestThatWrites(1e5, { qemu: '7.2', giveUpAfterUs: 20e6 }))],
  [
    'post-copy',
    () =>
      traced(guestThatWrites(1e5, { postcopy: true }), 'none', {}, (controls) => {
        controls.after(5000, () => controls.startPostcopy());
      }),
  ],
  [
    'the network fails',
    () => traced({ ...guestThatWrites(1e5), link: { outages: [{ atUs: 5e6, durationUs: 1e6 }] } }),
  ],
  [
    'cancelled',
    () =>
      traced(guestThatWrites(1e5), 'none', {}, (controls) =>
        controls.after(5000, () => controls.cancel('enough')),
      ),
  ],
];

describe.each(RUNS)('%s', (_name, run) => {
  const result = run();
  const { syncs, decisions } = result;
  const begins = factsOf(result, 'sync');

  test('comes in order of time', () => {
    const times = decisions.map(({ timeMs }) => timeMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('every sync has its reason, with what it found pending', () => {
    const facts = begins.map(({ sync, cause, pendingBytes }) => [sync, cause, pendingBytes]);
    expect(facts).toEqual(
      syncs.map(({ n, cause, remainingBeforeBytes }) => [n, cause, remainingBeforeBytes]),
    );
    begins.forEach((begin, i) => expect(begin.thresholdBytes).toBe(syncs[i]!.thresholdBytes));
    // QEMU asks strictly for less than the threshold.
    for (const { cause, pendingBytes, thresholdBytes } of begins)
      if (cause === 'natural') expect(pendingBytes).toBeLessThan(thresholdBytes);
  });

  /** The detector's books, kept again from the syncs alone: the period from one eligible sync to the next, and two strikes. */
  test('every sync is judged or passed over, by numbers that the syncs have', () => {
    const verdicts = factsOf(result, 'judged', 'not-judged');
    expect(verdicts.map(({ sync }) => sync)).toEqual(syncs.map(({ n }) => n));
    let last: SyncRecord = syncs[0]!;
    let period = 0;
    let strikes = 0;
    verdicts.forEach((facts, i) => {
      const sync = syncs[i]!;
      period += sync.newDirtyPages;
      const judgedAs = facts.kind === 'judged' ? facts.verdict : 'not-eligible';
      expect(sync.detector).toBe(judgedAs);
      if (facts.kind === 'not-judged' && !facts.detectorOff) {
        expect(facts.sinceMs).toBeLessThanOrEqual(1000);
        expect(facts.sinceSync).toBe(i === 0 ? null : last.n);
        expect(abs(facts.sinceMs - (sync.timeMs - last.timeMs))).toBeLessThanOrEqual(1);
        return;
      }
      expect(sync.timeMs - last.timeMs).toBeGreaterThan(1000);
      if (facts.kind === 'judged') {
        const { verdict, dirtyBytes, limitBytes, sentBytes, thresholdPercent } = facts;
        expect(dirtyBytes).toBe(period * PAGE);
        expect(abs(sentBytes - (sync.sentBytes - (last.n === 1 ? 0 : last.sentBytes)))).toBeLessThanOrEqual(
          1,
        );
        expect(limitBytes).toBe(floor((sentBytes * thresholdPercent) / 100));
        const bad = dirtyBytes > limitBytes;
        strikes += bad ? 1 : 0;
        expect(verdict).toBe(bad ? (strikes === 2 ? 'act' : 'bad') : 'good');
        strikes %= 2;
        expect(facts.strikes).toBe(strikes);
      }
      last = sync;
      period = 0;
    });
  });

  test('after every sync but the last it is said how it goes on, with what was pending then', () => {
    const turns = factsOf(result, 'turn');
    const goesOn = syncs.filter(({ cause }) => cause !== 'switchover' && cause !== 'postcopy');
    // The run may have been ended from outside between a sync and the decision after it, and post-copy starts at any time.
    const iterates = turns.filter(({ verdict }) => verdict === 'iterate');
    const completes = turns.filter(({ verdict }) => verdict === 'complete');
    expect(iterates.map((turn) => turn.pendingBytes)).toEqual(
      goesOn.slice(0, iterates.length).map((sync) => sync.remainingBytes),
    );
    expect(goesOn.length - iterates.length).toBe(completes.length);
    for (const turn of completes) {
      expect(turn.pendingBytes).toBe(goesOn.at(-1)!.remainingBytes);
      expect(turn.pendingBytes).toBeLessThanOrEqual(turn.thresholdBytes);
    }
    for (const turn of iterates) expect(turn.pendingBytes).toBeGreaterThanOrEqual(turn.thresholdBytes);
  });

  test('a threshold is told before a decision whose number it is', () => {
    let told = NaN;
    for (const { facts } of decisions) {
      if (facts?.kind === 'threshold') {
        told = facts.thresholdBytes;
        const product = (facts.bandwidthBytesPerSecond * facts.downtimeLimitMs) / 1000;
        expect(told).toBeCloseTo(facts.windowClosed ? product : 0, 3);
      }
      // Told again where the limit or a twentieth of the bandwidth has changed.
      if (facts?.kind === 'turn' && told > 0) expect(abs(facts.thresholdBytes / told - 1)).toBeLessThan(0.05);
      if (facts?.kind === 'turn' && told === 0) expect(facts.thresholdBytes).toBe(0);
    }
  });

  test('every switchover has its parts, which add up to the downtime', () => {
    const switchovers = factsOf(result, 'downtime');
    expect(switchovers).toHaveLength(result.downtimeMs === null ? 0 : 1);
    for (const { parts, downtimeMs, blackoutMs } of switchovers) {
      const sum = parts.reduce((total, { durationMs }) => total + durationMs, 0);
      expect(sum).toBeCloseTo(downtimeMs, 6);
      expect(floor(downtimeMs)).toBe(result.downtimeMs);
      expect(blackoutMs).toBe(result.blackoutMs);
      const last = syncs.at(-1)!;
      const sync = parts.find(({ part }) => part === 'sync')!;
      expect(sync.durationMs).toBeCloseTo(last.durationMs, 6);
    }
    const endings = factsOf(result, 'gave-up', 'cancelled', 'failed').map(({ kind }) => kind);
    expect(endings).toEqual(result.status === 'completed' ? [] : [result.status]);
  });

  test('says everything in words', () => {
    for (const { rule, text } of decisions) {
      expect(rule).toMatch(/^\w+$/);
      expect(text).toMatch(/^\S.*\S$/);
      expect(text).not.toMatch(/NaN|Infinity|undefined|null/);
    }
  });
});

/** What is left of a trace when nobody had asked for one. */
const untold = (decisions: readonly Decision[]): Decision[] =>
  decisions.filter(({ facts, rule, text }) => facts === undefined && !isForTracesOnly(rule, text));
const isForTracesOnly = (rule: string, text: string): boolean =>
  rule === 'cpu_throttle_dirty_sync_timer_tick' || /stays at|no change|already/.test(text);

test.each<[StrategyName, SetupFields]>([
  ['auto-converge', guestThatWrites(1e5, { giveUpAfterUs: 40e6 })],
  ['dirty-limit', withRing(guestThatWrites(6000))],
  ['none', guestThatWrites(3000)],
])('a run of %s is the same to the last bit when nobody looks', (strategy, fields) => {
  for (const memory of ['page', 'fluid'] as const) {
    const setup: MigrationSetup = { ...setupOf({ ...fields, timelineMs: 500 }), memory };
    const quiet = migrate(setup, strategy);
    const seen = migrate({ ...setup, trace: true }, strategy);
    expect(seen.decisions.length).toBeGreaterThan(2 * seen.syncs.length);
    expect(JSON.stringify(quiet)).toBe(JSON.stringify({ ...seen, decisions: untold(seen.decisions) }));
  }
});

/**
 * 20 MB/s go out: 15 flushes of 32 pages a window of 100 ms pass the quota, and an end of an iteration, 2,101,266 bytes; so
 * 4.008 MiB may be left of 200 ms. 4000 pages a second are written in turn, 32 MiB in 2.05 s.
 */
test('one small run, word by word', () => {
  const result = traced(guestThatWrites(4000), 'auto-converge', { 'cpu-throttle-initial': 80 });
  const lines = result.decisions.map(
    ({ timeMs, rule, text }) => `${(timeMs / 1000).toFixed(2)} ${rule}: ${text}`,
  );
  expect(lines).toEqual([
    '0.00 ram_init_bitmaps: sync 1: setup, all of RAM is dirty, 64 MiB',
    '0.00 migration_bitmap_sync: not judged: the first one starts the count',
    '0.00 migration_update_counters: threshold 0 B: no window has closed yet',
    '0.00 migration_iteration_run: iterate: 64 MiB >= threshold 0 B',
    '3.00 migration_update_counters: threshold 4.008 MiB = 20.04 MiB/s x 200 ms',
    '3.00 migration_iteration_run: sync 2: 4 MiB < threshold 4.008 MiB',
    '3.00 migration_trigger_throttle: sync 2: dirtied 32 MiB > 50 % of sent 60.12 MiB, first strike',
    '3.00 migration_iteration_run: iterate: 36 MiB >= threshold 4.008 MiB',
    '4.60 migration_iteration_run: sync 3: 4 MiB < threshold 4.008 MiB',
    '4.60 migration_trigger_throttle: sync 3: dirtied 21.01 MiB > 50 % of sent 32.06 MiB, second strike',
    '4.60 mig_throttle_guest_down: throttle 0 -> 80 %',
    '4.60 migration_iteration_run: iterate: 25.01 MiB >= threshold 4.008 MiB',
    '5.00 cpu_throttle_dirty_sync_timer_tick: tick: there was a sync since the last tick',
    '5.70 migration_iteration_run: sync 4: 3.008 MiB < threshold 4.008 MiB',
    '5.70 migration_trigger_throttle: sync 4: dirtied 3.426 MiB <= 50 % of sent 22.04 MiB, good',
    '5.70 migration_iteration_run: iterate: 6.434 MiB >= threshold 4.008 MiB',
    '5.90 migration_iteration_run: sync 5: 2.434 MiB < threshold 4.008 MiB',
    '5.90 migration_bitmap_sync: not judged: 200 ms after sync 4, <= 1000 ms',
    '5.90 migration_iteration_run: switch over: 3.059 MiB < threshold 4.008 MiB',
    '5.90 ram_save_complete: sync 6: the last, of a stopped guest',
    '5.90 migration_bitmap_sync: not judged: 201 ms after sync 4, <= 1000 ms',
    '5.91 migration_completion_end: downtime 9.21 ms = stop 1 ms + RAM 3.21 ms (3.065 MiB) + ' +
      'device state 2 ms + destination 3 ms; the guest was stopped for 9.21 ms',
  ]);
});

test('what was explained is not told again, and what was not is', () => {
  const result = traced(guestThatWrites(1e5, { giveUpAfterUs: 6e6 }), 'none', {}, (controls) => {
    controls.set({ downtimeLimitMs: 200 });
    controls.after(2000, () => controls.set({ downtimeLimitMs: 300, maxBandwidth: 10e6 }));
    controls.after(4000, () => {
      controls.explain('somebody', 'max-bandwidth is 30 MB/s from now on');
      controls.set({ maxBandwidth: 30e6 });
    });
  });
  const about = result.decisions.filter(({ text }) => /max-bandwidth|downtime-limit/.test(text));
  expect(about.map(({ timeMs, rule, text }) => `${timeMs} ${rule}: ${text}`)).toEqual([
    '2000 qmp_migrate_set_parameters: downtime-limit 200 ms -> 300 ms',
    '2000 qmp_migrate_set_parameters: max-bandwidth 19.07 MiB/s -> 9.537 MiB/s',
    '4000 somebody: max-bandwidth is 30 MB/s from now on',
  ]);
  // A new limit counts from the next window on, and says so where it first decides.
  const limits = factsOf(result, 'threshold').map(({ downtimeLimitMs }) => downtimeLimitMs);
  expect([...new Set(limits)]).toEqual([200, 300]);
});

// Three flushes pass the quota: 3.9 MB/s. The first pass takes 17 s, and the half that is dirty again would take 8.5 more.
test("the timer's ticks say why they sync or not", () => {
  const fields = guestThatWrites(1e5, { maxBandwidth: 3e6, downtimeLimitMs: 1, giveUpAfterUs: 31e6 });
  const ticks = traced(fields, 'auto-converge').decisions.filter(({ text }) => text.startsWith('tick'));
  expect(ticks.map(({ timeMs, text }) => `${timeMs / 1000} ${text}`)).toEqual([
    '5 tick: the first pass goes on',
    '10 tick: the first pass goes on',
    '15 tick: the first pass goes on',
    '20 tick: there was a sync since the last tick',
    '25 tick: no sync since the last tick, so one now',
    '30 tick: no sync since the last tick, so one now',
  ]);
});

// The last sync waits for one vCPU after the other: whoever answered first has long filled its ring again, and sleeps.
describe('a stop that waits for a sleep at a full ring says so', () => {
  const quarter = { pages: 8 * MIB, writesPerSecond: 100_000, pattern: 'sequential' } as const;
  const vcpus = [0, 1, 2, 3].map((i) => writer({ ...quarter, firstPage: i * quarter.pages }));
  const quiet = guestThatWrites(0, { downtimeLimitMs: 2000 });
  const withSleeps = (watch: (controls: Controls) => void): MigrationResult =>
    traced({ ...quiet, guest: { vcpus, dirtyRingSize: 1024 } }, 'none', {}, (controls) => {
      controls.dirtyLimitInService(true);
      [400_000, 310_000, 370_000, 290_000].forEach((us, vcpu) => controls.ringFullSleep(vcpu, us));
      watch(controls);
    });

  test('at the switchover, as a part of the downtime', () => {
    const result = withSleeps(() => undefined);
    const [switchover] = factsOf(result, 'downtime');
    const stop = switchover!.parts.find(({ part }) => part === 'stop')!;
    expect(switchover!.ringSleepMs).toBeGreaterThan(0);
    expect(stop.durationMs).toBeCloseTo(switchover!.ringSleepMs + 1, 6);
    expect(result.decisions.at(-1)!.text).toMatch(
      /= stop \d+ ms \(\d+ ms until a sleep at a full ring is over\) \+ /,
    );
  });

  test('at a pause, which is none of the downtime', () => {
    const result = withSleeps((controls) => controls.after(500, () => controls.pause()));
    const [stopped] = factsOf(result, 'stopped');
    expect(stopped!.ringSleepMs).toBeGreaterThan(0);
    expect(stopped!.durationMs).toBeCloseTo(stopped!.ringSleepMs + 1, 6);
    expect(factsOf(result, 'downtime')[0]!.ringSleepMs).toBe(0);
    expect(result.decisions.at(-1)!.text).toMatch(/^downtime \S+ ms = RAM /);
  });
});

describe('in words', () => {
  test('sizes that four digits make alike are given to the byte', () => {
    const pendingBytes = 2 ** 30;
    const turn = { kind: 'turn', verdict: 'iterate', pendingBytes, completesAtThreshold: false } as const;
    expect(inWords({ ...turn, thresholdBytes: pendingBytes - 1 }).text).toBe(
      'iterate: 1073741824 B >= threshold 1073741823 B',
    );
    expect(inWords({ ...turn, thresholdBytes: pendingBytes }).text).toBe('iterate: 1 GiB >= threshold 1 GiB');
    const judged = { kind: 'judged', sync: 3, verdict: 'bad', strikes: 1, heeded: true } as const;
    const figures = {
      dirtyBytes: 2 ** 30,
      sentBytes: 2 ** 31 - 1,
      thresholdPercent: 50,
      limitBytes: 2 ** 30 - 1,
    };
    expect(inWords({ ...judged, ...figures }).text).toBe(
      'sync 3: dirtied 1073741824 B > 50 % of sent 2147483647 B, first strike',
    );
  });

  test("the detector's count", () => {
    const figures = { dirtyBytes: 212 * 2 ** 20, sentBytes: 240 * 2 ** 20, limitBytes: 120 * 2 ** 20 };
    const judged = { kind: 'judged', sync: 5, ...figures, thresholdPercent: 50, heeded: true } as const;
    const bad = 'sync 5: dirtied 212 MiB > 50 % of sent 240 MiB, ';
    expect(inWords({ ...judged, verdict: 'bad', strikes: 1 }).text).toBe(`${bad}first strike`);
    expect(inWords({ ...judged, verdict: 'act', strikes: 0 }).text).toBe(`${bad}second strike`);
    expect(inWords({ ...judged, verdict: 'act', strikes: 0, heeded: false }).text).toBe(
      `${bad}second strike, and nothing acts on it`,
    );
    const few = { ...judged, dirtyBytes: 2 ** 20, verdict: 'good' } as const;
    const good = 'sync 5: dirtied 1 MiB <= 50 % of sent 240 MiB, good';
    expect(inWords({ ...few, strikes: 0 }).text).toBe(good);
    expect(inWords({ ...few, strikes: 1 }).text).toBe(`${good}; the first strike stands`);
  });
});
