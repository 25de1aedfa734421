/** From the guest of a checked scenario file to the engine's: access classes, zero pages, devices, in plain numbers. */
import { got, nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import {
  PAGE_BYTES,
  type DeviceSpec,
  type GuestSpec,
  type HostProfile,
  type ZeroExtent,
} from '../../guest/spec.js';
import type { WorkloadPlan } from '../../guest/workloads/define.js';
import { factsOf, since } from '../../migration/rules/versions.js';
import { formatBytes } from '../../units.js';
import type { Complain, Fail, Path } from '../form/problems.js';
import type { ZeroPages } from '../form/guest-section.js';
import type { ScenarioFile } from '../form/schema.js';
import { unknown } from '../../options/wording.js';
import { layOut, setPagesOf, type Group, type LaidOut } from './layout.js';
import { type GuestForm, NoRoom, smallestMemory } from './smallest-memory.js';
import { gapsBetween, pagesIn, zeroExtents, type Extent, type UnusedMemory } from './unused-memory.js';

/** Entries of a dirty ring that KVM keeps in reserve: its own, and those of a full PML buffer. */
const RESERVED_ENTRIES = 64;
const PML_ENTRIES = 512;

const HOST_PAGE_PAGES = { '4KiB': 1, '2MiB': 512, '1GiB': 262_144 } as const;

/** The guest of a scenario, with everything in its place. */
export function buildGuest(guest: GuestForm, host: HostProfile, fail: Fail): GuestSpec {
  return placeGuest(guest, host, fail, (path, message) => {
    const memory = smallestMemory(guest, (larger) => {
      const refuse = (): never => {
        throw new NoRoom();
      };
      placeGuest(larger, host, refuse, refuse);
    });
    return fail(path, memory === null ? message : `${message}; ${memory} would be enough`);
  });
}

/** A ring is to hold more than what KVM keeps of it. */
export function checkRing(guest: GuestForm, host: HostProfile, complain: Complain): void {
  const ring = guest['dirty-ring-size'];
  const reserved = RESERVED_ENTRIES + (host.pml ? PML_ENTRIES : 0);
  if (ring === 0 || ring > reserved) return;
  const message = `expected more than the ${reserved} entries that KVM keeps in reserve, such as 1024, got ${ring}`;
  complain(['guest', 'dirty-ring-size'], message);
}

/** `lackRoom`: as `fail`, where more memory would be enough. */
function placeGuest(guest: GuestForm, host: HostProfile, fail: Fail, lackRoom: Fail): GuestSpec {
  const hostPage = guest['host-page'];
  const hostPagePages = HOST_PAGE_PAGES[hostPage];
  const ramPages = guest.memory / PAGE_BYTES;
  if (ramPages % hostPagePages !== 0) {
    fail(
      ['guest', 'memory'],
      `expected a multiple of the page size ${hostPage}, got ${formatBytes(guest.memory)}`,
    );
  }
  const stretches = buildStretches(guest['zero-pages'], ramPages, fail);
  const groups = buildGroups(guest, ramPages, fail);
  const { vcpus, sets } = layOut(groups, { ramPages, zero: stretches }, (group, message, needsRoom = false) =>
    (needsRoom ? lackRoom : fail)(['guest', 'vcpus', group], message),
  );
  const dma = placeDma(guest, [...sets, ...stretches], lackRoom);
  const taken = dma === undefined ? sets : [...sets, dma];
  return {
    ramPages,
    hiddenPages: Math.ceil(guest.hidden / PAGE_BYTES),
    ...contentsOf(guest, sets),
    zeroExtents: zeroExtents(buildUnused(guest, stretches, taken, lackRoom), taken),
    dirtyRingSize: guest['dirty-ring-size'],
    hostPagePages,
    vcpus,
    ...(dma === undefined ? {} : { dma }),
    ...(guest.devices.length === 0 ? {} : { devices: guest.devices.flatMap(buildDevices) }),
  };
}

/** The buffers of devices, in the first gap that has room for them. */
function placeDma({ dma, memory }: GuestForm, taken: readonly Extent[], lackRoom: Fail): GuestSpec['dma'] {
  if (dma === undefined) return undefined;
  const pages = Math.max(1, Math.round(dma['working-set'] / PAGE_BYTES));
  const gap = gapsBetween(taken, memory / PAGE_BYTES).find((one) => one.pages >= pages);
  if (gap === undefined) {
    lackRoom(
      ['guest', 'dma', 'working-set'],
      `there is no room for ${formatBytes(pages * PAGE_BYTES)} in one piece next to working sets and zero pages in ` +
        `${formatBytes(memory)} of RAM; expected smaller sets or more memory`,
    );
  }
  return { firstPage: gap.firstPage, pages, writesPerSecond: dma.write / PAGE_BYTES };
}

/** Contents of working sets that compress in a way of their own, and of all other memory. */
function contentsOf(
  { compressibility, vcpus }: GuestForm,
  sets: LaidOut['sets'],
): Pick<GuestSpec, 'compressibility' | 'contents'> {
  const contents = sets
    .flatMap(({ group, firstPage, pages }) => {
      const own = vcpus[group]?.compressibility;
      return own === undefined ? [] : [{ firstPage, pages, compressibility: own }];
    })
    .sort((a, b) => a.firstPage - b.firstPage);
  return {
    ...(compressibility === undefined ? {} : { compressibility }),
    ...(contents.length === 0 ? {} : { contents }),
  };
}

function buildDevices(form: ScenarioFile['guest']['devices'][number]): DeviceSpec[] {
  const device = {
    preCopyBytes: form['pre-copy'],
    dirtyBytesPerSecond: form.dirty,
    stopCopyBytes: form['stop-copy'],
    bytesPerSecond: form.speed,
    stopUs: form.stop,
    startUs: form.start,
  };
  return Array.from({ length: form.count }, () => device);
}

/** Refuses devices that this version cannot migrate as they are described. */
export function checkDevices(
  guest: ScenarioFile['guest'],
  migration: ScenarioFile['migration'],
  complain: Complain,
): void {
  const { qemu } = migration.qemu;
  const version = factsOf(qemu, migration.machine?.qemu);
  for (const [index, device] of guest.devices.entries()) {
    const at = (key: string, message: string): void => complain(['guest', 'devices', index, key], message);
    if (!version.migratesVfio) {
      const first = since('migratesVfio');
      at(
        'stop-copy',
        `QEMU ${qemu} migrates VFIO devices by an experimental protocol; expected qemu: '${first}' or later`,
      );
    }
    if (device['pre-copy'] > 0 && !version.hasVfioPrecopy) {
      const first = since('hasVfioPrecopy');
      at(
        'pre-copy',
        `QEMU ${qemu} sends device state only when the guest has stopped; expected qemu: '${first}' or later`,
      );
    }
    if (device.dirty > 0 && device['pre-copy'] === 0)
      at('dirty', 'only state that pre-copy sends can change again; expected pre-copy');
  }
}

/** Memory outside working sets, checked against the room that they leave. */
function buildUnused(
  guest: ScenarioFile['guest'],
  stretches: readonly ZeroExtent[],
  sets: readonly Extent[],
  lackRoom: Fail,
): UnusedMemory {
  const ramPages = guest.memory / PAGE_BYTES;
  const room = ramPages - pagesIn(sets) - pagesIn(stretches);
  const ram = formatBytes(guest.memory);
  const setsText = `${formatBytes(pagesIn(sets) * PAGE_BYTES)} of working sets in ${ram} of RAM`;
  const zero = guest['zero-pages'];
  const spread = typeof zero === 'number' ? Math.floor(ramPages * zero) : 0;
  if (spread > room) {
    lackRoom(
      ['guest', 'zero-pages'],
      `there is no room for ${formatBytes(spread * PAGE_BYTES)} of zero pages next to ${setsText}; ` +
        'expected smaller sets, fewer zero-pages or more memory',
    );
  }
  const balloon = Math.floor(guest.balloon / PAGE_BYTES);
  if (spread + balloon > room) {
    lackRoom(
      ['guest', 'balloon'],
      `there is no room for a balloon of ${formatBytes(guest.balloon)} next to zero pages and ${setsText}; ` +
        'expected a smaller balloon, fewer zero-pages or more memory',
    );
  }
  const hint = guest['free-page-hint'];
  const hinted =
    hint.unit === 'share' ? Math.floor(ramPages * hint.value) : Math.floor(hint.value / PAGE_BYTES);
  const free = room + pagesIn(stretches) - balloon;
  if (hinted > free) {
    lackRoom(
      ['guest', 'free-page-hint'],
      `at most ${formatBytes(free * PAGE_BYTES)} can be free next to ${setsText}` +
        `${balloon > 0 ? ' and the balloon' : ''}; expected no more than that, or more memory`,
    );
  }
  const hiddenPages = Math.ceil(guest.hidden / PAGE_BYTES);
  return { ramPages, hiddenPages, stretches, spreadZero: spread + balloon, hinted, balloon };
}

/** Stretches of zero pages in RAM, in order of address; none where they are spread. */
function buildStretches(zero: ZeroPages, ramPages: number, fail: Fail): ZeroExtent[] {
  if (typeof zero === 'number') return [];
  let end = 0;
  return zero.map(({ at, size }, index) => {
    const firstPage = Math.ceil(at / PAGE_BYTES);
    const pages = Math.floor(size / PAGE_BYTES);
    const path = ['guest', 'zero-pages', index];
    if (firstPage < end) {
      fail(
        [...path, 'at'],
        `expected stretches in order of address, this one from ${formatBytes(end * PAGE_BYTES)} on`,
      );
    }
    end = firstPage + pages;
    if (end > ramPages) {
      fail(path, `expected a stretch within ${formatBytes(ramPages * PAGE_BYTES)} of RAM`);
    }
    return { firstPage, pages };
  });
}

function buildGroups(guest: ScenarioFile['guest'], ramPages: number, fail: Fail): Group[] {
  const guestVcpus = guest.vcpus.reduce((sum, { count }) => sum + count, 0);
  const planned = new Map<number, Group>();
  const plan = (index: number, setPages: number, owner: Group | undefined, of: number | undefined): Group => {
    const { count, workload } = nth(guest.vcpus, index);
    const surroundings = { ramPages, groupVcpus: count, guestVcpus, setPages };
    const group = buildGroup(nth(guest.vcpus, index), index, fail, (path) =>
      inPlace(path, fail, () => workload.plan(surroundings)),
    );
    return owner === undefined ? group : { ...group, of, fork: owner.fork };
  };
  for (const [index, { workload }] of guest.vcpus.entries())
    if (workload.of === undefined) planned.set(index, plan(index, 0, undefined, undefined));
  return guest.vcpus.map(({ workload }, index) => {
    if (workload.of === undefined) return got(planned, index);
    const owner = ownerOf(guest, index, workload.of, fail);
    const group = got(planned, owner);
    return plan(index, setPagesOf(group), group, owner);
  });
}

type GroupForm = ScenarioFile['guest']['vcpus'][number];

/** What the vCPUs of an entry are called. */
export function nameOf({ name, workload }: Pick<GroupForm, 'name' | 'workload'>): string {
  return name ?? workload.groupName;
}

function buildGroup(form: GroupForm, index: number, fail: Fail, planAt: (path: Path) => WorkloadPlan): Group {
  const { count, workload, shared, at, fork } = form;
  const path = ['guest', 'vcpus', index];
  const plan = planAt([...path, 'workload']);
  if (plan.shared && shared === false) {
    const why =
      workload.of === undefined
        ? `${workload.groupName} is known for all its vCPUs together`
        : `all its vCPUs use the working sets of ${workload.of}`;
    fail([...path, 'shared'], `expected true: ${why}`);
  }
  if (workload.of !== undefined && at !== undefined)
    fail([...path, 'at'], `the working sets of ${workload.of} lie where they are; expected no "at"`);
  if (workload.of !== undefined && form.compressibility !== undefined)
    fail(
      [...path, 'compressibility'],
      `its working sets are those of ${workload.of}; expected it in that group`,
    );
  if (workload.of !== undefined && fork !== undefined)
    fail([...path, 'fork'], `its working sets are those of ${workload.of}; expected fork in that group`);
  if (fork !== undefined && plan.classes.every(({ writesPerSecond }) => writesPerSecond === 0))
    fail(
      [...path, 'fork'],
      'nothing is copied for a process that writes nothing; expected a workload that writes',
    );
  return {
    name: nameOf(form),
    count,
    shared: shared ?? plan.shared,
    plan,
    busy: form.cpu ?? plan.busy,
    catchesUp: form['catch-up'] ?? plan.catchesUp,
    firstPage: at === undefined ? undefined : Math.floor(at / PAGE_BYTES),
    of: undefined,
    fork: fork === undefined ? undefined : { atUs: fork.at, everyUs: fork.every ?? 0 },
  };
}

/** The one group of that name that has working sets of its own. */
function ownerOf(guest: ScenarioFile['guest'], user: number, name: string, fail: Fail): number {
  const path = ['guest', 'vcpus', user, 'workload', 'working-set', 'of'];
  const owners = [...guest.vcpus.keys()].filter((index) => nth(guest.vcpus, index).workload.of === undefined);
  const named = owners.filter((index) => nameOf(nth(guest.vcpus, index)) === name);
  if (named.length === 1) return nth(named, 0);
  if (named.length > 1) fail(path, `${named.length} entries are named ${name}; expected a name that one has`);
  const names = owners.map((index) => nameOf(nth(guest.vcpus, index)));
  if (names.length === 0) fail(path, 'no group has working sets of its own; expected a size in one of them');
  fail(path, unknown('group with working sets of its own', name, names));
}

/** Gives a `UsageError` without a place the place of a path. */
function inPlace<T>(path: Path, fail: Fail, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof UsageError) return fail(path, error.message);
    throw error;
  }
}
