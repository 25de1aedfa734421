/** Groups that use the working sets of another, and processes that fork, as a scenario says them. */
import { describe, expect, test } from '@jest/globals';
import type { VcpuSpec } from '../../src/guest/spec.js';
import { parseGroup } from './texts.js';

const MIB = 256;

const vcpusOf = (groups: string): readonly VcpuSpec[] => parseGroup(groups).setup.guest.vcpus;
const REDIS = '{ name: redis, workload: { write: 10MiB/s, working-set: 64MiB } }';

describe('working-set: { of: … }', () => {
  test('is the very memory of the other group, whichever comes first', () => {
    const user =
      '{ name: bgsave, workload: { read: 20MiB/s, working-set: { of: redis }, pattern: sequential } }';
    for (const groups of [`${REDIS}, ${user}`, `${user}, ${REDIS}`]) {
      const places = vcpusOf(groups).map(({ classes }) => [classes[0]!.firstPage, classes[0]!.pages]);
      expect(places).toEqual([
        [0, 64 * MIB],
        [0, 64 * MIB],
      ]);
    }
  });

  test('is all sets of a group in which each vCPU has its own', () => {
    const vcpus = vcpusOf(
      '{ count: 3, name: kv, workload: { write: 10MiB/s, working-set: 64MiB } }, { workload: { read: 1MiB/s, working-set: { of: kv } } }',
    );
    expect(vcpus[3]!.classes).toMatchObject([{ firstPage: 0, pages: 192 * MIB }]);
  });

  test('classes are cut where another group divides the set; nobody loses an access', () => {
    const vcpus = vcpusOf(
      '{ name: kv, workload: { write: 10MiB/s, working-set: 64MiB, pattern: hot-cold } }, { workload: { write: 8MiB/s, working-set: { of: kv } } }',
    );
    const [owner, user] = vcpus;
    expect(user!.classes.map(({ firstPage, pages }) => [firstPage, pages])).toEqual(
      owner!.classes.map(({ firstPage, pages }) => [firstPage, pages]),
    );
    expect(user!.classes.reduce((sum, c) => sum + c.writesPerSecond, 0)).toBeCloseTo(8 * MIB, 9);
    // Uniform over the whole: in proportion to the pages of each part.
    for (const c of user!.classes)
      expect(c.writesPerSecond / c.pages).toBeCloseTo((8 * MIB) / (64 * MIB), 12);
  });

  test('takes no memory of its own', () => {
    const next = '{ workload: { write: 1MiB/s, working-set: 16MiB } }';
    const vcpus = vcpusOf(`${REDIS}, { workload: { read: 1MiB/s, working-set: { of: redis } } }, ${next}`);
    expect(vcpus[2]!.classes[0]!.firstPage).toBe(64 * MIB);
  });

  test.each([
    [
      'an unknown group',
      'working-set: { of: rediss }',
      'unknown group with working sets of its own "rediss"; did you mean redis?',
    ],
    ['another key', 'working-set: { off: redis }', 'of'],
    [
      'a pattern page by page through hot and cold parts',
      'working-set: { of: hot }, pattern: sequential',
      'expected pattern: uniform',
    ],
  ])('%s is refused', (_, keys, message) => {
    const hot = '{ name: hot, workload: { write: 10MiB/s, working-set: 64MiB, pattern: hot-cold } }';
    expect(() => vcpusOf(`${REDIS}, ${hot}, { workload: { write: 1MiB/s, ${keys} } }`)).toThrow(message);
  });

  test.each([
    ['at', 'at: 1GiB', 'expected no "at"'],
    ['shared: false', 'shared: false', 'all its vCPUs use the working sets of redis'],
    ['fork', 'fork: { at: 1s }', 'expected fork in that group'],
  ])('%s means nothing there', (_, key, message) => {
    const user = `{ ${key}, workload: { write: 1MiB/s, working-set: { of: redis } } }`;
    expect(() => vcpusOf(`${REDIS}, ${user}`)).toThrow(message);
  });
});

describe('fork', () => {
  test('leaves room for as many pages again, and says where each goes', () => {
    const forking =
      '{ name: redis, fork: { at: 20s, every: 5min }, workload: { write: 10MiB/s, working-set: 64MiB } }';
    const [redis, next] = vcpusOf(`${forking}, { workload: { write: 1MiB/s, working-set: 16MiB } }`);
    expect(redis!.classes[0]).toMatchObject({ firstPage: 0, copyFirstPage: 64 * MIB });
    expect(redis!.fork).toEqual({ atUs: 20e6, everyUs: 300e6 });
    expect(next!.classes[0]!.firstPage).toBe(128 * MIB);
  });

  test('whoever writes the same sets is part of the process; who reads goes on reading', () => {
    const forking = '{ name: redis, fork: { at: 20s }, workload: { write: 10MiB/s, working-set: 64MiB } }';
    const vcpus = vcpusOf(
      `${forking}, { workload: { write: 1MiB/s, working-set: { of: redis } } }, { workload: { read: 1MiB/s, working-set: { of: redis } } }`,
    );
    expect(vcpus.map(({ classes }) => classes[0]!.copyFirstPage)).toEqual([64 * MIB, 64 * MIB, undefined]);
  });

  test('of a process that writes nothing is refused', () => {
    expect(() => vcpusOf('{ fork: { at: 1s }, workload: { read: 1MiB/s, working-set: 64MiB } }')).toThrow(
      'expected a workload that writes',
    );
  });
});
