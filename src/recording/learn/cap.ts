/** max-bandwidth as it was in force while a log was written. */
import { UsageError } from '../../errors.js';
import type { MigrationLog } from '../../formats/migration-log.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { XFER_LIMIT_RATIO } from '../../migration/rules/rules.js';
import { FLUSH_NORMAL_PAGES, MULTIFD_PACKET_PAGES, NORMAL_PAGE_BYTES } from '../../migration/rules/stream.js';
import { formatBytesPerSecond } from '../../units.js';
import type { LearnOptions } from './learned.js';

/** What flowed may exceed a cap by this factor: people round, and logs do. */
const ROUNDED = 1.25;
/** A window ends with the flush that passes its quota, so it carries up to one more: bytes/s. */
const FLUSH = FLUSH_NORMAL_PAGES * NORMAL_PAGE_BYTES * XFER_LIMIT_RATIO;
/** The quota is checked before channels have sent: up to a packet for each is not counted. Most people have no more channels. */
const CHANNELS = 16;
const PACKETS = CHANNELS * MULTIFD_PACKET_PAGES * PAGE_BYTES * XFER_LIMIT_RATIO;

/**
 * max-bandwidth as the options or else the log say it, bytes/s; undefined where neither does. A log that sets one and shows
 * that more flowed is of a time without it: it is left out, and said to be. `bytesPerSecond`: what flowed in pre-copy.
 *
 * @throws UsageError when the option cannot be true
 */
export function saidCap(
  { file, samples, settings }: Pick<MigrationLog, 'file' | 'samples' | 'settings'>,
  options: LearnOptions,
  bytesPerSecond: number,
  assumptions: string[],
): number | undefined {
  const isMultifd =
    settings.capabilities?.includes('multifd') === true ||
    samples.some(({ multifdBytes }) => multifdBytes > 0);
  const isExceeded = (cap: number): boolean =>
    cap > 0 && bytesPerSecond > ROUNDED * cap + FLUSH + (isMultifd ? PACKETS : 0);
  const said = options.maxBandwidth;
  if (said === undefined) {
    const { maxBandwidth = 0 } = settings;
    if (!isExceeded(maxBandwidth)) return settings.maxBandwidth;
    assumptions.push(
      `max-bandwidth of ${formatBytesPerSecond(maxBandwidth)}, which the log sets, was not in force: ` +
        `memory flowed at ${formatBytesPerSecond(bytesPerSecond)}`,
    );
    return undefined;
  }
  if (!isExceeded(said)) return said;
  throw new UsageError(
    `max-bandwidth ${formatBytesPerSecond(said)} was not in force: in the log memory flowed at ` +
      `${formatBytesPerSecond(bytesPerSecond)}; expected at least that, or no --max-bandwidth`,
    { file },
  );
}

/** What carried less than this share of max-bandwidth never met it. */
const REACHED = 0.8;

/**
 * max-bandwidth as far as it was the limit, bytes/s; 0 where memory never flowed that fast, as then the link was the limit:
 * orchestrators set caps that no link reaches, such as the 8 GiB/s of Proxmox VE. `beyond`: what flowed without the cap.
 */
export function capInForce(
  maxBandwidth: number,
  bytesPerSecond: number,
  beyond: number | null,
  assumptions: string[],
): number {
  if (bytesPerSecond >= REACHED * maxBandwidth || (beyond ?? 0) > maxBandwidth) return maxBandwidth;
  assumptions.push(
    `the link was the limit: max-bandwidth of ${formatBytesPerSecond(maxBandwidth)} was never reached`,
  );
  return 0;
}
