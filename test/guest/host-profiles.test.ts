import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { hostFields, type HostField } from '../../src/guest/host-profiles/fields.js';
import { hostProfiles } from '../../src/guest/host-profiles/index.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { parseBytes, parseDurationNs, parseDurationUs, parseShare } from '../../src/units.js';

const fields = Object.keys(hostFields) as HostField[];
const rows = readFileSync(new URL('../../docs/host-profiles.md', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** key, default, kind, where it comes from; a line has an empty cell at either end. */
const COLUMNS = 4;

const read = {
  'duration-ns': parseDurationNs,
  duration: parseDurationUs,
  size: parseBytes,
  share: parseShare,
  flag: (text: string) => text === 'true',
};

describe('docs/host-profiles.md', () => {
  test.each(fields)('gives the figure of %s, and where it comes from', (field) => {
    const { key, kind } = hostFields[field];
    // Tables of variability have some of the names as well, but no kind of evidence.
    const row = rows.find((cells) => cells[1] === `\`${key}\`` && cells.length === COLUMNS + 2);
    expect(row).toBeDefined();
    expect(read[kind](row![2]!)).toBe(hostProfiles['default']![field]);
    expect(row![4]!.length).toBeGreaterThan(5);
  });

  test.each(Object.keys(hostProfiles))('lists the profile %s', (name) => {
    expect(rows.some((cells) => cells[1] === `\`${name}\``)).toBe(true);
  });
});

describe('host profiles', () => {
  test('every field has a key of its own', () => {
    expect(new Set(fields.map((field) => hostFields[field].key)).size).toBe(fields.length);
  });

  test.each(Object.values(hostProfiles))('$name has no negative cost', (profile) => {
    for (const field of fields) expect(Number(profile[field])).toBeGreaterThanOrEqual(0);
  });
});

const ZEROS: Readonly<Record<string, string>> = {
  size: '0B',
  share: '0%',
  duration: '0us',
  'duration-ns': '0ns',
};

/** What costs nothing is 0 in the file too, also where the default is more. */
test.each(Object.values(hostFields).filter(({ kind }) => kind !== 'flag'))(
  '$key may be free',
  ({ key, kind }) => {
    const text = `guest: { memory: 64MiB, vcpus: [{ workload: idle }] }\nlink: { bandwidth: 1Gbit/s }\nhost: { ${key}: ${ZEROS[kind]} }`;
    expect(() => parseScenario(text, 'guest.yaml')).not.toThrow();
  },
);
