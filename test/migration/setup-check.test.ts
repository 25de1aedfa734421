/** A setup is refused where one of its numbers is none, whichever it is: no run of such a setup would end. */
import { expect, test } from '@jest/globals';
import { runMigration } from '../../src/migration/engine.js';
import { PLAIN_STREAM } from '../../src/migration/rules/stream.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { setupOf, writer } from './setups.js';

/** With a value for every field of numbers, the optional ones too. */
const FULL: MigrationSetup = setupOf({
  guest: {
    vcpus: [
      {
        ...writer({ pages: 512, writesPerSecond: 100 }),
        pendingUs: 1,
        phases: [{ atUs: 0, writeFactor: 1, readFactor: 1 }],
        fork: { atUs: 1, everyUs: 0 },
      },
    ],
    zeroExtents: [{ firstPage: 1024, pages: 512, zeroPages: 10, hintedZeroPages: 1, hintedDataPages: 1 }],
    devices: [
      { preCopyBytes: 1, dirtyBytesPerSecond: 1, stopCopyBytes: 1, bytesPerSecond: 1, stopUs: 1, startUs: 1 },
    ],
  },
  link: {
    phases: [{ atUs: 1e6, bandwidthBytesPerSecond: 1e9, latencyUs: 0 }],
    outages: [{ atUs: 50e6, durationUs: 1e6 }],
    jitter: 0.1,
  },
  migration: {
    qemu: '10.2',
    postcopy: true,
    maxPostcopyBandwidth: 1e6,
    migrateContinueAtUs: 0,
    stream: { ...PLAIN_STREAM, compressionCpuShare: 1, decompressionBytesPerSecond: 1 },
    schedule: [{ afterUs: 59e6, set: { downtimeLimitMs: 1 } }],
  },
});

function numbersIn(value: object, path: readonly string[] = []): string[][] {
  return Object.entries(value as Record<string, unknown>).flatMap(([key, inner]) => {
    const here = [...path, key];
    if (typeof inner === 'number') return [here];
    return typeof inner === 'object' && inner !== null ? numbersIn(inner, here) : [];
  });
}

/** A copy in which one field is another. */
function withField(value: unknown, [key, ...rest]: readonly string[], field: unknown): unknown {
  if (key === undefined) return field;
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const record = copy as Record<string, unknown>;
  record[key] = withField(record[key], rest, field);
  return copy;
}

const run = (setup: unknown): unknown =>
  runMigration(setup as MigrationSetup, { strategy: 'none', policy: 'wait' }, (controls) => {
    if (FULL.migration.postcopy === true) controls.after(1, () => controls.startPostcopy());
  });

test.each(numbersIn(FULL).map((path) => [path.join('.'), path] as const))('%s', (name, path) => {
  for (const value of [NaN, Infinity, -Infinity]) {
    if (name === 'migration.migrateContinueAtUs' && value === Infinity) continue;
    expect(() => run(withField(FULL, path, value))).toThrow(
      `${name}: expected a finite number, got ${value}`,
    );
  }
});

test.each(['link.bandwidthBytesPerSecond', 'link.phases.0.bandwidthBytesPerSecond'])('%s of 0', (name) => {
  expect(() => run(withField(FULL, name.split('.'), 0))).toThrow(`${name}: expected a number above 0, got 0`);
});

test('the setup without such a number runs', () => {
  expect(run(FULL)).toMatchObject({ status: 'completed' });
});
