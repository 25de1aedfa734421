/** `migration:` of a scenario file. */
import * as z from 'zod/mini';
import { section } from './forms.js';
import { schedule } from './schedule-section.js';
import { streamSchema } from './stream-schema.js';
import { versionSchema } from './version-schema.js';

const UNLIMITED = { unlimited: 0 };

export const migration = section('{ max-bandwidth: 1GiB/s, downtime-limit: 300ms }', {
  qemu: z.prefault(
    versionSchema('whose rules apply: a QEMU version, a package version or a distribution'),
    '10.0',
  ),
  machine: z.optional(
    versionSchema(
      'machine type, where it is older than QEMU: multifd syncs and zero-page detection go with it',
    ),
  ),
  'max-bandwidth': {
    kind: 'rate',
    max: '100Tbit/s',
    bare: 'B/s',
    zero: true,
    words: UNLIMITED,
    default: '128MiB/s',
    summary: "QEMU's own default is 128MiB/s; libvirt sets none",
  },
  'downtime-limit': {
    kind: 'duration',
    zero: true,
    max: '2000s',
    bare: 'ms',
    default: '300ms',
    summary: 'how long the guest may be stopped, as QEMU estimates it',
  },
  'avail-switchover-bandwidth': {
    kind: 'rate',
    max: '100Tbit/s',
    zero: true,
    default: 0,
    summary: 'what the switchover may count on; 0: the estimate. QEMU 8.2 and later',
  },
  'return-path': {
    kind: 'flag',
    default: false,
    summary: 'the source waits until the destination runs; libvirt sets it',
  },
  'pause-before-switchover': {
    kind: 'flag',
    default: false,
    summary: 'wait for migrate-continue; libvirt sets it',
  },
  'migrate-continue-delay': {
    kind: 'duration',
    zero: true,
    max: '1h',
    default: 0,
    summary: 'how long the orchestrator takes for it',
  },
  'orchestrator-cont': {
    kind: 'duration',
    zero: true,
    max: '1h',
    default: 0,
    summary:
      'how long the orchestrator takes after completion until the destination runs (libvirt); 0: QEMU starts it',
  },
  'manual-dirty-log-protect': {
    kind: 'flag',
    default: true,
    summary: 'KVM re-arms pages when they are sent, not at syncs',
  },
  'clear-bitmap-shift': {
    kind: 'count',
    min: 6,
    max: 31,
    default: 18,
    summary: 'log2 of the pages that are re-armed together (x-clear-bitmap-shift)',
  },
  'give-up-after': {
    kind: 'duration',
    zero: true,
    max: '30000h',
    words: { never: 0 },
    optional: true,
    summary:
      'cancelled when it has not completed by then; when left out, 10min, or never where the policy has a time-out of its own',
  },
  'postcopy-ram': {
    kind: 'flag',
    default: false,
    summary: 'the capability; a policy decides when to switch',
  },
  'postcopy-preempt': {
    kind: 'flag',
    default: false,
    summary: 'requested pages go over a channel of their own',
  },
  'max-postcopy-bandwidth': {
    kind: 'rate',
    max: '100Tbit/s',
    zero: true,
    words: UNLIMITED,
    default: 'unlimited',
    summary: 'of the background push in post-copy',
  },
  'postcopy-recover': {
    kind: 'flag',
    default: true,
    summary: 'after a network failure in post-copy the migration is recovered; false: the guest is lost',
  },
  stream: z.prefault(streamSchema, 'plain'),
  at: schedule,
});
