/** From a checked scenario file to the engine's input: page layout, access classes, plain numbers in QEMU's units. */
import { keysOf, pairs, type UnknownMap, valueAt } from '../lists.js';
import { hostFields } from '../guest/host-profiles/fields.js';
import { hostProfiles } from '../guest/host-profiles/index.js';
import type { HostProfile } from '../guest/spec.js';
import type { LinkSpec, MigrationParameters, MigrationSetup } from '../migration/setup.js';
import { compressorNamed } from '../migration/rules/compressors.js';
import { factsOf, runsMachine, since } from '../migration/rules/versions.js';
import { buildGuest, checkDevices } from './guest/build-guest.js';
import type { Fail } from './form/problems.js';
import { buildSchedule } from './schedule.js';
import type { ScenarioFile } from './form/schema.js';

/** QEMU's default; strategies that have the parameter set it. */
const THROTTLE_TRIGGER_THRESHOLD = 50;

/** 10 min. */
const GIVE_UP_AFTER_US = 600e6;

/** Memory kind, seed, run and sampling are left to the caller that runs it. */
export function buildSetup(
  file: ScenarioFile,
  name: string,
  fail: Fail,
  attempt: <Part>(build: () => Part) => Part | null,
): MigrationSetup | null {
  const host = buildHost(file.host);
  const guest = attempt(() => buildGuest(file.guest, host, fail));
  const link = attempt(() => buildLink(file.link, fail));
  const migration = attempt(() => buildMigration(file, fail));
  if (guest === null || link === null || migration === null) return null;
  return {
    name,
    guest,
    host,
    link,
    migration,
    memory: 'page',
    seed: 1,
    run: 1,
    timelineMs: 0,
    keepSyncs: true,
  };
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

function buildLink(link: ScenarioFile['link'], fail: Fail): LinkSpec {
  const payload = (bandwidth: number): number => bandwidth * link.efficiency;
  const late = 1 + [...pairs(link.phases)].findIndex(([before, phase]) => phase.from <= before.from);
  if (late > 0) {
    fail(
      ['link', 'phases', late, 'from'],
      'expected phases in order of time, each later than the one before',
    );
  }
  const outages = link.outages.map((outage) => ({ atUs: outage.from, durationUs: outage.for }));
  const overlapping =
    1 + [...pairs(outages)].findIndex(([before, { atUs }]) => atUs < before.atUs + before.durationUs);
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

/** What the guest has and the migration cannot take along, or cannot be told of twice. */
function checkGuestInMigration({ guest, migration }: ScenarioFile, fail: Fail): void {
  if (guest['free-page-hint'].value > 0 && migration['postcopy-ram']) {
    fail(
      ['guest', 'free-page-hint'],
      'QEMU asks for no hints where post-copy is possible; expected postcopy-ram: false',
    );
  }
  if (guest.dma !== undefined && migration['postcopy-ram']) {
    fail(
      ['guest', 'dma'],
      'what devices write after a switch to post-copy is not modelled; expected postcopy-ram: false',
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
  const { given = [], compression } = migration.stream;
  const hasContent = [guest, ...guest.vcpus].some(({ compressibility }) => compressibility !== undefined);
  if (given.includes('compression-ratio') && hasContent) {
    fail(
      ['migration', 'stream', 'multifd', 'compression-ratio'],
      'the ratio follows from the compressibility that the guest states; expected one of the two',
    );
  }
  const [idle] = compression === 'none' ? given : [];
  if (idle !== undefined) {
    fail(
      ['migration', 'stream', 'multifd', idle],
      'nothing is compressed; expected a compression next to it, such as compression: zstd',
    );
  }
}

function buildMigration(file: ScenarioFile, fail: Fail): MigrationParameters {
  const { migration } = file;
  checkMigration(migration, fail);
  checkGuestInMigration(file, fail);
  const version = factsOf(migration.qemu.qemu, migration.machine?.qemu);
  checkDevices(file, version, fail);
  const { given: _, ...stream } = migration.stream;
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
    // Where the scenario gives the command nobody else does.
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
    schedule: buildSchedule(migration, fail),
    stream: {
      ...stream,
      zeroPageDetection: stream.zeroPageDetection ?? (version.multifdFindsZeroPages ? 'multifd' : 'legacy'),
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
  const compressor = compressorNamed(migration.stream.compression);
  if (compressor !== undefined && !runsMachine(qemu, compressor.since)) {
    fail(
      ['migration', 'stream', 'multifd', 'compression'],
      `QEMU ${qemu} does not have ${migration.stream.compression}; expected qemu: '${compressor.since}' or later`,
    );
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
