/** `guest:` of a scenario file, without its vCPUs. */
import * as z from 'zod/mini';
import { either, list, ringSize, section, share, size } from './forms.js';
import { check, wrongsOf } from './problems.js';
import { expected } from '../../options/wording.js';
import { vcpus } from './vcpus-section.js';

const device = section('{ stop-copy: 4MiB, speed: 100MiB/s }', {
  count: { kind: 'count', min: 1, max: 256, default: 1, summary: 'number of such devices' },
  'stop-copy': {
    kind: 'size',
    zero: true,
    max: '1TiB',
    summary: 'state that it sends only when it is stopped (stop_copy_length without what pre-copy sends)',
  },
  'pre-copy': {
    kind: 'size',
    zero: true,
    max: '1TiB',
    default: 0,
    summary: 'state that it sends while the guest runs (initial_bytes); QEMU 8.1 and later',
  },
  dirty: {
    kind: 'rate',
    zero: true,
    max: '1TiB/s',
    default: 0,
    summary: 'how fast its pre-copy state changes again (dirty_bytes)',
  },
  speed: {
    kind: 'rate',
    zero: true,
    max: '1TiB/s',
    default: 0,
    summary: 'how fast the device itself hands over its state; 0: faster than the link',
  },
  stop: {
    kind: 'duration',
    zero: true,
    max: '1h',
    default: 0,
    summary: 'what stopping it at the source takes',
  },
  start: {
    kind: 'duration',
    zero: true,
    max: '1h',
    default: 0,
    summary: 'what starting it at the destination takes',
  },
});

const zeroShare = share('share of RAM, spread over what working sets leave', {
  zero: true,
  max: '100%',
});
const zeroStretches = list(
  section('{ at: 1GiB, size: 512MiB }', {
    at: { kind: 'size', zero: true, max: '64TiB', summary: 'where the stretch begins in RAM' },
    size: { kind: 'size', min: '4KiB', max: '64TiB', summary: 'how long it is' },
  }),
  '[{ at: 1GiB, size: 512MiB }]',
);

/** A share of RAM, or stretches of it, in bytes. */
export type ZeroPages = number | z.output<typeof zeroStretches>;

const zeroPages: z.ZodMiniType<ZeroPages, unknown> = either(
  'memory that is zero pages: a share of RAM, spread over what working sets leave in blocks of at most 4 MiB, ' +
    'or a list of stretches such as [{ at: 1GiB, size: 512MiB }], in order of address',
  () => [zeroShare, zeroStretches],
  (input, wrong): ZeroPages | undefined => {
    const result = check(Array.isArray(input) ? zeroStretches : zeroShare, input);
    if ('value' in result) return result.value;
    wrong(...wrongsOf(result.problems, []));
    return undefined;
  },
);

/** Memory that the guest reports as free: a share of RAM, or bytes. */
export interface FreeMemory {
  readonly unit: 'share' | 'bytes';
  readonly value: number;
}

const freeShare = share('share of RAM', { zero: true, max: '100%' });
const freeSize = size('a part of RAM', { zero: true, max: '64TiB' });

const freePageHint: z.ZodMiniType<FreeMemory, unknown> = either(
  'free page hinting (-device virtio-balloon,free-page-hint=on): memory that the guest reports as free, zero pages among it, ' +
    'and that is not sent at all, as a share of RAM or a size; 0: hinting is off',
  () => [freeShare, freeSize],
  (input, wrong): FreeMemory | undefined => {
    const isShare = typeof input === 'string' && input.trim().endsWith('%');
    const result = check(isShare ? freeShare : freeSize, input);
    if ('value' in result) return { unit: isShare ? 'share' : 'bytes', value: result.value };
    wrong({ message: expected('a share of RAM such as 80%, or a size such as 6GiB', input) });
    return undefined;
  },
);

export const guest = section('{ memory: 16GiB, vcpus: [{ count: 4, workload: stress }] }', {
  memory: { kind: 'size', min: '1MiB', max: '64TiB', summary: 'guest RAM' },
  'zero-pages': z.prefault(zeroPages, '0%'),
  'free-page-hint': z.prefault(freePageHint, 0),
  balloon: {
    kind: 'size',
    zero: true,
    max: '64TiB',
    default: 0,
    summary:
      'size of an inflated balloon: pages that the guest gave back, read as zero pages, and sent as such',
  },
  compressibility: {
    kind: 'number',
    min: 1,
    max: 1000,
    optional: true,
    summary:
      'how far the content of pages compresses: bytes in per byte out of zstd at its first level, from which the ratio of ' +
      'each multifd compression follows; when left out, that of its table. Zero pages do not count',
  },
  'dirty-ring-size': z.prefault(
    ringSize("entries of each vCPU's dirty ring (-accel kvm,dirty-ring-size=…); 0: the dirty bitmap"),
    0,
  ),
  'host-page': {
    kind: 'choice',
    choices: ['4KiB', '2MiB', '1GiB'],
    default: '4KiB',
    summary: 'page size on the host; dirty pages of one host page are sent together',
  },
  hidden: {
    kind: 'size',
    zero: true,
    max: '64GiB',
    default: '17MiB',
    summary: 'ROMs and video memory, migrated like RAM; the default is that of machine type pc',
  },
  devices: z._default(
    list(device, '[{ stop-copy: 4MiB, speed: 100MiB/s }]').check(
      z.describe('devices passed through by VFIO, whose state migrates too'),
    ),
    [],
  ),
  dma: z.optional(
    section('{ write: 200MiB/s, working-set: 1GiB }', {
      write: {
        kind: 'rate',
        max: '1TiB/s',
        summary: 'page writes a second times 4 KiB, to any page of the working set',
      },
      'working-set': {
        kind: 'size',
        min: '4KiB',
        max: '64TiB',
        summary: 'the buffers that they write, behind those of the vCPUs',
      },
    }).check(
      z.describe(
        'what devices (VFIO, vhost, virtio) write into guest RAM, all together: no throttle and no dirty limit holds them back, ' +
          'and no dirty ring sees it; every bitmap sync does',
      ),
    ),
  ),
  vcpus: list(vcpus, '[{ count: 4, workload: stress }]').check(z.minLength(1), z.describe('groups of vCPUs')),
});
