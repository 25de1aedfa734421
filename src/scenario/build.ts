/** From a checked scenario file to the engine's input: page layout, access classes, plain numbers in QEMU's units. */
import { keysOf, pairs, type UnknownMap, valueAt } from '../lists.js';
import { hostFields } from '../guest/host-profiles/fields.js';
import { hostProfiles } from '../guest/host-profiles/index.js';
import type { GuestSpec, HostProfile } from '../guest/spec.js';
import type { ScheduledAction } from '../migration/runtime-parameters.js';
import type { LinkSpec, MigrationParameters, MigrationSetup } from '../migration/setup.js';
import { compressorNamed } from '../migration/rules/compressors.js';
import { factsOf, runsMachine, since } from '../migration/rules/versions.js';
import { buildGuest, checkDevices, checkRing } from './guest/build-guest.js';
import type { Complain } from './form/problems.js';
import { buildSchedule } from './schedule.js';
import type { ScenarioFile } from './form/schema.js';

/** QEMU's default; strategies that have the parameter set it. */
const THROTTLE_TRIGGER_THRESHOLD = 50;

/** 10 min. */
const GIVE_UP_AFTER_US = 600e6;

/** Those sections of a scenario file that could be read. */
export type ReadSections = Partial<ScenarioFile>;

/**
 * Memory kind, seed, run and sampling are left to the caller that runs it. Null where a section is missing, or the guest
 * cannot be laid out; it is no good where `complain` has heard anything, which is all that can be seen in what is there.
 */
export function buildSetup(sections: ReadSections, name: string, complain: Complain): MigrationSetup | null {
  const { guest: guestForm, link: linkForm, migration: migrationForm } = sections;
  const host = sections.host === undefined ? null : buildHost(sections.host);
  const guest = guestForm === undefined || host === null ? null : guestWith(guestForm, host, complain);
  const link = linkForm === undefined ? null : buildLink(linkForm, complain);
  if (migrationForm === undefined) return null;
  checkMigration(migrationForm, complain);
  const schedule = buildSchedule(migrationForm, complain);
  if (guestForm !== undefined) {
    checkTogether(guestForm, migrationForm, complain);
    checkDevices(guestForm, migrationForm, complain);
  }
  if (host === null || guest === null || link === null) return null;
  return {
    name,
    guest,
    host,
    link,
    migration: buildMigration(migrationForm, schedule),
    memory: 'page',
    seed: 1,
    run: 1,
    timelineMs: 0,
    keepSyncs: true,
  };
}

/** The guest cannot be laid out; what is wrong has been said. */
class Stop extends Error {}

function guestWith(form: ScenarioFile['guest'], host: HostProfile, complain: Complain): GuestSpec | null {
  checkRing(form, host, complain);
  try {
    return buildGuest(form, host, (path, message) => {
      complain(path, message);
      throw new Stop();
    });
  } catch (error) {
    if (error instanceof Stop) return null;
    throw error;
  }
}

function buildHost(host: ScenarioFile['host']): HostProfile {
  const { profile, variability: varies, ...values } = host;
  const written: UnknownMap = values;
  const overrides = keysOf(hostFields)
    .map((field) => [field, written[hostFields[field].key]] as const)
    .filter(([, value]) => value !== undefined);
  const { variability, ...steady } = valueAt(hostProfiles, profile);
  const own = typeof varies === 'string' ? {} : varies;
  const kept =
    varies === 'none' || variability === undefined ? {} : { variability: { ...variability, ...own } };
  return { ...steady, ...kept, ...(Object.fromEntries(overrides) as Partial<HostProfile>) };
}

function buildLink(link: ScenarioFile['link'], complain: Complain): LinkSpec {
  const payload = (bandwidth: number): number => bandwidth * link.efficiency;
  const late = 1 + [...pairs(link.phases)].findIndex(([before, phase]) => phase.from <= before.from);
  if (late > 0) {
    complain(
      ['link', 'phases', late, 'from'],
      'expected phases in order of time, each later than the one before',
    );
  }
  const outages = link.outages.map((outage) => ({ atUs: outage.from, durationUs: outage.for }));
  const overlapping =
    1 + [...pairs(outages)].findIndex(([before, { atUs }]) => atUs < before.atUs + before.durationUs);
  if (overlapping > 0) {
    complain(
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

function buildMigration(
  migration: ScenarioFile['migration'],
  schedule: readonly ScheduledAction[],
): MigrationParameters {
  const version = factsOf(migration.qemu.qemu, migration.machine?.qemu);
  const { given: _given, ...stream } = migration.stream;
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
    // Where the scenario gives the command, the orchestrator does not.
    ...(migration.at.some(({ do: command }) => command === 'migrate-continue')
      ? { migrateContinueAtUs: Infinity }
      : {}),
    orchestratorContUs: migration['orchestrator-cont'],
    manualDirtyLogProtect: migration['manual-dirty-log-protect'],
    clearBitmapShift: migration['clear-bitmap-shift'],
    giveUpAfterUs: migration['give-up-after'] ?? GIVE_UP_AFTER_US,
    ...(migration['give-up-after'] === undefined ? { giveUpByDefault: true } : {}),
    postcopy: migration['postcopy-ram'],
    postcopyPreempt: migration['postcopy-preempt'],
    maxPostcopyBandwidth: migration['max-postcopy-bandwidth'],
    postcopyRecover: migration['postcopy-recover'],
    schedule,
    stream: {
      ...stream,
      zeroPageDetection: stream.zeroPageDetection ?? (version.multifdFindsZeroPages ? 'multifd' : 'legacy'),
    },
  };
}

/** What the guest has and the migration cannot do. */
function checkTogether(
  guest: ScenarioFile['guest'],
  migration: ScenarioFile['migration'],
  complain: Complain,
): void {
  if (guest['free-page-hint'].value > 0 && migration['postcopy-ram']) {
    complain(
      ['guest', 'free-page-hint'],
      'QEMU asks for no hints where post-copy is possible; expected postcopy-ram: false',
    );
  }
  if (guest.dma !== undefined && migration['postcopy-ram']) {
    complain(
      ['guest', 'dma'],
      'what devices write after a switch to post-copy is not modelled; expected postcopy-ram: false',
    );
  }
  const forking = guest.vcpus.findIndex(({ fork }) => fork !== undefined);
  if (forking >= 0 && migration['postcopy-ram']) {
    complain(
      ['guest', 'vcpus', forking, 'fork'],
      'not modelled after a switch to post-copy, where reads of a forked process find pages in two places; ' +
        'expected postcopy-ram: false',
    );
  }
  const hasContent = [guest, ...guest.vcpus].some(({ compressibility }) => compressibility !== undefined);
  if (migration.stream.given?.includes('compression-ratio') === true && hasContent) {
    complain(
      ['migration', 'stream', 'multifd', 'compression-ratio'],
      'the ratio follows from the compressibility that the guest states; expected one of the two',
    );
  }
}

/** Combinations that QEMU refuses, or that cannot mean anything. */
function checkMigration(migration: ScenarioFile['migration'], complain: Complain): void {
  const at = (key: keyof ScenarioFile['migration'], message: string): void => {
    complain(['migration', key], message);
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
  const compressor = compressorNamed(migration.stream.compression);
  if (compressor !== undefined && !runsMachine(qemu, compressor.since)) {
    complain(
      ['migration', 'stream', 'multifd', 'compression'],
      `QEMU ${qemu} does not have ${migration.stream.compression}; expected qemu: '${compressor.since}' or later`,
    );
  }
  const [idle] = migration.stream.compression === 'none' ? (migration.stream.given ?? []) : [];
  if (idle !== undefined) {
    complain(
      ['migration', 'stream', 'multifd', idle],
      'nothing is compressed; expected a compression next to it, such as compression: zstd',
    );
  }
  const detection = migration.stream.zeroPageDetection;
  if (migration.stream.kind === 'multifd' && detection !== undefined && !version.hasZeroPageDetection) {
    const first = since('hasZeroPageDetection');
    complain(
      ['migration', 'stream', 'multifd', 'zero-page-detection'],
      `QEMU ${qemu} has no zero-page-detection: its migration thread looks for zero pages; expected qemu: '${first}' or later`,
    );
  }
}
