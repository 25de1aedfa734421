/**
 * CPU time that a page costs at either side, µs. At the source these are the figures by which stream.ts reckons time, without
 * the waits: for the link, and for an accelerator that compresses.
 */
import { type HostProfile, PAGE_BYTES } from '../../guest/spec.js';
import type { StreamSpec } from '../setup.js';
import { XBZRLE_HEADER_BYTES } from './xbzrle.js';

const { max, min } = Math;

/** CPU time of one page, µs. */
export interface PageCpu {
  /** The source: copying and sending, compressing or encrypting, looking for zeros. */
  readonly sendUs: number;
  readonly encodeUs: number;
  readonly zeroTestUs: number;
  /** The destination: receiving and placing, decompressing or decrypting. */
  readonly receiveUs: number;
  readonly decodeUs: number;
}

/**
 * A page that is sent with its content. What one side takes to compress and send is known as a whole; of it, what the
 * compressed bytes take to be sent counts as sending. Decrypting takes as long as encrypting. `wireBytes`: of the page.
 */
export function normalPageCpu(host: HostProfile, spec: StreamSpec, wireBytes: number): PageCpu {
  const share = min(1, wireBytes / PAGE_BYTES);
  const sendUs = (host.sendNsPerPage / 1000) * share;
  const receiveUs = (host.receiveNsPerPage / 1000) * share;
  const tlsUs = spec.tlsBytesPerSecond > 0 ? max(0, (wireBytes / spec.tlsBytesPerSecond) * 1e6 - sendUs) : 0;
  const isMultifd = spec.kind === 'multifd';
  const compresses = isMultifd && spec.compression !== 'none';
  const speed = spec.compressionBytesPerSecond;
  const packUs =
    compresses && speed > 0 ? (PAGE_BYTES / speed) * 1e6 * (spec.compressionCpuShare ?? 1) : sendUs;
  const unpackSpeed = spec.decompressionBytesPerSecond ?? 0;
  const unpackUs = compresses && unpackSpeed > 0 ? (PAGE_BYTES / unpackSpeed) * 1e6 : receiveUs;
  return {
    sendUs: min(sendUs, packUs),
    encodeUs: packUs - min(sendUs, packUs) + tlsUs,
    // Of the main channel it is part of sending; what a page that is not zero takes of multifd's channels has not been measured.
    zeroTestUs: isMultifd && spec.zeroPageDetection === 'legacy' ? host.zeroNsPerPage / 1000 : 0,
    receiveUs: min(receiveUs, unpackUs),
    decodeUs: unpackUs - min(receiveUs, unpackUs) + tlsUs,
  };
}

/** XBZRLE: encrypting, or decrypting, the encoded bytes of one page, µs; they are copied into a buffer with others. */
export function encodedTlsUs({ xbzrleEncodedBytes, tlsBytesPerSecond }: StreamSpec): number {
  if (tlsBytesPerSecond === 0) return 0;
  return ((XBZRLE_HEADER_BYTES + xbzrleEncodedBytes) / tlsBytesPerSecond) * 1e6;
}

/** A zero page: the destination looks whether its own page is zero too, and leaves it alone (ram.c:ram_handle_zero). */
export function zeroPageCpu(host: HostProfile): PageCpu {
  const testUs = host.zeroNsPerPage / 1000;
  return { sendUs: 0, encodeUs: 0, zeroTestUs: testUs, receiveUs: testUs, decodeUs: 0 };
}
