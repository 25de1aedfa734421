// Which downtime-limit must a guest be given before plain pre-copy converges? A table over its working set and the link.
import { parseScenario, search } from 'migsim';

const text = `
guest: { memory: 4GiB, vcpus: [{ name: writer, workload: { write: 400MiB/s, working-set: 256MiB } }] }
link: { bandwidth: 1Gbit/s }
migration: { max-bandwidth: unlimited, give-up-after: 2min }
`;

async function smallest(set, link) {
  const scenario = parseScenario(text, 'one-writer', {
    set: [`guest.vcpus.writer.workload.working-set=${set}`, `link.bandwidth=${link}`],
  });
  const { answer } = await search(scenario, { find: 'smallest', key: 'migration.downtime-limit', runs: 5 });
  return answer.text;
}

const links = ['1Gbit/s', '2.5Gbit/s', '10Gbit/s'];
const line = (cells) => console.log(cells.map((cell) => cell.padStart(11)).join(''));
line(['working set', ...links]);
for (const set of ['32MiB', '64MiB', '128MiB', '256MiB'])
  line([set, ...(await Promise.all(links.map((link) => smallest(set, link))))]);
