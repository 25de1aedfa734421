/**
 * Where working sets lie in guest RAM: one after another from the start (or from where `at` says) next to stretches of zero
 * pages. The rest is memory that no vCPU writes (`unused-memory.ts`); ROMs and video memory follow.
 */
import { got, nth } from '../../lists.js';
import type { AccessClass, Fork, VcpuSpec, ZeroExtent } from '../../guest/spec.js';
import type { WorkloadPlan } from '../../guest/workloads/define.js';
import { formatBytes } from '../../units.js';
import { PAGE_BYTES } from '../../guest/spec.js';
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
  /** The group whose working sets it uses instead of some of its own. */
  readonly of: number | undefined;
  readonly fork: Fork | undefined;
}

export interface Memory {
  readonly ramPages: number;
  /** Stretches of zero pages, in order of address. */
  readonly zero: readonly ZeroExtent[];
}

/** Says what is wrong with the group of that index; `needsRoom`: more memory would be enough. */
export type Refuse = (group: number, message: string, needsRoom?: boolean) => never;

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
  const taken: Extent[] = [];
  let nextPage = 0;
  for (const [index, group] of groups.entries()) {
    if (group.of !== undefined) continue;
    // What a fork copies needs as much room again.
    const pages = setPagesOf(group) * (group.fork === undefined ? 1 : 2);
    const extent = { group: index, firstPage: group.firstPage ?? freeFrom(nextPage, pages, memory), pages };
    checkFits(group, extent, memory, refuse);
    checkFree(groups, taken, extent, refuse);
    taken.push(extent);
    nextPage = extent.firstPage + extent.pages;
  }
  const firstPages = new Map(taken.map((extent) => [extent.group, extent.firstPage]));
  const vcpus = groups.flatMap((group, index) => {
    const owner = group.of ?? index;
    const firstPage = got(firstPages, owner);
    const copyPages = setPagesOf(nth(groups, owner));
    return Array.from({ length: group.count }, (_, vcpu) => {
      const own = group.shared ? 0 : (vcpu * setPagesOf(group)) / group.count;
      return vcpuSpec(group, firstPage + own, copyPages);
    });
  });
  if (groups.every(({ of }) => of === undefined)) return { vcpus, sets: taken };
  const groupOf = groups.flatMap(({ count }, index) => Array.from({ length: count }, () => index));
  return { vcpus: alongBorders(vcpus, (vcpu, message) => refuse(nth(groupOf, vcpu), message)), sets: taken };
}

/** Pages of all working sets of a group. */
export function setPagesOf({ plan, shared, count }: Pick<Group, 'plan' | 'shared' | 'count'>): number {
  return plan.classes.reduce((sum, { pages }) => sum + pages, 0) * (shared ? 1 : count);
}

/**
 * Groups that use one set may divide it in different ways, as hot and cold pages and all of them: every class that is
 * written anywhere to any page is cut at all borders, each part having its share of the accesses, which is the same.
 */
function alongBorders(vcpus: readonly VcpuSpec[], refuse: Refuse): VcpuSpec[] {
  const written = vcpus.flatMap(({ classes }) => classes.filter((c) => c.writesPerSecond > 0));
  const borders = [...new Set(written.flatMap((c) => [c.firstPage, c.firstPage + c.pages]))].sort(
    (a, b) => a - b,
  );
  return vcpus.map((vcpu, index) => ({
    ...vcpu,
    classes: vcpu.classes.flatMap((c) => {
      const inside = borders.filter((page) => page > c.firstPage && page < c.firstPage + c.pages);
      if (c.writesPerSecond === 0 || inside.length === 0) return [c];
      if (c.pattern === 'sequential') {
        refuse(
          index,
          'writes page after page through a set that another group divides into hot and cold parts; ' +
            'expected pattern: uniform in one of the two',
        );
      }
      return partsOf(c, inside);
    }),
  }));
}

function partsOf(whole: AccessClass, borders: readonly number[]): AccessClass[] {
  const starts = [whole.firstPage, ...borders];
  return starts.map((firstPage, i) => {
    const pages = (starts[i + 1] ?? whole.firstPage + whole.pages) - firstPage;
    const share = pages / whole.pages;
    const { copyFirstPage } = whole;
    return {
      ...whole,
      firstPage,
      pages,
      writesPerSecond: whole.writesPerSecond * share,
      readsPerSecond: whole.readsPerSecond * share,
      ...(copyFirstPage === undefined ? {} : { copyFirstPage: copyFirstPage + firstPage - whole.firstPage }),
    };
  });
}

/** The first page from `firstPage` on with room for this many next to the zero pages; `firstPage` itself when there is none. */
function freeFrom(firstPage: number, pages: number, { zero, ramPages }: Memory): number {
  let from = firstPage;
  for (const stretch of zero) {
    const inTheWay = stretch.firstPage < from + pages && from < stretch.firstPage + stretch.pages;
    if (inTheWay) from = stretch.firstPage + stretch.pages;
  }
  return from + pages <= ramPages ? from : firstPage;
}

/** `copyPages`: how far behind its pages those lie that a fork copies them to. */
function vcpuSpec(group: Group, setStart: number, copyPages: number): VcpuSpec {
  const { name, plan, busy, catchesUp, fork } = group;
  let firstPage = setStart;
  const classes = plan.classes.map((one) => {
    const placed = { firstPage, ...one };
    firstPage += one.pages;
    const copied = fork !== undefined && one.writesPerSecond > 0;
    return copied ? { ...placed, copyFirstPage: placed.firstPage + copyPages } : placed;
  });
  const { phases, phasePeriodUs } = plan;
  return {
    group: name,
    classes,
    busy,
    catchesUp,
    phases,
    phasePeriodUs,
    ...(fork === undefined ? {} : { fork }),
  };
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
    refuse(
      extent.group,
      `${sets} in ${inBytes(ramPages)} of RAM; expected smaller sets or more memory`,
      true,
    );
  }
  refuse(
    extent.group,
    `${sets} next to ${inBytes(stretch?.pages ?? 0)} of zero pages${stretchPlace(stretch, ramPages)} in ${inBytes(ramPages)} of RAM; ` +
      'expected smaller sets, fewer zero-pages or more memory',
    true,
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
    `the working set begins at ${inBytes(extent.firstPage)} and reaches into that of ${nth(groups, other.group).name} ` +
      `(${from} to ${to}); expected another "at"`,
  );
}

function inBytes(pages: number): string {
  return formatBytes(pages * PAGE_BYTES);
}
