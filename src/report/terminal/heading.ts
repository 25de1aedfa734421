/** The lines above every report: what was run, on what, and how to run it again. */
import { show } from '../../experiment/measure.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Scenario } from '../../scenario/scenario.js';
import { formatBytesPerSecond } from '../../units.js';
import type { Page } from './style.js';
import { wrapItems } from './text.js';

export interface HowRun {
  readonly memory: 'page' | 'fluid';
  readonly seed: number;
  readonly policy: { readonly label: string };
}

export function heading(scenario: Scenario, how: HowRun, runs: string, page: Page): string {
  const { guest, link, migration } = scenario.setup;
  const facts = [
    `${show('bytes', guest.ramPages * PAGE_BYTES)} guest with ${vcpus(scenario)}`,
    guest.dirtyRingSize === 0 ? 'dirty bitmap' : `dirty ring of ${guest.dirtyRingSize}`,
    `link ${formatBytesPerSecond(link.bandwidthBytesPerSecond, 'bit')}`,
    migration.maxBandwidth === 0
      ? 'no max-bandwidth'
      : `max-bandwidth ${show('bytes/s', migration.maxBandwidth)}`,
    `downtime-limit ${show('ms', migration.downtimeLimitMs)}`,
    `QEMU ${migration.qemu}`,
  ];
  const conditions = [`policy ${how.policy.label}`, `${how.memory} memory`, `seed ${how.seed}`, runs];
  const lines = [...wrapItems(facts, page.width), ...wrapItems(conditions, page.width)];
  return [page.style.strong(scenario.name), ...lines.map((line) => page.style.faint(line))].join('\n');
}

/** `2 writer + 6 reader vCPUs`. */
function vcpus(scenario: Scenario): string {
  const counts = new Map<string, number>();
  for (const { group } of scenario.setup.guest.vcpus) counts.set(group, (counts.get(group) ?? 0) + 1);
  const groups = [...counts].map(([group, count]) => `${count} ${group}`).join(' + ');
  return `${groups} ${scenario.setup.guest.vcpus.length === 1 ? 'vCPU' : 'vCPUs'}`;
}
