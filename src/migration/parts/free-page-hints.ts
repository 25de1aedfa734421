/**
 * Free page hinting (hw/virtio/virtio-balloon.c:virtio_balloon_free_page_hint_notify): after each bitmap sync of a running
 * guest QEMU asks its balloon driver for free memory, and takes what it reports off the migration bitmap. Free memory that
 * no vCPU writes is reported after the first sync and never becomes dirty again, so that later reports change nothing.
 */
import { PAGE_BYTES } from '../../guest/spec.js';
import { hintedPagesOf } from '../../guest/unused.js';
import type { Orders } from './orders.js';
import type { Parts } from './parts.js';

const GIB_PAGES = 2 ** 30 / PAGE_BYTES;

/** The first sync is over. The report is taken as a whole when its last block has come in. */
export function askForFreePages(parts: Parts, orders: Orders): void {
  const { setup, clock, state } = parts;
  const hinted = setup.guest.zeroExtents.reduce((pages, extent) => pages + hintedPagesOf(extent), 0);
  if (hinted === 0) return;
  const us = (setup.host.freePageHintUsPerGiB * hinted) / GIB_PAGES;
  clock.events.at(clock.nowUs + us, () => {
    // It takes the bitmap mutex, as an iteration does.
    if (state.holdsBitmap) orders.freePages = true;
    else takeFreePages(parts);
  });
}

/** ram.c:qemu_guest_free_page_hint, for all that was reported. */
export function takeFreePages({ clock, memory, guest, state, run }: Parts): void {
  // A sync of a stopped guest ends the hinting.
  if (state.stopUs !== null) return;
  run.handOver();
  guest.advance(clock.nowUs);
  memory.takeHinted();
  run.dirtyPages = memory.dirtyPages();
}
