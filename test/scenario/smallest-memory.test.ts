/** What does not fit names the smallest memory in which it does, and that one is taken. */
import { describe, expect, test } from '@jest/globals';
import { parseScenario } from '../../src/scenario/parse.js';

const GUESTS = {
  'one set': 'vcpus: [{ workload: { write: 1MiB/s, working-set: 1000MiB } }]',
  'sets of several vCPUs': 'vcpus: [{ count: 3, workload: { write: 1MiB/s, working-set: 700MiB } }]',
  'a share of zero pages': 'zero-pages: 60%\n  vcpus: [{ workload: { write: 1MiB/s, working-set: 500MiB } }]',
  'a stretch of zero pages':
    'zero-pages: [{ at: 100MiB, size: 200MiB }]\n  vcpus: [{ workload: { write: 1MiB/s, working-set: 900MiB } }]',
  'a balloon': 'balloon: 700MiB\n  vcpus: [{ workload: { write: 1MiB/s, working-set: 500MiB } }]',
  'huge pages': 'host-page: 2MiB\n  vcpus: [{ workload: { write: 1MiB/s, working-set: 1001MiB } }]',
};

function refusal(memory: string, rest: string): string | null {
  try {
    parseScenario(`guest:\n  memory: ${memory}\n  ${rest}\nlink: { bandwidth: 1Gbit/s }\n`, 'small.yaml');
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each(Object.entries(GUESTS))('%s', (_, rest) => {
  test('is enough, and a step less is not', () => {
    const memory = /; (\d+)(MiB|GiB) would be enough/.exec(refusal('512MiB', rest) ?? '');
    expect(memory).not.toBeNull();
    const mib = Number(memory![1]) * (memory![2] === 'GiB' ? 1024 : 1);
    const step = rest.startsWith('host-page') ? 2 : 1;
    expect(refusal(`${mib}MiB`, rest)).toBeNull();
    expect(refusal(`${mib - step}MiB`, rest)).toContain(`; ${memory![1]}${memory![2]} would be enough`);
  });
});

// stress uses all but 512 MiB, so that from 854 MiB on 60 % of zero pages leave it no room, however large the guest.
test('a guest whose sets grow with its memory is given none', () => {
  const message = refusal('1GiB', 'zero-pages: 60%\n  vcpus: [{ workload: stress }]');
  expect(message).toContain('there is no room');
  expect(message).not.toContain('would be enough');
});
