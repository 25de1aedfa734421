/** What one migration is made of, before anything runs: everything that its files share. */
import { FluidMemory } from '../../guest/memory/fluid/fluid-memory.js';
import { compressibilities } from '../../guest/content.js';
import { Effort } from '../../guest/effort.js';
import { Guest } from '../../guest/guest.js';
import type { GuestMemory, Tracking } from '../../guest/memory/memory.js';
import { PageMemory } from '../../guest/memory/page/page-memory.js';
import { mapNonEmpty } from '../../lists.js';
import { stream } from '../../random/streams.js';
import { Clock } from './clock.js';
import { Devices } from './devices.js';
import { Counters } from './counters.js';
import { Link } from './link.js';
import { PageRun } from './page-run.js';
import { RateWindow } from './rate-window.js';
import { Restraint } from './restraint.js';
import { SendPace } from './send-pace.js';
import { SendQueue } from './send-queue.js';
import type { MigrationSetup, StreamSpec } from '../setup.js';
import { MigrationState } from './state.js';
import { ratioFor } from '../rules/compressors.js';
import { PLAIN_STREAM, type StreamCosts, streamCosts } from '../rules/stream.js';
import { SyncPeriod } from './sync-period.js';
import { type VersionFacts, factsOf } from '../rules/versions.js';

export interface Parts {
  readonly setup: MigrationSetup;
  readonly version: VersionFacts;
  readonly clock: Clock;
  readonly effort: Effort;
  readonly link: Link;
  readonly pace: SendPace;
  readonly memory: GuestMemory;
  readonly guest: Guest;
  readonly stream: StreamCosts;
  readonly state: MigrationState;
  readonly counters: Counters;
  readonly period: SyncPeriod;
  readonly queue: SendQueue;
  readonly window: RateWindow;
  readonly run: PageRun;
  readonly restraint: Restraint;
  readonly devices: Devices;
}

/** The same for those who only look. */
export type Seen = { readonly [Part in keyof Parts]: Readonly<Parts[Part]> };

export function makeParts(setup: MigrationSetup): Parts {
  const { host, migration, seed, run } = setup;
  const version = factsOf(migration.qemu, migration.machine);
  const startUs = 0 - (migration.settleUs ?? 0);
  const effort = new Effort();
  const clock = new Clock(startUs, host.wakeLatencyUs, stream(seed, run, 'host latency'), effort);
  const memory = makeMemory(setup, effort);
  const counters = new Counters(version.transferredIsRamOnly);
  const period = new SyncPeriod(migration.throttleTriggerThreshold);
  const guest = new Guest(setup.guest, host, memory, startUs, seed, run, effort);
  const link = new Link(setup.link, clock.events, seed, run);
  const pace = new SendPace(setup.sendDrift, clock);
  const spec = migration.stream ?? PLAIN_STREAM;
  const streams = mapNonEmpty(compressibilities(setup.guest), (compressibility) =>
    streamCosts(host, version, withRatio(spec, compressibility)),
  );
  const [costs] = streams;
  const state = new MigrationState();
  const packets = costs.multifd && !version.multifdCountsQueued ? (migration.stream?.channels ?? 1) - 1 : 0;
  const queue = new SendQueue(packets);
  return {
    setup,
    version,
    clock,
    effort,
    link,
    pace,
    memory,
    guest,
    stream: costs,
    state,
    counters,
    period,
    queue,
    window: new RateWindow(migration, version, counters, period, queue),
    run: new PageRun({
      setup,
      clock,
      link,
      pace,
      memory,
      guest,
      effort,
      streams,
      state,
      counters,
      period,
    }),
    restraint: new Restraint(guest, clock, period),
    devices: new Devices(setup.guest.devices ?? [], version),
  };
}

function withRatio(spec: StreamSpec, compressibility: number | undefined): StreamSpec {
  if (compressibility === undefined) return spec;
  return { ...spec, compressionRatio: ratioFor(spec.compressionRatio, compressibility) };
}

function makeMemory(
  { guest, host, migration, memory, seed, run }: MigrationSetup,
  effort: Effort,
): GuestMemory {
  let tracking: Tracking = 'ring';
  if (guest.dirtyRingSize === 0) tracking = migration.manualDirtyLogProtect ? 'bitmap-manual' : 'bitmap';
  if (memory === 'fluid')
    return new FluidMemory(guest, host, tracking, migration.clearBitmapShift, seed, run, effort);
  return new PageMemory(guest, host, tracking, migration.clearBitmapShift, seed, run, effort);
}
