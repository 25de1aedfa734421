// Which downtime-limit must a guest be given before plain pre-copy converges? A table over its working set and the link.
import { parseScenario, sweep } from 'migsim';

const scenario = parseScenario(
  `
  guest: { memory: 4GiB, vcpus: [{ name: writer, workload: { write: 400MiB/s, working-set: 256MiB } }] }
  link: { bandwidth: 1Gbit/s }
  migration: { max-bandwidth: unlimited, give-up-after: 2min }
  strategies: [none]
  `,
  'one-writer',
);

const SET = 'guest.vcpus.writer.workload.working-set';
const { rows } = await sweep(scenario, {
  vary: [
    { [SET]: ['32MiB', '64MiB', '128MiB', '256MiB'] },
    'link.bandwidth=1Gbit/s,2.5Gbit/s,10Gbit/s',
    'migration.downtime-limit=100ms,200ms,300ms,500ms,1s,2s,3s',
  ],
});

/** Rows come in the order of the values: the first that converged has the smallest limit. */
function smallest(set, link) {
  const found = rows.find(
    ({ varied, converged }) => converged && varied[SET] === set && varied['link.bandwidth'] === link,
  );
  return found?.varied['migration.downtime-limit'] ?? '-';
}

const links = ['1Gbit/s', '2.5Gbit/s', '10Gbit/s'];
const line = (cells) => console.log(cells.map((cell) => cell.padStart(11)).join(''));
line(['working set', ...links]);
for (const set of new Set(rows.map(({ varied }) => varied[SET])))
  line([set, ...links.map((link) => smallest(set, link))]);
