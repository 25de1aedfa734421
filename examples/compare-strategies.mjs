// Strategies side by side from a program: who converges, and what readers pay for it.
import { compare, parseScenario, workDoneOf } from 'migsim';

const scenario = parseScenario(
  `
  guest:
    memory: 1GiB
    dirty-ring-size: 4096
    vcpus:
      - { count: 1, name: writer, workload: { write: 300MiB/s, working-set: 256MiB } }
      - { count: 3, name: reader, workload: { read: 1GiB/s, working-set: 128MiB } }
  link: { bandwidth: 1Gbit/s }
  migration: { max-bandwidth: unlimited, give-up-after: 2min }
  strategies: [none, auto-converge, { dirty-limit: { vcpu-dirty-limit: 20MiB/s } }]
  `,
  'one-writer',
);

const { strategies } = compare(scenario, { runs: 3, memory: 'fluid', keep: 'scalars' });
for (const { strategy, results } of strategies) {
  const converged = results.filter((result) => result.converged).length;
  const seconds = results[0].totalTimeMs / 1000;
  const readers = 100 * workDoneOf(results[0], 'readers');
  console.log(
    `${strategy.label}: ${converged} of ${results.length} converged, ${seconds.toFixed(1)} s, readers did ${readers.toFixed(0)} %`,
  );
}
