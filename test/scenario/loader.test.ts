/** A text that is loaded again and again, with other values put in. */
import { fc, test } from '@fast-check/jest';
import { expect } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { parseScenario, scenarioLoader } from '../../src/scenario/parse.js';

const TEXT = `
guest:
  memory: 4GiB
  dirty-ring-size: 4096
  vcpus:
    - { name: writer, cpu: &cpu { normal: [80%, 5%] }, workload: { write: 200..300MiB/s, working-set: 1GiB } }
    - { name: other, cpu: *cpu, workload: &load { dirty-curve: { points: [[1s, 20MiB], [4s, 50MiB]] } } }
    - { name: third, at: 3GiB, workload: *load }
host: { profile: default }
link: { bandwidth: 1..2Gbit/s }
strategies: [none, { dirty-limit: { vcpu-dirty-limit: 100MiB/s } }]
policy: { timeout: { after: 30s } }
expect: { none: { converges: true } }
`;

/** Sound values, values of another kind, keys that nobody knows, and sections that come or go as a whole. */
const CHANGES = [
  'guest.memory=8GiB',
  'guest.memory=1GiB',
  'guest.memory=8 apples',
  'guest.vcpus.0.cpu=50%',
  'guest.vcpus.writer.workload.write=100MiB/s',
  'guest.vcpus.writer.workload.write={ normal: [100MiB/s, 300%] }',
  'guest.vcpus.other.workload=idle',
  'guest.vcpus.other.workload.dirty-curve.points=[[1s, 20MiB], [1s, 50MiB]]',
  'guest.vcpuz=3',
  'guest=idle',
  'link.bandwidth=10Gbit/s',
  'link.bandwidth=10GiB',
  'link.latenzy=1ms',
  'host.send-per-page=1us',
  'host.profile=none',
  'host={}',
  'migration.downtime-limit=400ms',
  'migration.downtime-limit=400MiB',
  'migration={}',
  'strategies=[auto-converge]',
  'strategies.dirty-limit.vcpu-dirty-limit=5MiB/s',
  'strategies.dirty-limit.vcpu-dirty-limit=5%',
  'policy=wait',
  'policy.timeout.after=never',
  'expect={}',
  'expect.nobody.converges=true',
  'extra.key=1',
];

/** What came of a load: all that is plain data, or the complaint. */
function outcome(load: () => ReturnType<typeof parseScenario>): unknown {
  try {
    const { uncertainty, ...scenario } = load();
    const drawn = [0.1, 0.9].map((p) => uncertainty.setupAt(() => p));
    return JSON.parse(JSON.stringify({ scenario, drawn, values: uncertainty.values }));
  } catch (error) {
    if (error instanceof UsageError) return `${error.constructor.name} ${error.message}`;
    throw error;
  }
}

// A loader reads a section again only where it has changed: what it read before, sound or not, must leave no trace.
test.prop([fc.array(fc.subarray(CHANGES, { maxLength: 3 }), { maxLength: 6 })], { numRuns: 40, seed: 1 })(
  'what a loader makes of a change does not depend on what it has loaded before',
  (loads) => {
    const load = scenarioLoader(TEXT, 'guest.yaml');
    for (const set of loads)
      expect([set, outcome(() => load(set))]).toEqual([
        set,
        outcome(() => parseScenario(TEXT, 'guest.yaml', { set })),
      ]);
  },
);
