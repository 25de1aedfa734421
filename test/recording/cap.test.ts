/** A max-bandwidth that the log itself contradicts: said by the user it is refused, set in the log it is left out. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { learnFromLog, type LearnResult } from '../../src/recording/learn/learn-from-log.js';
import type { LearnOptions } from '../../src/recording/learn/learned.js';

const LOGS = [
  'cloudstack.txt',
  'domjobinfo.txt',
  'hmp-10.0.txt',
  'nova.log',
  'proxmox.log',
  'vdsm.log',
  'virt-launcher.log',
] as const;

const textOf = (name: string): string => readFileSync(`test/recording/fixtures/logs/${name}`, 'utf8');
const learned = (text: string, options: LearnOptions = {}): LearnResult['learned'] =>
  learnFromLog(text, 'a.log', options).learned;

describe.each(LOGS)('%s', (name) => {
  const text = textOf(name);
  const flowed = learned(text).migration.bytesPerSecond;

  // A window may carry one flush of 32 pages more than its quota, ten times a second: 1.3 MB/s. No more explains what flowed.
  test('refuses a cap far below what flowed, in one line with both figures', () => {
    const refusal =
      /^a\.log: max-bandwidth 1 KiB\/s was not in force: in the log memory flowed at [\d.]+ [KMG]iB\/s; [^\n]*$/;
    expect(flowed).toBeGreaterThan(2e6);
    expect(() => learned(text, { maxBandwidth: 1024 })).toThrow(UsageError);
    expect(() => learned(text, { maxBandwidth: 1024 })).toThrow(refusal);
    expect(() => learned(text, { maxBandwidth: flowed / 3 })).toThrow(/was not in force/);
  });

  test('takes a cap as high as what flowed, and one that was never met', () => {
    for (const maxBandwidth of [flowed, 100 * flowed, 0])
      expect(learned(text, { maxBandwidth }).migration.maxBandwidthSaid).toBe(true);
  });
});

test('a cap that the log sets and shows exceeded is left out, with both figures among what is assumed', () => {
  const slow = textOf('proxmox.log').replace(
    'set migration parameters',
    'set migration parameters\nmigration speed limit: 20.0 MiB/s',
  );
  expect(slow).not.toBe(textOf('proxmox.log'));
  const { migration, assumptions } = learned(slow);
  expect(migration.maxBandwidth).toBe(0);
  expect(assumptions.join('\n')).toMatch(/max-bandwidth of 20 MiB\/s, which the log sets, .* [\d.]+ MiB\/s/);
});

/** Lines of progress that were stamped when they were copied: as they come one a second, their figures are those of seconds. */
test.each([/ 10:00:(?:0[3-9]|1\d)(?= migration active)/g, / 10:00:\d\d/g])(
  'Proxmox lines with one stamp on all (%p) are a second apart',
  (stamps) => {
    const text = textOf('proxmox.log');
    const [stamped, copied] = [learned(text), learned(text.replace(stamps, ' 10:00:05'))];
    const ratio = copied.migration.bytesPerSecond / stamped.migration.bytesPerSecond;
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
    expect(copied.assumptions.join('\n')).toContain('every line of progress has the same time');
    expect(stamped.assumptions.join('\n')).not.toContain('has the same time');
  },
);
