import { expect, test } from '@jest/globals';
import { runMigration } from '../../src/migration/engine.js';
import { SHORTEST_SLEEP_MS, sleepVcpus } from '../../src/strategies/kit/vcpu-sleep.js';
import { reapedOf, everyRingWindow } from '../../src/strategies/kit/ring-window.js';
import { MIB, setupOf, writer } from '../migration/setups.js';
import { FakeControls } from './fake-controls.js';

/** Writes of two vCPUs in the 10 s of a migration that never ends, the first put to sleep for `sleepMs` each 100 ms. */
function writesWith(sleepMs: number): number[] {
  const vcpu = { pages: 16 * MIB, writesPerSecond: 100_000 };
  const setup = setupOf({
    guest: { vcpus: [writer(vcpu), writer({ ...vcpu, firstPage: 16 * MIB })] },
    link: { bandwidthBytesPerSecond: 1e6 },
    migration: { giveUpAfterUs: 10_000_000 },
  });
  const result = runMigration(setup, { strategy: 'test', policy: 'wait' }, (migration) => {
    migration.every(100, () => sleepVcpus(migration, [0], sleepMs));
  });
  return result.vcpus.map((v) => v.writes);
}

test.each([SHORTEST_SLEEP_MS, 2.5, 10, 40, 90, 100])(
  'a vCPU sleeps %d ms of each 100, the other runs on',
  (sleepMs) => {
    const [slept, ran] = writesWith(sleepMs);
    // 100 writes a ms; the first sleep begins after 100 ms.
    const lastedMs = ran! / 100;
    const sleptMs = lastedMs - slept! / 100;
    expect(lastedMs).toBeGreaterThanOrEqual(10_000);
    expect(sleptMs / (lastedMs - 100)).toBeCloseTo(sleepMs / 100, 2);
  },
);

test('the bounds are those of a throttle of 1 and of 99 %', () => {
  const migration = new FakeControls();
  sleepVcpus(migration, [1], 990);
  sleepVcpus(migration, [0, 1], SHORTEST_SLEEP_MS);
  sleepVcpus(migration, [], 5);
  expect(migration.calls).toEqual([
    '0 throttle 1 99',
    '0 throttle 1 0',
    '0 throttle 0,1 1',
    '0 throttle 0,1 0',
  ]);
});

test('ring windows are told from flush to flush, with what each vCPU pushed in that very time', () => {
  const migration = new FakeControls({ vcpuCount: 2, flushMs: 5 });
  migration.rates[1] = 100;
  const windows: { entries: readonly number[]; elapsedMs: number }[] = [];
  everyRingWindow(migration, 95, (window) => windows.push(window));
  migration.runUntilMs(300);
  // 100 MiB/s are 25.6 pages a ms; a window is 95 ms and the 5 ms of its flush.
  expect(windows).toEqual([1, 2, 3].map(() => ({ entries: [0, 2560], elapsedMs: 100 })));
  expect(reapedOf(migration)).toEqual([0, 7680]);
});
