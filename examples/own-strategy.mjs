// A strategy of your own against one of QEMU, and what it decided. docs/testing.md shows how to write one test-first.
import { chooseStrategy, defineStrategy, parseScenario, simulate } from 'migsim';

const halfSpeed = defineStrategy({
  name: 'half-speed',
  summary: 'run the whole guest at a fixed share of its speed from the first bad pass on',
  source: 'examples/own-strategy.mjs',
  rule: 'The first time that the detector acts, all vCPUs are throttled, once.',
  options: { percent: { kind: 'count', min: 1, max: 99, default: 50, summary: 'the throttle' } },
  start({ percent }, migration) {
    let done = false;
    migration.onDetector(({ sync }) => {
      if (done) return;
      done = true;
      migration.throttle('all', percent);
      migration.explain('half-speed', `sync ${sync}: throttle ${percent} %`);
    });
  },
});

const scenario = parseScenario(
  `
  guest: { memory: 1GiB, vcpus: [{ count: 2, workload: { write: 100MiB/s, working-set: 256MiB } }] }
  link: { bandwidth: 1Gbit/s }
  migration: { max-bandwidth: unlimited }
  `,
  'two-writers',
);

const choices = [
  chooseStrategy('auto-converge'),
  chooseStrategy(halfSpeed),
  chooseStrategy(halfSpeed, { percent: 80 }),
];
for (const choice of choices) {
  const result = simulate(scenario, choice, { memory: 'fluid' });
  console.log(`${choice.label}: ${result.status} after ${(result.totalTimeMs / 1000).toFixed(1)} s`);
  for (const { timeMs, rule, text } of result.decisions.slice(0, 1))
    console.log(`  at ${(timeMs / 1000).toFixed(1)} s ${rule}: ${text}`);
}
