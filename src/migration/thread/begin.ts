/** The begin of a migration: what was started by hand finds its level, then memory is armed and the first sync made. */
import { PAGE_BYTES } from '../../guest/spec.js';
import { askForFreePages } from '../parts/free-page-hints.js';
import { type Run, advance } from '../parts/pauses.js';
import { XFER_LIMIT_RATIO } from '../rules/rules.js';
import type { Thread } from './thread.js';

const { min } = Math;
const GIB_PAGES = 2 ** 30 / PAGE_BYTES;
/** Stream header, command and RAM block list sent in setup, bytes: a few hundred, no figure depends on it. */
const SETUP_BYTES = 500;

/** What was started by hand before `migrate` finds its level. */
export function* settle(thread: Thread): Run<void> {
  const { setup, clock, memory, guest } = thread.parts;
  if (clock.nowUs === 0) return;
  if (setup.guest.dirtyRingSize > 0) memory.startTracking();
  yield* advance(clock, 0);
  guest.advance(clock.nowUs);
  guest.resetCounts();
}

/** migration.c:qmp_migrate, migration_thread; ram.c:ram_save_setup, ram_init_bitmaps. */
export function* setUp(thread: Thread): Run<void> {
  const { setup, clock, memory, guest, stream, state, counters, window, run } = thread.parts;
  const { host } = setup;
  const gib = memory.totalPages / GIB_PAGES;
  // The first window opens before setup and so contains it.
  window.startMs = clock.ms();
  const perGiB = setup.guest.dirtyRingSize > 0 ? host.setupUsPerGiBRing : host.setupUsPerGiBBitmap;
  yield* advance(clock, clock.nowUs + host.setupFixedUs + perGiB * gib);
  guest.advance(clock.nowUs);
  memory.startLogging();
  run.dirtyPages = memory.totalPages;
  yield* thread.sync.run('setup');
  askForFreePages(thread.parts, thread.orders);
  counters.frame(SETUP_BYTES);
  counters.recordMultifd(stream.helloBytes);
  counters.syncChannels(stream);
  run.synchronise(stream.helloBytes + stream.syncPacketBytes);
  if (run.synchronises) yield* advance(clock, clock.nowUs + run.syncUs(clock.nowUs));
  state.setupUs = clock.nowUs;
  state.phase = 'active';
  guest.speed = speedBesideBulk(thread);
  thread.log.startReaper();
  thread.timeline.start();
}

/** In the first pass the destination takes in pages that it never had: on the same machine, that slows the source's vCPUs. */
function speedBesideBulk(thread: Thread): number {
  const { setup, stream, window, run } = thread.parts;
  const { host } = setup;
  if (host.siblingSlowdown === 0) return 1;
  const { normal } = stream;
  const fastest = 1e6 / run.pageUs(normal);
  const limited =
    window.quota === 0 ? fastest : min(fastest, (window.quota * XFER_LIMIT_RATIO) / normal.bytes);
  return 1 - host.siblingSlowdown * min(1, (limited * host.populateNsPerPage) / 1e9);
}
