/**
 * Memory that a migration takes in addition to the guest's: buffers, caches and bitmaps, each at its largest. Source: QEMU 10.2 migration/
 * (qemu-file.c, multifd*.c, page_cache.c, ram.c, postcopy-ram.c) and Linux virt/kvm/kvm_main.c:kvm_alloc_dirty_bitmap.
 * Dirty rings are not among it: a guest has them from its start.
 */
import { type GuestSpec, type HostProfile, PAGE_BYTES } from '../../guest/spec.js';
import type { MigrationParameters, StreamSpec } from '../setup.js';
import { compressorNamed } from './compressors.js';
import { MULTIFD_PACKET_HEADER_BYTES, MULTIFD_PACKET_PAGES, PLAIN_STREAM } from './stream.js';

const { floor, min } = Math;

/** qemu-file.c: IO_BUF_SIZE and MAX_IOV_SIZE vectors of 16 bytes. */
const FILE_BYTES = 32_768 + 64 * 16;
/** page_cache.c: CacheItem. */
const CACHE_ITEM_BYTES = 24;
/** ram.c:XBZRLE: encoded_buf, current_buf and zero_target_page at the source, decoded_buf at the destination. */
const XBZRLE_SENDER_PAGES = 3;
const XBZRLE_RECEIVER_PAGES = 1;
const MULTIFD_PACKET_BYTES = MULTIFD_PACKET_PAGES * PAGE_BYTES;
/** Per page of a packet: a vector of 16 bytes and an offset; at the destination also a list of zero pages. */
const SENDER_BYTES_PER_PAGE = 16 + 8;
const RECEIVER_BYTES_PER_PAGE = 16 + 2 * 8;

/** Bytes at either side. */
export interface MigrationMemory {
  readonly senderBytes: number;
  readonly receiverBytes: number;
}

export function migrationMemory(
  guest: GuestSpec,
  host: HostProfile,
  migration: MigrationParameters,
  totalPages: number,
): MigrationMemory {
  const spec = migration.stream ?? PLAIN_STREAM;
  const preempts = migration.postcopy === true && migration.postcopyPreempt === true;
  const files = preempts ? 2 : 1;
  const channels = spec.kind === 'multifd' ? spec.channels : 0;
  const connections = files + channels;
  const channel = channelMemory(spec);
  const cache = spec.kind === 'xbzrle' ? cacheBytes(spec.xbzrleCacheBytes, totalPages) : 0;
  const isXbzrle = spec.kind === 'xbzrle';
  const placed = migration.postcopy === true ? files * guest.hostPagePages * PAGE_BYTES : 0;
  return {
    senderBytes:
      connections * host.socketSendBytes +
      files * FILE_BYTES +
      channels * channel.senderBytes +
      cache +
      (isXbzrle ? XBZRLE_SENDER_PAGES * PAGE_BYTES : 0) +
      (totalPages / 8) * bitmaps(guest),
    receiverBytes:
      connections * host.socketReceiveBytes +
      files * FILE_BYTES +
      channels * channel.receiverBytes +
      (isXbzrle ? XBZRLE_RECEIVER_PAGES * PAGE_BYTES : 0) +
      // postcopy-ram.c: a host page for each channel, in which a page is put together.
      placed +
      // ram.c: receivedmap.
      totalPages / 8,
  };
}

/** page_cache.c:cache_init: the table of slots at once, the pages as they come, no more than the guest has. */
function cacheBytes(size: number, totalPages: number): number {
  const slots = floor(size / PAGE_BYTES);
  return slots * CACHE_ITEM_BYTES + min(slots, totalPages) * PAGE_BYTES;
}

/** Bits per page: RAMBlock.bmap and KVMSlot.dirty_bmap; without a ring KVM has two bitmaps of its own. */
function bitmaps({ dirtyRingSize }: GuestSpec): number {
  return dirtyRingSize > 0 ? 2 : 4;
}

function channelMemory({ compression }: StreamSpec): MigrationMemory {
  const known = compressorNamed(compression);
  const compressed = compression === 'none' ? 0 : MULTIFD_PACKET_BYTES;
  return {
    senderBytes:
      MULTIFD_PACKET_HEADER_BYTES +
      MULTIFD_PACKET_PAGES * SENDER_BYTES_PER_PAGE +
      (known?.senderBytes ?? compressed),
    receiverBytes:
      MULTIFD_PACKET_HEADER_BYTES +
      MULTIFD_PACKET_PAGES * RECEIVER_BYTES_PER_PAGE +
      (known?.receiverBytes ?? 2 * compressed),
  };
}
