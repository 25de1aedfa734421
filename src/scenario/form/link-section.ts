/** `link:` of a scenario file. */
import * as z from 'zod/mini';
import { section, share, type QuantityOptions } from './forms.js';

/** Payload of a full TCP segment (1500-byte frames, timestamps on) per byte on the Ethernet, preamble and gap included. */
const TCP_OVER_ETHERNET = 1448 / 1538;

const LINK_RATE: QuantityOptions = { min: '1kbit/s', max: '100Tbit/s' };

export const link = section('{ bandwidth: 10Gbit/s, latency: 100us }', {
  bandwidth: { kind: 'link-rate', ...LINK_RATE, summary: 'what the link carries, headers included' },
  latency: { kind: 'duration', zero: true, max: '10s', default: '100us', summary: 'one way' },
  efficiency: z._default(
    share('payload as a share of the bandwidth; when left out, TCP in 1500-byte Ethernet frames: 94.1%', {
      max: '100%',
    }),
    TCP_OVER_ETHERNET,
  ),
  jitter: {
    kind: 'share',
    zero: true,
    max: '50%',
    default: '0%',
    summary: 'how much the bandwidth varies from one 50 ms to the next: standard deviation',
  },
  phases: z._default(
    z
      .array(
        section('{ from: 60s, bandwidth: 1Gbit/s }', {
          from: { kind: 'duration', zero: true, max: '24h', summary: 'since the start of the migration' },
          bandwidth: {
            kind: 'link-rate',
            ...LINK_RATE,
            optional: true,
            summary: 'from then on; when left out, the bandwidth of the link',
          },
          latency: {
            kind: 'duration',
            zero: true,
            max: '10s',
            optional: true,
            summary: 'from then on; when left out, the latency of the link',
          },
        }),
      )
      .check(z.describe('steps, drops and competing traffic, in order of time')),
    [],
  ),
  outages: z._default(
    z
      .array(
        section('{ from: 30s, for: 5s }', {
          from: { kind: 'duration', zero: true, max: '24h', summary: 'since the start of the migration' },
          for: { kind: 'duration', max: '24h', summary: 'how long' },
        }),
      )
      .check(z.describe('the network is down: a pre-copy migration fails, post-copy pauses')),
    [],
  ),
});
