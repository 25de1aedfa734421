/** Policies on simulated migrations: what they ask for happens. */
import { describe, expect, test } from '@jest/globals';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { parsePolicyText } from '../../src/scenario/choices.js';
import { parseScenario } from '../../src/scenario/parse.js';

// 256 MiB are dirtied four times as fast as the link sends: what is left settles near 256 MiB, a pause of about 2 s.
const LOSING = parseScenario(
  `guest: { memory: 512MiB, vcpus: [{ workload: { write: 400MiB/s, working-set: 256MiB } }] }
link: { bandwidth: 1Gbit/s }
migration: { max-bandwidth: unlimited, postcopy-ram: true, give-up-after: 5min }`,
  'losing.yaml',
);

function run(policy: string): MigrationResult {
  return simulate(LOSING, LOSING.strategies[0]!, { policy: parsePolicyText(policy) });
}

test('without a policy that does something the migration never ends', () => {
  expect(run('wait').status).toBe('gave-up');
});

describe.each([
  ['timeout:{after: 20s}'],
  ['nova:{completion-timeout: 10s}'],
  ['ovirt'],
  ['kubevirt-timeout:{completion-timeout-per-gib: 20s}'],
  ['kubevirt-downtime-ramp:{completion-timeout-per-gib: 60s}'],
  ['kubevirt-stall-detection'],
])('%s', (policy) => {
  test('aborts it, with a reason and a rule', () => {
    const result = run(policy);
    expect(result.status).toBe('cancelled');
    expect(result.error).toBe(result.decisions.at(-1)!.text.replace(/: the migration is aborted$/, ''));
    expect(Math.floor(result.decisions.at(-1)!.timeMs)).toBeLessThanOrEqual(result.totalTimeMs);
  });
});

describe.each([
  ['timeout:{after: 20s, action: pause}'],
  ['libvirt:{timeout: 20s}'],
  ['nova:{completion-timeout: 10s, timeout-action: force_complete}'],
  ['nova:{downtime: 5s, downtime-delay: 3s}'],
  ['ovirt:{schedule: suspend-if-needed}'],
  ['kubevirt-timeout:{completion-timeout-per-gib: 20s, allow-workload-disruption: true}'],
  ['kubevirt-downtime-ramp:{max-downtime: 5s}'],
  ['kubevirt-stall-detection:{max-downtime: 3s}'],
  ['kubevirt-stall-detection:{allow-workload-disruption: true}'],
  ['proxmox'],
  ['pause-after-passes'],
  ['smart-termination'],
])('%s', (policy) => {
  test('ends it with a pause of about what is left', () => {
    const result = run(policy);
    expect(result.status).toBe('completed');
    expect(result.postcopyTimeMs).toBe(0);
    // A guest that is paused by hand stands still before QEMU begins to count its downtime.
    expect(result.blackoutMs!).toBeGreaterThan(1000);
    expect(result.blackoutMs!).toBeLessThan(4000);
  });
});

describe.each([
  ['timeout:{after: 20s, action: postcopy}'],
  ['libvirt:{postcopy-after-precopy: true}'],
  ['nova:{completion-timeout: 10s, timeout-action: force_complete, permit-post-copy: true}'],
  ['ovirt:{schedule: post-copy}'],
  ['kubevirt-timeout:{completion-timeout-per-gib: 20s, allow-post-copy: true}'],
  ['kubevirt-stall-detection:{allow-post-copy: true}'],
  ['postcopy-after-passes'],
  ['hybrid'],
])('%s', (policy) => {
  test('ends it by post-copy, with a short pause', () => {
    const result = run(policy);
    expect(result.status).toBe('completed');
    expect(result.postcopyTimeMs).toBeGreaterThan(0);
    expect(result.downtimeMs!).toBeLessThan(300);
  });
});

// The guest of 512 MiB counts as one of 2 GiB: steps of 10 * 3 s * 2 GiB.
test("Nova's steps are taken at their times", () => {
  const { decisions } = run('nova:{downtime-delay: 3s}');
  const times = decisions.map(({ timeMs, text }) => [timeMs / 1000, Number(/to (\d+) ms/.exec(text)?.[1])]);
  expect(times.slice(0, 11)).toEqual(
    [50, 95, 140, 185, 230, 275, 320, 365, 410, 455, 500].map((ms, i) => [0.5 + 6 * i, ms]),
  );
});
