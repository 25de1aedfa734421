/** When what goes over a link is through whose rate is another in each of its phases. */
import type { LinkPhase } from './setup.js';

const { min } = Math;

/** Its rate, and the phases that come later, in order of time. */
export interface LinkRates {
  readonly bytesPerSecond: number;
  readonly later: readonly LinkPhase[];
}

/**
 * Time from `fromUs` on until `count` bytes, or pages, are through, µs. `timeUs` is what a number of them takes at one rate; what
 * is on the wire as a phase begins goes on at the new rate.
 */
export function throughUs(
  { bytesPerSecond, later }: LinkRates,
  count: number,
  fromUs: number,
  timeUs: (count: number, bytesPerSecond: number) => number,
): number {
  let left = count;
  let atUs = fromUs;
  let rate = bytesPerSecond;
  for (const phase of later) {
    if (phase.atUs > atUs) {
      const leftUs = timeUs(left, rate);
      if (leftUs <= phase.atUs - atUs) break;
      left -= (left * (phase.atUs - atUs)) / leftUs;
      atUs = phase.atUs;
    }
    rate = phase.bandwidthBytesPerSecond;
  }
  return atUs - fromUs + timeUs(left, rate);
}

/** Bytes that the link carries at most from `fromUs` to `toUs`. */
export function carriedBytes({ bytesPerSecond, later }: LinkRates, fromUs: number, toUs: number): number {
  let bytes = 0;
  let atUs = fromUs;
  let rate = bytesPerSecond;
  for (const phase of later) {
    if (phase.atUs > atUs) {
      const untilUs = min(phase.atUs, toUs);
      bytes += (rate * (untilUs - atUs)) / 1e6;
      atUs = untilUs;
      if (untilUs === toUs) return bytes;
    }
    rate = phase.bandwidthBytesPerSecond;
  }
  return bytes + (rate * (toUs - atUs)) / 1e6;
}
