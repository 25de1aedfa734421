import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { parseOptions } from '../../src/options/read.js';
import { dirtyPagesIn } from '../../src/guest/dirty-curve.js';
import type { WorkloadDefinition, WorkloadPlan } from '../../src/guest/workloads/define.js';
import { workloadList, workloads } from '../../src/guest/workloads/index.js';
import {
  busyShare,
  hotCold,
  READ_SPEED,
  sequential,
  uniform,
  WRITE_SPEED,
  zipf,
} from '../../src/guest/workloads/patterns.js';

const PAGES_PER_MIB = 256;
const PAGES_PER_GIB = 1024 * PAGES_PER_MIB;
const guest = { ramPages: 8 * PAGES_PER_GIB, groupVcpus: 4, guestVcpus: 4, setPages: 0 };

/** Others are planned with their defaults. */
const values: Readonly<Record<string, object>> = {
  idle: {},
  stress: { write: 2 ** 31, leave: 512 * 2 ** 20 },
  'memcached-like': { intensity: 1 },
  database: { load: 'update-16', intensity: 1 },
  'kernel-build': { intensity: 1 },
  'dirty-curve': { points: [{ durationUs: 1e6, pages: 1000 }], intensity: 1 },
};

function plan(
  { name, ...definition }: WorkloadDefinition,
  options: object = {},
  where = guest,
): WorkloadPlan {
  const given = values[name] ?? parseOptions(definition.options, {});
  return definition.plan({ ...given, ...options } as never, where);
}

/** MiB that the whole group dirties in so many seconds. */
function dirtiedMib({ classes }: WorkloadPlan, seconds: number, vcpus = 4): number {
  const together = classes.map(({ pages, writesPerSecond }) => ({
    pages,
    writesPerSecond: writesPerSecond * vcpus,
  }));
  return dirtyPagesIn(together, seconds * 1e6) / PAGES_PER_MIB;
}

describe.each(workloadList.map((definition) => [definition.name, definition] as const))(
  '%s',
  (name, definition) => {
    test('is registered under its name and says what it is', () => {
      expect((workloads as Readonly<Record<string, unknown>>)[name]).toBe(definition);
      for (const words of [definition.summary, definition.source, definition.fittedTo, definition.scaling]) {
        expect(words.length).toBeGreaterThan(5);
        expect(words).not.toMatch(/\.$/);
      }
    });

    test('plans classes that a guest can have', () => {
      const { classes, busy } = plan(definition);
      expect(classes.length).toBeGreaterThan(0);
      for (const { pages, writesPerSecond, readsPerSecond } of classes) {
        expect(Number.isInteger(pages) && pages >= 1).toBe(true);
        expect(writesPerSecond + readsPerSecond).toBeGreaterThan(0);
      }
      expect(busy).toBeGreaterThan(0);
      expect(busy).toBeLessThanOrEqual(1);
    });
  },
);

describe('workloads known by a dirty curve', () => {
  // The tables are in the sources that the workloads name; the fits claim 2 %, 2 % and 7 % as their typical error.
  test.each([
    [
      'database',
      { load: 'update-16' },
      [0.375, 48],
      [1.2, 109],
      [2.0, 167],
      [3.5, 252],
      [8.1, 442],
      [24.5, 1056],
    ],
    ['database', { load: 'update-4' }, [2.0, 48], [14.6, 251]],
    ['database', { load: 'read-16' }, [1.4, 181], [1.54, 199], [29.3, 263]],
    ['memcached-like', {}, [3.5, 410], [7.3, 820], [93, 3070]],
    ['kernel-build', {}, [11, 1280], [15, 1740], [37, 1915]],
  ] as const)('%s %o dirties what was measured, to 10 %', (name, options, ...points) => {
    const planned = plan(workloads[name] as WorkloadDefinition, options);
    for (const [seconds, mib] of points as readonly (readonly [number, number])[]) {
      expect(Math.abs(dirtiedMib(planned, seconds) / mib - 1)).toBeLessThan(0.1);
    }
  });

  const inGuest = (definition: WorkloadDefinition, times: number, larger: number): WorkloadPlan =>
    plan(
      definition,
      {},
      { ...guest, ramPages: guest.ramPages * larger, groupVcpus: 4 * times, guestVcpus: 4 * times },
    );

  // c times the writes over m times the pages: m D(τ c / m), whatever the sets.
  test.each([
    [4, 1],
    [1, 4],
    [4, 4],
    [0.5, 2],
  ])('database with %f times the vCPUs in a guest of %f times the memory', (times, larger) => {
    const four = plan(workloads.database as WorkloadDefinition);
    const other = inGuest(workloads.database as WorkloadDefinition, times, larger);
    expect(four.shared && other.shared).toBe(true);
    const expected = larger * dirtiedMib(four, (3 * times) / larger, 4);
    // Sets are whole pages.
    expect(dirtiedMib(other, 3, 4 * times)).toBeCloseTo(expected, 1);
  });

  test.each(['memcached-like', 'kernel-build', 'dirty-curve'] as const)(
    '%s is of the whole group: more vCPUs share the same writes, and its scaling says so',
    (name) => {
      const definition = workloads[name] as WorkloadDefinition;
      expect(dirtiedMib(inGuest(definition, 4, 2), 3, 16)).toBeCloseTo(dirtiedMib(plan(definition), 3, 4), 9);
      expect(definition.scaling).toMatch(/count shares/);
    },
  );

  test('intensity k is the same film k times as fast: D(τ) of it is D(kτ)', () => {
    const normal = plan(workloads.database as WorkloadDefinition);
    const double = plan(workloads.database as WorkloadDefinition, { intensity: 2 });
    expect(dirtiedMib(double, 3)).toBeCloseTo(dirtiedMib(normal, 6), 9);
  });
});

describe('stress', () => {
  test("splits RAM but for 512 MiB evenly over the guest's vCPUs, in whole MiB, and sweeps it in order", () => {
    const { classes, busy } = plan(
      workloads.stress as WorkloadDefinition,
      {},
      { ...guest, ramPages: 16 * PAGES_PER_GIB, guestVcpus: 3 },
    );
    // floor((16384 - 512) / 3) MiB = 5290 MiB
    expect(classes).toEqual([
      {
        pages: 5290 * PAGES_PER_MIB,
        pattern: 'sequential',
        writesPerSecond: 2 ** 31 / 4096,
        readsPerSecond: 0,
      },
    ]);
    expect(busy).toBe(1);
  });

  test('needs memory beside what it leaves alone', () => {
    const small = { ...guest, ramPages: 512 * PAGES_PER_MIB };
    expect(() => plan(workloads.stress as WorkloadDefinition, {}, small)).toThrow(UsageError);
  });
});

describe('patterns', () => {
  const accesses = { pages: 100_000, writesPerSecond: 5000, readsPerSecond: 700 };
  const all = {
    uniform: uniform(accesses),
    sequential: sequential(accesses),
    zipf: zipf(accesses, 0.99),
    'steep zipf': zipf(accesses, 2),
    'hot-cold': hotCold(accesses, 0.1, 0.9),
    'all hot': hotCold(accesses, 1, 0.9),
  };

  test.each(Object.entries(all))('%s lose no page and no access', (_, classes) => {
    const sum = (of: (one: (typeof classes)[number]) => number): number =>
      classes.reduce((total, one) => total + of(one), 0);
    expect(sum((one) => one.pages)).toBe(100_000);
    expect(sum((one) => one.writesPerSecond)).toBeCloseTo(5000, 6);
    expect(sum((one) => one.readsPerSecond)).toBeCloseTo(700, 6);
  });

  test('zipf classes cool down in order, and the ten hottest pages of 100 000 get H(10)/H(100 000) at skew 1', () => {
    const classes = zipf(accesses, 1);
    const heats = classes.map(({ pages, writesPerSecond }) => writesPerSecond / pages);
    for (let i = 1; i < heats.length; i++) expect(heats[i]!).toBeLessThan(heats[i - 1]!);
    const harmonic = (n: number): number =>
      Array.from({ length: n }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0);
    expect(classes[0]!.pages).toBe(1);
    expect(classes[0]!.writesPerSecond).toBeCloseTo(5000 / harmonic(100_000), 6);
  });

  test('hot-cold: the shares are of pages and of accesses', () => {
    const [hot, cold] = hotCold(accesses, 0.1, 0.9);
    expect([hot!.pages, cold!.pages]).toEqual([10_000, 90_000]);
    expect([hot!.writesPerSecond, cold!.readsPerSecond]).toEqual([4500, expect.closeTo(70, 9)]);
  });

  test('a vCPU is busy for as long as its accesses take, and never more than always', () => {
    expect(busyShare(WRITE_SPEED / 4, READ_SPEED / 2)).toBeCloseTo(0.75, 12);
    expect(busyShare(WRITE_SPEED * 3, 0)).toBe(1);
  });
});
