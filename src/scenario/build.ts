/** From a checked scenario file to the engine's input: page layout, access classes, plain numbers in QEMU's units. */
import { UsageError } from '../errors.js';
import { hostFields, type HostField } from '../guest/host-profiles/fields.js';
import { hostProfiles } from '../guest/host-profiles/index.js';
import { PAGE_BYTES, type GuestSpec, type HostProfile, type ZeroExtent } from '../guest/spec.js';
import type { LinkSpec, MigrationParameters, MigrationSetup } from '../migration/setup.js';
import { factsOf, runsMachine, since } from '../migration/rules/versions.js';
import { formatBytes } from '../units.js';
import { layOut, setPagesOf, type Group } from './layout.js';
import type { WorkloadPlan } from '../guest/workloads/define.js';
import { unknown } from './wording.js';
import { pagesIn, zeroExtents, type Extent, type UnusedMemory } from './unused-memory.js';
import type { Path } from './problems.js';
import type { ScenarioFile, ZeroPages } from './schema.js';

/** Ends the building with a problem at this path. */
export type Fail = (path: Path, message: string) => never;

/** QEMU's default; strategies that have the parameter set it. */
const THROTTLE_TRIGGER_THRESHOLD = 50;

/** 10 min. */
const GIVE_UP_AFTER_US = 600e6;

/** Entries of a dirty ring that KVM keeps in reserve: its own, and those of a full PML buffer. */
const RESERVED_ENTRIES = 64;
const PML_ENTRIES = 512;

const HOST_PAGE_PAGES = { '4KiB': 1, '2MiB': 512, '1GiB': 262_144 } as const;

/** Memory kind, seed, run and sampling are left to whoever runs it. */
export function buildSetup(file: ScenarioFile, name: string, fail: Fail): MigrationSetup {
  const host = buildHost(file.host);
  return {
    name,
    guest: buildGuest(file.guest, host, fail),
    host,
    link: buildLink(file.link, fail),
    migration: buildMigration(file, fail),
    memory: 'page',
    seed: 1,
    run: 1,
    timelineMs: 0,
    keepSyncs: true,
  };
}

function buildGuest(guest: ScenarioFile['guest'], host: HostProfile, fail: Fail): GuestSpec {
  const hostPage = guest['host-page'];
  const hostPagePages = HOST_PAGE_PAGES[hostPage];
  const ramPages = guest.memory / PAGE_BYTES;
  if (ramPages % hostPagePages !== 0) {
    fail(
      ['guest', 'memory'],
      `expected a multiple of the page size ${hostPage}, got ${formatBytes(guest.memory)}`,
    );
  }
  const ring = guest['dirty-ring-size'];
  const reserved = RESERVED_ENTRIES + (host.pml ? PML_ENTRIES : 0);
  if (ring !== 0 && ring <= reserved) {
    const message = `expected more than the ${reserved} entries that KVM keeps in reserve, such as 1024, got ${ring}`;
    fail(['guest', 'dirty-ring-size'], message);
  }
  const stretches = buildStretches(guest['zero-pages'], ramPages, fail);
  const groups = buildGroups(guest, ramPages, fail);
  const { vcpus, sets } = layOut(groups, { ramPages, zero: stretches }, (group, message) =>
    fail(['guest', 'vcpus', group], message),
  );
  return {
    ramPages,
    hiddenPages: Math.ceil(guest.hidden / PAGE_BYTES),
    zeroExtents: zeroExtents(buildUnused(guest, stretches, sets, fail), sets),
    dirtyRingSize: ring,
    hostPagePages,
    vcpus,
  };
}

/** What lies beside working sets, checked against the room that they leave. */
function buildUnused(
  guest: ScenarioFile['guest'],
  stretches: readonly ZeroExtent[],
  sets: readonly Extent[],
  fail: Fail,
): UnusedMemory {
  const ramPages = guest.memory / PAGE_BYTES;
  const room = ramPages - pagesIn(sets) - pagesIn(stretches);
  const ram = formatBytes(guest.memory);
  const setsText = `${formatBytes(pagesIn(sets) * PAGE_BYTES)} of working sets in ${ram} of RAM`;
  const zero = guest['zero-pages'];
  const spread = typeof zero === 'number' ? Math.floor(ramPages * zero) : 0;
  if (spread > room) {
    fail(
      ['guest', 'zero-pages'],
      `there is no room for ${formatBytes(spread * PAGE_BYTES)} of zero pages beside ${setsText}; ` +
        'expected smaller sets, fewer zero-pages or more memory',
    );
  }
  const balloon = Math.floor(guest.balloon / PAGE_BYTES);
  if (spread + balloon > room) {
    fail(
      ['guest', 'balloon'],
      `there is no room for a balloon of ${formatBytes(guest.balloon)} beside zero pages and ${setsText}; ` +
        'expected a smaller balloon or fewer zero-pages',
    );
  }
  const hint = guest['free-page-hint'];
  const hinted =
    hint.unit === 'share' ? Math.floor(ramPages * hint.value) : Math.floor(hint.value / PAGE_BYTES);
  const free = room + pagesIn(stretches) - balloon;
  if (hinted > free) {
    fail(
      ['guest', 'free-page-hint'],
      `at most ${formatBytes(free * PAGE_BYTES)} can be free beside ${setsText}` +
        `${balloon > 0 ? ' and the balloon' : ''}; expected no more than that`,
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
    const { count, workload } = guest.vcpus[index]!;
    const surroundings = { ramPages, groupVcpus: count, guestVcpus, setPages };
    const group = buildGroup(guest.vcpus[index]!, index, fail, (path) =>
      inPlace(path, fail, () => workload.plan(surroundings)),
    );
    return owner === undefined ? group : { ...group, of, fork: owner.fork };
  };
  for (const [index, { workload }] of guest.vcpus.entries())
    if (workload.of === undefined) planned.set(index, plan(index, 0, undefined, undefined));
  return guest.vcpus.map(({ workload }, index) => {
    if (workload.of === undefined) return planned.get(index)!;
    const owner = ownerOf(guest, index, workload.of, fail);
    const group = planned.get(owner)!;
    return plan(index, setPagesOf(group), group, owner);
  });
}

type GroupForm = ScenarioFile['guest']['vcpus'][number];

function nameOf({ name, workload }: GroupForm): string {
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
  const owners = [...guest.vcpus.keys()].filter((index) => guest.vcpus[index]!.workload.of === undefined);
  const named = owners.filter((index) => nameOf(guest.vcpus[index]!) === name);
  if (named.length === 1) return named[0]!;
  if (named.length > 1) fail(path, `${named.length} entries are named ${name}; expected a name that one has`);
  const names = owners.map((index) => nameOf(guest.vcpus[index]!));
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

function buildHost(host: ScenarioFile['host']): HostProfile {
  const { profile, ...values } = host;
  const overrides = (Object.keys(hostFields) as HostField[])
    .map((field) => [field, (values as Record<string, unknown>)[hostFields[field].key]] as const)
    .filter(([, value]) => value !== undefined);
  return { ...hostProfiles[profile]!, ...(Object.fromEntries(overrides) as Partial<HostProfile>) };
}

function buildLink(link: ScenarioFile['link'], fail: Fail): LinkSpec {
  const payload = (bandwidth: number): number => bandwidth * link.efficiency;
  const late = link.phases.findIndex((phase, i) => i > 0 && phase.from <= link.phases[i - 1]!.from);
  if (late > 0) {
    fail(
      ['link', 'phases', late, 'from'],
      'expected phases in order of time, each later than the one before',
    );
  }
  const outages = link.outages.map((outage) => ({ atUs: outage.from, durationUs: outage.for }));
  const overlapping = outages.findIndex(
    ({ atUs }, i) => i > 0 && atUs < outages[i - 1]!.atUs + outages[i - 1]!.durationUs,
  );
  if (overlapping > 0) {
    fail(
      ['link', 'outages', overlapping, 'from'],
      'expected outages in order of time, each after the end of the one before',
    );
  }
  return {
    bandwidthBytesPerSecond: payload(link.bandwidth),
    latencyUs: link.latency,
    ...(link.jitter > 0 ? { jitter: link.jitter } : {}),
    phases: link.phases.map(({ from, bandwidth, latency }) => ({
      atUs: from,
      bandwidthBytesPerSecond: payload(bandwidth ?? link.bandwidth),
      latencyUs: latency ?? link.latency,
    })),
    outages,
  };
}

function buildMigration({ guest, migration }: ScenarioFile, fail: Fail): MigrationParameters {
  checkMigration(migration, fail);
  if (guest['free-page-hint'].value > 0 && migration['postcopy-ram']) {
    fail(
      ['guest', 'free-page-hint'],
      'QEMU asks for no hints where post-copy is possible; expected postcopy-ram: false',
    );
  }
  const forking = guest.vcpus.findIndex(({ fork }) => fork !== undefined);
  if (forking >= 0 && migration['postcopy-ram']) {
    fail(
      ['guest', 'vcpus', forking, 'fork'],
      'not modelled after a switch to post-copy, where reads of a forked process find pages in two places; ' +
        'expected postcopy-ram: false',
    );
  }
  const version = factsOf(migration.qemu.qemu, migration.machine?.qemu);
  return {
    qemu: migration.qemu.qemu,
    ...(migration.machine === undefined ? {} : { machine: migration.machine.qemu }),
    maxBandwidth: migration['max-bandwidth'],
    downtimeLimitMs: migration['downtime-limit'] / 1000,
    availSwitchoverBandwidth: migration['avail-switchover-bandwidth'],
    throttleTriggerThreshold: THROTTLE_TRIGGER_THRESHOLD,
    returnPath: migration['return-path'],
    pauseBeforeSwitchover: migration['pause-before-switchover'],
    migrateContinueDelayUs: migration['migrate-continue-delay'],
    orchestratorContUs: migration['orchestrator-cont'],
    manualDirtyLogProtect: migration['manual-dirty-log-protect'],
    clearBitmapShift: migration['clear-bitmap-shift'],
    giveUpAfterUs: migration['give-up-after'] ?? GIVE_UP_AFTER_US,
    ...(migration['give-up-after'] === undefined ? { giveUpByDefault: true } : {}),
    postcopy: migration['postcopy-ram'],
    postcopyPreempt: migration['postcopy-preempt'],
    maxPostcopyBandwidth: migration['max-postcopy-bandwidth'],
    postcopyRecover: migration['postcopy-recover'],
    stream: {
      ...migration.stream,
      zeroPageDetection:
        migration.stream.zeroPageDetection ?? (version.multifdFindsZeroPages ? 'multifd' : 'legacy'),
    },
  };
}

/** Combinations that QEMU refuses, or that cannot mean anything. */
function checkMigration(migration: ScenarioFile['migration'], fail: Fail): void {
  const at = (key: keyof ScenarioFile['migration'], message: string): void => {
    fail(['migration', key], message);
  };
  const { qemu } = migration.qemu;
  const machine = migration.machine?.qemu;
  if (machine !== undefined && !runsMachine(qemu, machine)) {
    at('machine', `QEMU ${qemu} has no machine type of ${machine}; expected ${qemu} or older`);
  }
  const version = factsOf(qemu, machine);
  if (migration['downtime-limit'] % 1000 !== 0) at('downtime-limit', 'expected whole ms, as QEMU takes it');
  if (migration['avail-switchover-bandwidth'] !== 0 && !version.hasAvailSwitchoverBandwidth) {
    at(
      'avail-switchover-bandwidth',
      `QEMU ${qemu} does not have it; expected qemu: '${since('hasAvailSwitchoverBandwidth')}' or later`,
    );
  }
  if (migration['migrate-continue-delay'] !== 0 && !migration['pause-before-switchover']) {
    at(
      'migrate-continue-delay',
      'nothing waits for migrate-continue; expected pause-before-switchover: true',
    );
  }
  if (migration['postcopy-preempt'] && !migration['postcopy-ram']) {
    at('postcopy-preempt', 'nothing to preempt; expected postcopy-ram: true');
  }
  if (migration['postcopy-ram'] && migration.stream.kind === 'multifd' && !version.multifdWithPostcopy) {
    const first = since('multifdWithPostcopy');
    at('postcopy-ram', `QEMU ${qemu} refuses it together with multifd; expected qemu: '${first}' or later`);
  }
  const detection = migration.stream.zeroPageDetection;
  if (migration.stream.kind === 'multifd' && detection !== undefined && !version.hasZeroPageDetection) {
    const first = since('hasZeroPageDetection');
    fail(
      ['migration', 'stream', 'multifd', 'zero-page-detection'],
      `QEMU ${qemu} has no zero-page-detection: its migration thread looks for zero pages; expected qemu: '${first}' or later`,
    );
  }
}
