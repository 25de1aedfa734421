// How fast may a guest write before plain pre-copy no longer converges? A search, which runs at each value it tries.
import { parseScenario, search } from 'migsim';

const scenario = parseScenario(
  `
  guest: { memory: 2GiB, vcpus: [{ name: writer, workload: { write: 100MiB/s, working-set: 1GiB } }] }
  link: { bandwidth: 1Gbit/s }
  migration: { max-bandwidth: unlimited, give-up-after: 5min }
  `,
  'limit',
);

const { answer } = await search(scenario, { find: 'largest', key: 'guest.vcpus.writer.workload.write' });
console.log(`Plain pre-copy converges up to ${answer.text}.`);
