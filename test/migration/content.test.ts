/** Content that compresses more or less: by guest and by group, in both memories, under every compressor. */
import { describe, expect, test } from '@jest/globals';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { COMPRESSORS, compressors, ratioFor } from '../../src/migration/rules/compressors.js';
import { parseScenario } from '../../src/scenario/parse.js';

const HEADER = 1344 / 128;
const MIB = 2 ** 20;

/** 512 MiB of which a group reads 128 MiB and another writes 64 MiB, too slowly to matter; no zero pages but hidden ones. */
function text(guest: string, reader: string, writer: string, stream: string): string {
  return `guest:
  memory: 512MiB
  hidden: 0
  ${guest}
  vcpus:
    - { name: reader, ${reader} workload: { read: 1MiB/s, working-set: 128MiB } }
    - { name: writer, ${writer} workload: { write: 8KiB/s, working-set: 64MiB } }
link: { bandwidth: 1Gbit/s }
migration: { qemu: '10.0', max-bandwidth: unlimited, downtime-limit: 10ms, stream: ${stream} }
`;
}

function run(memory: 'page' | 'fluid', ...parts: Parameters<typeof text>): MigrationResult {
  const scenario = parseScenario(text(...parts), 'guest.yaml');
  return simulate(scenario, scenario.strategies[0]!, { memory });
}

/** Mean bytes of a page on the channels, without packet headers and the few pages that are sent again. */
function payload({ multifdBytes, normalPages }: MigrationResult): number {
  return multifdBytes / normalPages - HEADER;
}

describe.each(['page', 'fluid'] as const)('%s memory', (memory) => {
  test.each(COMPRESSORS)('%s: of a guest, of a group that writes, and of one that only reads', (name) => {
    const stream = `{ multifd: { channels: 4, compression: ${name} } }`;
    const bytes = (x: number | undefined): number => 4096 / ratioFor(compressors[name].ratio, x);
    const cases = [
      ['', '', '', bytes(undefined)],
      ['compressibility: 1.5', '', '', bytes(1.5)],
      ['compressibility: 1.5', 'compressibility: 1,', '', (bytes(1.5) * 384 + bytes(1) * 128) / 512],
      ['', '', 'compressibility: 4,', (bytes(undefined) * 448 + bytes(4) * 64) / 512],
    ] as const;
    for (const [guest, reader, writer, expected] of cases) {
      const mean = payload(run(memory, guest, reader, writer, stream));
      expect([guest, reader, writer, Math.abs(mean / expected - 1) < 0.01]).toEqual([
        guest,
        reader,
        writer,
        true,
      ]);
    }
  });

  test('what does not compress takes the link its whole bytes', () => {
    const stream = '{ multifd: { channels: 4, compression: zstd } }';
    const seconds = run(memory, 'compressibility: 1', '', '', stream).totalTimeMs / 1000;
    const whole = (512 * MIB * (1 + HEADER / 4096)) / ((1e9 / 8) * (1448 / 1538));
    expect(Math.abs(seconds / whole - 1)).toBeLessThan(0.02);
  });

  test('streams that do not compress send all bytes', () => {
    for (const stream of ['plain', 'xbzrle', '{ multifd: { channels: 2 } }']) {
      const sent = run(memory, 'compressibility: 3', 'compressibility: 9,', '', stream).sentBytes;
      expect(sent).toBe(run(memory, '', '', '', stream).sentBytes);
    }
  });
});

test('nothing compresses what zstd does not, and the table holds for its own content', () => {
  for (const name of COMPRESSORS) {
    const { ratio } = compressors[name];
    expect(ratioFor(ratio, 1)).toBe(1);
    expect(ratioFor(ratio, compressors.zstd.ratio)).toBeCloseTo(ratio, 12);
  }
});

test.each<[Parameters<typeof text>, string]>([
  [
    ['compressibility: 2', '', '', '{ multifd: { compression: zstd, compression-ratio: 3 } }'],
    'the ratio follows from the compressibility',
  ],
  [['', 'compressibility: 2,', '', '{ multifd: { compression-ratio: 3 } }'], 'expected one of the two'],
  [['', '', '', '{ multifd: { compression-ratio: 3 } }'], 'nothing is compressed; expected a compression'],
  [
    ['', '', '', '{ multifd: { compression-speed: 1GB/s } }'],
    'nothing is compressed; expected a compression',
  ],
  [['compressibility: 0.5', '', '', 'plain'], 'expected a number from 1 to 1000, got 0.5'],
])('%j is refused', (parts, message) => {
  expect(() => parseScenario(text(...parts), 'guest.yaml')).toThrow(message);
});

test("a group in another's working sets has their content", () => {
  const shared = text('', '', '', 'plain').replace(
    'read: 1MiB/s, working-set: 128MiB } }',
    'read: 1MiB/s, working-set: { of: writer } }, compressibility: 2 }',
  );
  expect(() => parseScenario(shared, 'guest.yaml')).toThrow('expected it in that group');
});
