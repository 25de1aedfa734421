import { describe, expect, test } from '@jest/globals';
import { lostWorkSeconds, regretSeconds } from '../../src/experiment/regret.js';
import { migrate, setupOf, writer } from '../migration/setups.js';

const VCPU = { pages: 1024, writesPerSecond: 2000 };
/** Two vCPUs on a host that costs nothing, over a link of 10 MB/s. */
const setup = setupOf({
  guest: { vcpus: [writer(VCPU), writer({ ...VCPU, firstPage: 1024 })] },
  link: { bandwidthBytesPerSecond: 1e7 },
  host: { destinationStartUs: 50_000 },
});

describe('work lost', () => {
  test('by a stop-and-copy is the blackout of every vCPU', () => {
    const result = migrate(setup, 'stop-and-copy');
    expect(lostWorkSeconds(result)).toBeCloseTo((2 * result.blackoutMs!) / 1000, 1);
  });

  test('by vCPUs that do nothing is nothing', () => {
    const idle = setupOf({ guest: { vcpus: [writer({ ...VCPU, writesPerSecond: 0 })] } });
    expect(lostWorkSeconds(migrate(idle, 'stop-and-copy'))).toBe(0);
  });

  // 50 ms of the destination are a loss to both vCPUs, though QEMU does not wait for them.
  test('includes what the destination takes to start', () => {
    const quick = setupOf({ ...setup, host: { destinationStartUs: 0 } });
    const lost = lostWorkSeconds(migrate(setup, 'stop-and-copy'));
    expect(lost - lostWorkSeconds(migrate(quick, 'stop-and-copy'))).toBeCloseTo(0.1, 2);
  });
});

describe('regret', () => {
  const oracle = migrate(setup, 'oracle');

  test('is what was lost beyond the oracle', () => {
    const stopped = migrate(setup, 'stop-and-copy');
    expect(regretSeconds(stopped, oracle)).toBe(lostWorkSeconds(stopped) - lostWorkSeconds(oracle));
    expect(regretSeconds(oracle, oracle)).toBe(0);
  });

  test('is not known of a migration that did not converge', () => {
    const given = migrate({ ...setup, migration: { ...setup.migration, giveUpAfterUs: 1_000_000 } });
    expect(given.converged).toBe(false);
    expect(regretSeconds(given, oracle)).toBeNull();
    expect(regretSeconds(oracle, given)).toBeNull();
  });
});
