/** A small scenario that is in order, for tests to put something wrong into. */
import { parseScenario } from '../../src/scenario/parse.js';
import type { Scenario } from '../../src/scenario/scenario.js';

export const GOOD = `name: good
guest:
  memory: 4GiB
  zero-pages: 10%
  dirty-ring-size: 4096
  vcpus:
    - { count: 2, name: writer, workload: { write: 300MiB/s, working-set: 512MiB } }
    - { name: reader, workload: { read: 2GiB/s, working-set: 256MiB } }
link: { bandwidth: 10Gbit/s }
migration: { max-bandwidth: 1GiB/s }
strategies:
  - none
  - dirty-limit: { vcpu-dirty-limit: 100MiB/s }
`;

/** The good text with one passage replaced; it must be there. */
export function changed(passage: string, by: string): string {
  if (!GOOD.includes(passage)) throw new Error(`the good scenario does not have: ${passage}`);
  return GOOD.replace(passage, by);
}

export function parse(text: string, set: readonly string[] = []): Scenario {
  return parseScenario(text, 'guest.yaml', { set });
}

/** One vCPU group of a 4 GiB guest, by its YAML. */
export function parseGroup(vcpu: string): Scenario {
  return parse(`guest: { memory: 4GiB, vcpus: [${vcpu}] }\nlink: { bandwidth: 10Gbit/s }\n`);
}
