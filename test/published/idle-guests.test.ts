/**
 * Idle guests of public reports, under the host profile `default`. docs/host-profiles.md defends its figures line by line;
 * these tests hold them to what was measured as a whole. What a report leaves open stands in the scenario.
 */
import { expect, test } from '@jest/globals';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { parseScenario } from '../../src/scenario/parse.js';

function migrated(text: string): MigrationResult {
  const scenario = parseScenario(text, 'idle.yaml');
  return simulate(scenario, scenario.strategies[0]!, { memory: 'fluid' });
}

/**
 * Two runs of one 8 GiB guest stood still for 33 and 277 ms: one prediction for both is off by a factor of 2.9 at best. What
 * differs is storage and devices, which no report describes.
 */
const DOWNTIME_FACTOR = 3;

function expectDowntime({ downtimeMs }: MigrationResult, ...measuredMs: number[]): void {
  const middle = Math.exp(measuredMs.reduce((sum, ms) => sum + Math.log(ms), 0) / measuredMs.length);
  expect(downtimeMs).toBeGreaterThan(middle / DOWNTIME_FACTOR);
  expect(downtimeMs).toBeLessThan(middle * DOWNTIME_FACTOR);
}

/** Total times follow from bytes and rates, which reports give to two digits: 5 %. */
function expectTotal({ totalTimeMs }: MigrationResult, ...measuredSeconds: number[]): void {
  expect(totalTimeMs / 1000).toBeGreaterThan(Math.min(...measuredSeconds) * 0.95);
  expect(totalTimeMs / 1000).toBeLessThan(Math.max(...measuredSeconds) * 1.05);
}

/** Zero pages at 3.8 million a second take 70 s; the sync of 1,028 GiB is most of setup and of the pause, so both are near. */
test('1,028 GiB, of which 17 are in use', () => {
  const result = migrated(`
    guest: { memory: 1028GiB, zero-pages: 98.4%, vcpus: [{ count: 64, workload: idle }] }
    link: { bandwidth: 100Gbit/s, latency: 50us }
    migration: { qemu: '7.2', max-bandwidth: unlimited, give-up-after: 30min, stream: { multifd: { channels: 16 } } }
    strategies: [none]
  `);
  expectTotal(result, 70, 76);
  expect(result.setupTimeMs).toBeGreaterThanOrEqual(273 * 0.95);
  expect(result.setupTimeMs).toBeLessThanOrEqual(280 * 1.05);
  expect(result.downtimeMs).toBeGreaterThanOrEqual(264 * 0.95);
  expect(result.downtimeMs).toBeLessThanOrEqual(279 * 1.05);
});

/** 5.457 million pages by one thread: what it takes for a page decides. */
test('30 GiB of a stopped guest over a link that is no limit', () => {
  const result = migrated(`
    guest: { memory: 30GiB, zero-pages: 30.6%, hidden: 0.5MiB, vcpus: [{ count: 4, workload: idle }] }
    link: { bandwidth: 200Gbit/s, latency: 5us, efficiency: 100% }
    migration: { qemu: '7.2', max-bandwidth: unlimited, give-up-after: 30min }
    strategies: [stop-and-copy]
  `);
  expectTotal(result, 7.52);
  expect(result.normalPages / 5_456_994).toBeCloseTo(1, 2);
});

/** The link carries what the task log counts: 11.7 GiB in 16 s. Its 806.6 MiB/s are of guest memory, zero pages included. */
test('12.6 GiB by Proxmox', () => {
  const result = migrated(`
    guest: { memory: 12GiB, zero-pages: 8%, hidden: 600MiB, vcpus: [{ count: 4, workload: idle }] }
    link: { bandwidth: 6.35Gbit/s, latency: 100us, jitter: 20%, efficiency: 100% }
    migration: { qemu: '10.0', max-bandwidth: 16GiB/s, downtime-limit: 100ms }
    policy: proxmox
    strategies: [none]
  `);
  // The log counts whole seconds: 16 s are 15 to 16.
  expectTotal(result, 15, 16);
  expectDowntime(result, 59);
});

test('8 GiB at 128 MiB/s', () => {
  const result = migrated(`
    guest: { memory: 8GiB, zero-pages: 55%, vcpus: [{ count: 4, workload: idle }] }
    link: { bandwidth: 10Gbit/s, latency: 20us }
    migration: { qemu: '7.2', max-bandwidth: 128MiB/s }
    strategies: [none]
  `);
  expectTotal(result, 28.6);
  expectDowntime(result, 33, 277);
});

/** When post-copy began the report does not say: its pause and its requests do not depend on that, its total time does. */
test('4 GiB in post-copy', () => {
  const result = migrated(`
    guest: { memory: 4GiB, zero-pages: 79%, vcpus: [{ workload: { write: 200MiB/s, working-set: 700MiB } }] }
    link: { bandwidth: 10Gbit/s, latency: 20us }
    migration: { qemu: '7.2', max-bandwidth: 128MiB/s, postcopy-ram: true }
    policy: { timeout: { after: 2s, action: postcopy } }
    strategies: [none]
  `);
  expectDowntime(result, 78, 44);
  // 75 and 121 were counted; the load is not known, so a factor of 3.
  expect(result.postcopyRequests).toBeGreaterThan(95 / 3);
  expect(result.postcopyRequests).toBeLessThan(95 * 3);
});

test('1.5 GiB at 32 MiB/s, booted from an initrd: no disk to flush', () => {
  const result = migrated(`
    guest: { memory: 1536MiB, zero-pages: 75.7%, vcpus: [{ count: 2, workload: idle }] }
    host: { block-flush: 0ms }
    link: { bandwidth: 10Gbit/s, latency: 100us }
    migration: { qemu: '7.2', max-bandwidth: 32MiB/s }
    strategies: [none]
  `);
  expectTotal(result, 11.62, 11.83);
  expectDowntime(result, 18, 5);
});

/** The keys that docs/host-profiles.md gives for libvirt: 30 to 507 ms, about 200. */
test('8 GiB through libvirt', () => {
  const result = migrated(`
    guest: { memory: 8GiB, zero-pages: 55%, vcpus: [{ count: 4, workload: idle }] }
    link: { bandwidth: 10Gbit/s }
    migration:
      max-bandwidth: unlimited
      return-path: true
      pause-before-switchover: true
      migrate-continue-delay: 30ms
      orchestrator-cont: 20ms
    strategies: [none]
  `);
  expect(result.downtimeMs).toBeGreaterThan(150);
  expect(result.downtimeMs).toBeLessThan(250);
  // QEMU's figure is in whole ms.
  const afterwardsMs = result.blackoutMs! - result.downtimeMs!;
  expect(afterwardsMs).toBeGreaterThanOrEqual(20);
  expect(afterwardsMs).toBeLessThan(21);
});
