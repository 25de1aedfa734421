/** `compression`: a row of the table, a row changed, one of one's own, and what a version does not have. */
import { expect, test } from '@jest/globals';
import { parseScenario } from '../../src/scenario/parse.js';

const text = (compression: string, qemu = '10.2'): string => `guest:
  memory: 1GiB
  vcpus: [{ count: 1, workload: idle }]
link: { bandwidth: 1Gbit/s }
migration: { qemu: '${qemu}', stream: { multifd: { compression: ${compression} } } }
strategies: [none]
`;
const streamOf = (compression: string, qemu?: string) =>
  parseScenario(text(compression, qemu), 's.yaml').setup.migration.stream!;

test('takes ratio and speed from the table', () => {
  expect(streamOf('qatzip')).toMatchObject({ compression: 'qatzip', compressionRatio: 2.65 });
});

test('takes a row of the table with another speed, and one of its own', () => {
  expect(streamOf('{ name: zstd, speed: 1GB/s }')).toMatchObject({
    compressionRatio: 2.65,
    compressionBytesPerSecond: 1e9,
  });
  expect(streamOf('{ name: mine, ratio: 2.2, speed: 400MB/s }')).toMatchObject({
    compression: 'mine',
    compressionRatio: 2.2,
    compressionBytesPerSecond: 4e8,
  });
});

test('wants ratio and speed of a name that it does not know', () => {
  expect(() => streamOf('{ name: mine, ratio: 2 }')).toThrow(/expected its ratio and speed/);
  expect(() => streamOf('zst')).toThrow(/zstd/);
});

test.each([
  ['qpl', '9.0', '9.1'],
  ['uadk', '9.0', '9.1'],
  ['qatzip', '9.1', '9.2'],
])('%s is refused with QEMU %s', (name, qemu, first) => {
  expect(() => streamOf(name, qemu)).toThrow(`does not have ${name}; expected qemu: '${first}' or later`);
  expect(streamOf(name, first).compression).toBe(name);
});
