/** How people name a QEMU version, and whose rules then apply. */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { namedVersion } from '../../src/migration/rules/version-names.js';
import { QEMU_VERSIONS, factsOf, runsMachine, versionFacts } from '../../src/migration/rules/versions.js';

const NEWEST = QEMU_VERSIONS.at(-1)!;
const rules = (written: unknown): string | null => namedVersion(written)?.qemu ?? null;

test.each(QEMU_VERSIONS)('%s is itself, quoted or as the number that YAML makes of it', (version) => {
  expect(namedVersion(version)).toEqual({ qemu: version, isExact: true });
  expect(namedVersion(Number(version))).toEqual({ qemu: version, isExact: true });
});

describe('a version that is not known takes the nearest', () => {
  test.each([
    // Before the first, after the last, and a point release of a series.
    ['6.2', '7.2'],
    ['2.12', '7.2'],
    ['7.1', '7.2'],
    ['12.0', NEWEST],
    ['11.2', NEWEST],
    ['9.2.1', '9.2'],
    ['10.0.13', '10.0'],
    // The tree after a release is on the way to the next.
    ['10.2.50', '11.0'],
    // Packages, machine types, what `--version` prints.
    ['qemu-kvm 8.2.0-11.el9', '8.2'],
    ['1:8.2.2+ds-0ubuntu1.4', '8.2'],
    ['QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)', '10.0'],
    ['pve-qemu-kvm_9.0.2-4', '9.0'],
    ['v9.1.0-rc2', '9.1'],
    ['pc-q35-8.1', '8.1'],
    ['pc-i440fx-2.11', '7.2'],
    ['virt-9.2', '9.2'],
    // Distributions, whose numbers are their own.
    ['rhel-9.4', '8.2'],
    ['pc-q35-rhel9.4.0', '8.2'],
    ['rocky 9.6', '9.1'],
    ['debian 12', '7.2'],
    ['Debian 13.1', '10.0'],
    ['ubuntu-24.04', '8.2'],
    ['pc-q35-noble', '8.2'],
  ])('%s runs by the rules of %s', (written, qemu) => {
    expect(namedVersion(written)).toEqual({ qemu, isExact: false });
  });

  property.prop(
    [fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 49 })],
    {
      seed: 1,
    },
  )('the order of versions is kept, whatever their numbers', (major, minor, micro) => {
    const index = (text: string): number => QEMU_VERSIONS.findIndex((version) => version === rules(text));
    const here = index(`${major}.${minor}.${micro}`);
    expect(here).toBeGreaterThanOrEqual(0);
    expect(index(`${major + (minor === 2 ? 1 : 0)}.${(minor + 1) % 3}.0`) - here).toBeLessThanOrEqual(1);
    expect(index(`${major + (minor === 2 ? 1 : 0)}.${(minor + 1) % 3}.0`)).toBeGreaterThanOrEqual(here);
  });
});

test.each(['newest', '', 'q35', 'ten', '10', 'pc', 'latest', '99.1', 'v', true, null, {}, [10.2]])(
  '%j names no version',
  (written) => expect(namedVersion(written)).toBeNull(),
);

test('a machine type older than the binary brings its own multifd and nothing else', () => {
  for (const qemu of QEMU_VERSIONS) {
    for (const machine of QEMU_VERSIONS.filter((older) => runsMachine(qemu, older))) {
      const { multifdSyncsEveryIteration, multifdFindsZeroPages } = versionFacts[machine];
      expect(factsOf(qemu, machine)).toEqual({
        ...versionFacts[qemu],
        multifdSyncsEveryIteration,
        multifdFindsZeroPages,
      });
    }
  }
  expect(factsOf('10.2', '8.0').multifdSyncsEveryIteration).toBe(true);
  expect(factsOf('10.2', '8.1').multifdSyncsEveryIteration).toBe(false);
  expect(factsOf('10.2', '8.2').multifdFindsZeroPages).toBe(false);
  expect(factsOf('10.2', '9.0').multifdFindsZeroPages).toBe(true);
  expect(runsMachine('8.2', '9.0')).toBe(false);
});
