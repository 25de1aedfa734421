/**
 * Where working sets lie in guest RAM: one after another from the start (or from where `at` says) beside stretches of zero
 * pages. The rest is memory that nobody writes (`unused-memory.ts`); ROMs and video memory follow.
 */
import type { VcpuSpec, ZeroExtent } from '../guest/spec.js';
import type { WorkloadPlan } from '../guest/workloads/define.js';
import { formatBytes } from '../units.js';
import { PAGE_BYTES } from '../guest/spec.js';
import type { Extent as Stretch } from './unused-memory.js';

/** vCPUs that do the same, each in a set of its own or all in one. */
export interface Group {
  readonly name: string;
  readonly count: number;
  readonly shared: boolean;
  readonly plan: WorkloadPlan;
  readonly busy: number;
  readonly catchesUp: boolean;
  /** Page at which its sets begin; undefined: behind those before. */
  readonly firstPage: number | undefined;
}

export interface Memory {
  readonly ramPages: number;
  /** Stretches of zero pages, in order of address. */
  readonly zero: readonly ZeroExtent[];
}

/** Says what is wrong with the group of that index. */
export type Refuse = (group: number, message: string) => never;

interface Extent extends Stretch {
  readonly group: number;
}

export interface LaidOut {
  /** In order, with every class in its place. */
  readonly vcpus: readonly VcpuSpec[];
  /** What the working sets take of RAM. */
  readonly sets: readonly Extent[];
}

export function layOut(groups: readonly Group[], memory: Memory, refuse: Refuse): LaidOut {
  const vcpus: VcpuSpec[] = [];
  const taken: Extent[] = [];
  let nextPage = 0;
  for (const [index, group] of groups.entries()) {
    const setPages = group.plan.classes.reduce((sum, { pages }) => sum + pages, 0);
    const sets = group.shared ? 1 : group.count;
    const pages = setPages * sets;
    const extent = { group: index, firstPage: group.firstPage ?? freeFrom(nextPage, pages, memory), pages };
    checkFits(group, extent, memory, refuse);
    checkFree(groups, taken, extent, refuse);
    taken.push(extent);
    nextPage = extent.firstPage + extent.pages;
    for (let vcpu = 0; vcpu < group.count; vcpu++) {
      vcpus.push(vcpuSpec(group, extent.firstPage + (group.shared ? 0 : vcpu * setPages)));
    }
  }
  return { vcpus, sets: taken };
}

/** The first page from `firstPage` on with room for so many beside the zero pages; `firstPage` itself when there is none. */
function freeFrom(firstPage: number, pages: number, { zero, ramPages }: Memory): number {
  let from = firstPage;
  for (const stretch of zero) {
    const inTheWay = stretch.firstPage < from + pages && from < stretch.firstPage + stretch.pages;
    if (inTheWay) from = stretch.firstPage + stretch.pages;
  }
  return from + pages <= ramPages ? from : firstPage;
}

function vcpuSpec({ name, plan, busy, catchesUp }: Group, setStart: number): VcpuSpec {
  let firstPage = setStart;
  const classes = plan.classes.map((one) => {
    const placed = { firstPage, ...one };
    firstPage += one.pages;
    return placed;
  });
  return { group: name, classes, busy, catchesUp, phases: plan.phases, phasePeriodUs: plan.phasePeriodUs };
}

function checkFits(group: Group, extent: Extent, { ramPages, zero }: Memory, refuse: Refuse): void {
  const end = extent.firstPage + extent.pages;
  const stretch = zero.find(
    ({ firstPage, pages }) => firstPage < end && extent.firstPage < firstPage + pages,
  );
  if (end <= ramPages && stretch === undefined) return;
  const whose = group.count === 1 || group.shared ? 'a working set' : `working sets of ${group.count} vCPUs`;
  const sets = `there is no room for ${whose}, ${inBytes(extent.pages)} from ${inBytes(extent.firstPage)} on,`;
  if (end > ramPages) {
    refuse(extent.group, `${sets} in ${inBytes(ramPages)} of RAM; expected smaller sets or more memory`);
  }
  refuse(
    extent.group,
    `${sets} beside ${inBytes(stretch?.pages ?? 0)} of zero pages${stretchPlace(stretch, ramPages)} in ${inBytes(ramPages)} of RAM; ` +
      'expected smaller sets, fewer zero-pages or more memory',
  );
}

/** Where a stretch lies, unless it is the one at the end. */
function stretchPlace(stretch: ZeroExtent | undefined, ramPages: number): string {
  if (stretch === undefined || stretch.firstPage + stretch.pages === ramPages) return '';
  return ` at ${inBytes(stretch.firstPage)}`;
}

function checkFree(groups: readonly Group[], taken: readonly Extent[], extent: Extent, refuse: Refuse): void {
  const other = taken.find(
    ({ firstPage, pages }) =>
      firstPage < extent.firstPage + extent.pages && extent.firstPage < firstPage + pages,
  );
  if (other === undefined) return;
  const from = inBytes(other.firstPage);
  const to = inBytes(other.firstPage + other.pages);
  refuse(
    extent.group,
    `the working set begins at ${inBytes(extent.firstPage)} and reaches into that of ${groups[other.group]!.name} ` +
      `(${from} to ${to}); expected another "at"`,
  );
}

function inBytes(pages: number): string {
  return formatBytes(pages * PAGE_BYTES);
}
