import { describe, expect, test } from '@jest/globals';
import { DowntimeDoubler, proxmox } from '../../src/policies/proxmox.js';
import { FakeMigration, MIB } from './fake-migration.js';

describe('the doubling', () => {
  test('comes with the sixth poll that saw more left than the one before', () => {
    const doubler = new DowntimeDoubler(100);
    const rising = [1, 2, 3, 4, 5, 6, 7, 8].map((left) => doubler.poll(left));
    // The first poll has nothing to compare with; rises 1 to 5 are borne.
    expect(rising).toEqual([null, null, null, null, null, null, 200, null]);
  });

  test('counts rises that are not in a row', () => {
    const doubler = new DowntimeDoubler(100);
    const seen = Array.from({ length: 14 }, (_, i) => doubler.poll(i % 2 === 0 ? 10 : 20));
    expect(seen.filter((limit) => limit !== null)).toEqual([200]);
    expect(seen.indexOf(200)).toBe(11);
  });

  test('counts polls at which nothing is left', () => {
    const doubler = new DowntimeDoubler(100);
    expect([0, 0, 0, 0, 0, 0].map((left) => doubler.poll(left)).at(-1)).toBe(200);
  });

  test('does not count a curve that falls or stays', () => {
    const doubler = new DowntimeDoubler(100);
    expect([9, 9, 8, 8, 7, 7, 7, 7, 7, 7].map((left) => doubler.poll(left))).not.toContain(200);
  });
});

/** A guest that has a little more left at every second, for ever. */
function losing(seconds: number, bytesASecond = MIB): FakeMigration {
  const migration = FakeMigration.under(proxmox);
  migration.remainingBytes = 1000 * MIB;
  for (let s = 1; s <= seconds; s++) {
    migration.transferredBytes += bytesASecond;
    migration.remainingBytes += MIB;
    migration.runUntilMs(s * 1000);
  }
  return migration;
}

// The first poll, at 1 s, starts; rises at 2 to 7 s are six: 200 ms at 7 s, then one more every 6 s.
test('a guest that always wins doubles the limit every six seconds', () => {
  expect(losing(20).takeLimits()).toEqual(['0 100', '7 200', '13 400', '19 800']);
});

// 100 ms * 2^14 = 1 638 400 ms; the next would be above the 2 000 000 ms that QEMU takes.
test('ends at the last limit that QEMU takes, and says so', () => {
  const migration = losing(120);
  expect(migration.takeLimits().at(-1)).toBe('85 1638400');
  expect(migration.explanations.at(-1)).toBe('QemuMigrate: downtime-limit 52428800 ms is refused by QEMU');
});

// Sent 100 MiB/s, 50 MiB left: less than the average of a poll, so the next comes after 100 ms.
test('polls ten times a second once less is left than goes out between two polls', () => {
  const migration = FakeMigration.under(proxmox);
  migration.remainingBytes = 500 * MIB;
  for (let ms = 100; ms <= 10_000; ms += 100) {
    migration.transferredBytes += 10 * MIB;
    if (ms > 5000) migration.remainingBytes = 50 * MIB + ms;
    migration.runUntilMs(ms);
  }
  // At 6 s the fast polls begin; 50 MiB are less than 500, so that poll is no rise. Six rises later, at 6.6 s, 200 ms.
  expect(migration.takeLimits().slice(0, 3)).toEqual(['0 100', '6.6 200', '7.2 400']);
});

test('polls at which nothing went out are not looked at', () => {
  expect(losing(60, 0).takeLimits()).toEqual(['0 100']);
});

test('is patient while the migration is being set up', () => {
  const migration = FakeMigration.under(proxmox);
  migration.status = 'setup';
  migration.runUntilMs(10_000);
  expect(migration.takeLimits()).toEqual(['0 100']);
});
