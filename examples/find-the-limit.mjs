// How fast may a guest write before plain pre-copy no longer converges? Bisection over many short runs.
import { chooseStrategy, parseScenario, simulate } from 'migsim';

const text = `
guest: { memory: 2GiB, vcpus: [{ workload: { write: 100MiB/s, working-set: 1GiB } }] }
link: { bandwidth: 1Gbit/s }
migration: { max-bandwidth: unlimited, give-up-after: 5min }
`;

function converges(mibPerSecond) {
  const set = [`guest.vcpus.0.workload.write=${mibPerSecond}MiB/s`];
  const scenario = parseScenario(text, 'limit', { set });
  return simulate(scenario, chooseStrategy('none'), { memory: 'fluid' }).converged;
}

let [below, above] = [1, 1000];
while (above - below > 1) {
  const middle = Math.floor((below + above) / 2);
  if (converges(middle)) below = middle;
  else above = middle;
}
console.log(`Plain pre-copy converges up to ${below} MiB/s.`);
