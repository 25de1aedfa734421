/** Sizes, rates and durations as users write them, and back. */
import { UsageError } from './errors.js';

/** `64GiB`, `100MB`, `4KiB`, `512B` to bytes. */
export function parseBytes(text: string): number {
  throw new UsageError(`cannot read ${text}`);
}
/** `10Gbit/s`, `400MiB/s` to bytes a second. */
export function parseBytesPerSecond(text: string): number {
  throw new UsageError(`cannot read ${text}`);
}
/** `300ms`, `10min`, `100us` to microseconds. */
export function parseDurationUs(text: string): number {
  throw new UsageError(`cannot read ${text}`);
}
/** `30%` to 0.3. */
export function parseShare(text: string): number {
  throw new UsageError(`cannot read ${text}`);
}
/** Four significant digits with the unit that fits: `64 GiB`, `1.221 GiB`. */
export function formatBytes(bytes: number): string {
  return String(bytes);
}
/** `1.25 GB/s` style: decimal for links, `MiB/s` for memory, chosen by `unit`. */
export function formatBytesPerSecond(rate: number, unit: 'binary' | 'bit' = 'binary'): string {
  return `${rate} ${unit}`;
}
/** `18 ms`, `12.4 s`, `3 min 20 s`. */
export function formatDurationMs(ms: number): string {
  return String(ms);
}
