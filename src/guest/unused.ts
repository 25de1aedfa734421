/**
 * Memory that no vCPU writes: what part of it are zero pages, and what part a balloon driver would report as free. Both lie
 * spread: after some time of use, free memory is a mosaic of blocks that were used once and blocks that never were.
 */
import type { ZeroExtent } from './spec.js';

const { floor, min } = Math;

/**
 * Length of the period in which zero pages and data alternate: 4 MiB, the largest block that Linux's buddy allocator keeps
 * free in one piece (MAX_PAGE_ORDER 10, x86) and so the largest in which memory is taken into use and given back. How long
 * zero runs are in practice is not published; what matters is that 100 ms of sending carry many of them.
 */
export const BLOCK_PAGES = 1024;

/** Of the pages of an extent up to block `block`, those of a share that counts `count` in all. A whole number; `count` at the end. */
export function countBefore({ pages }: ZeroExtent, count: number, block: number): number {
  return floor(count * (min(block * BLOCK_PAGES, pages) / pages));
}

/** Pages of that share in one block. */
export function countInBlock(extent: ZeroExtent, count: number, block: number): number {
  return countBefore(extent, count, block + 1) - countBefore(extent, count, block);
}

/** Zero pages of an extent. */
export function zeroPagesOf({ pages, zeroPages }: ZeroExtent): number {
  return zeroPages ?? pages;
}

/** Pages of an extent that free page hints take off the migration bitmap. */
export function hintedPagesOf({ hintedZeroPages, hintedDataPages }: ZeroExtent): number {
  return (hintedZeroPages ?? 0) + (hintedDataPages ?? 0);
}
