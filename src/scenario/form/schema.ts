/**
 * The form of a scenario file. These tables are the only place where a key is described: types, defaults, checks, error
 * messages, `explain`, docs/scenario.md and the JSON Schema for editors come from them.
 */
import { z } from 'zod';
import { isMap } from '../../lists.js';
import { hostFields } from '../../guest/host-profiles/fields.js';
import { hostProfiles } from '../../guest/host-profiles/index.js';
import { DEFAULT_POLICY, policySchema, strategySchema } from './choice-schema.js';
import { either, list, ringSize, section, share, size, type QuantityOptions } from './forms.js';
import { check, wrongsOf } from './problems.js';
import { expected, expectedWord, oneOf } from '../../options/wording.js';
import { SCHEDULED_COMMANDS } from '../../migration/runtime-parameters.js';
import { runtimeOptions } from '../../strategies/kit/runtime-options.js';
import { streamSchema } from './stream-schema.js';
import { variabilitySchema } from '../variability-schema.js';
import { versionSchema } from './version-schema.js';
import { workloadSchema } from './workload-schema.js';

/** Payload of a full TCP segment (1500-byte frames, timestamps on) per byte on the Ethernet, preamble and gap included. */
const TCP_OVER_ETHERNET = 1448 / 1538;

/** Names that stand in keys such as `writer.work-done`, in tables and in CSV. */
const groupName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, {
    error: ({ input }) => expected('a name of letters, digits, - and _, such as writer', input),
  })
  .describe('vCPUs of one name form a group; when left out, what they do');

const vcpus = section('{ count: 4, workload: stress }', {
  name: groupName.optional(),
  count: { kind: 'count', min: 1, max: 4096, default: 1, summary: 'number of such vCPUs' },
  workload: workloadSchema('what each vCPU does').prefault('idle'),
  shared: {
    kind: 'flag',
    optional: true,
    summary: 'true: these vCPUs use one working set together, else each has its own',
  },
  compressibility: {
    kind: 'number',
    min: 1,
    max: 1000,
    optional: true,
    summary: "that of the pages of their working sets; when left out, the guest's",
  },
  cpu: {
    kind: 'share',
    max: '100%',
    optional: true,
    summary: 'share of its run time that a vCPU needs for its work; 100%: it goes as fast as it goes',
  },
  'catch-up': {
    kind: 'flag',
    optional: true,
    summary:
      'true: work waits, as for a server whose clients wait: held back, a vCPU that needs less than all its time makes up for it ' +
      'at full speed when it runs again (1 s of work at most); false: what it did not do is lost. ' +
      'When left out, true for database and memcached-like',
  },
  fork: section('{ at: 20s }', {
    at: { kind: 'duration', zero: true, max: '24h', summary: 'when, since the start of the migration' },
    every: {
      kind: 'duration',
      min: '1s',
      max: '24h',
      optional: true,
      summary: 'and again each time so much later; when left out, once',
    },
  })
    .describe(
      'its process forks, as Redis for a background save: the first write to each page copies it to another page, ' +
        'which later writes go to as well; takes memory as large as the working sets for the copies',
    )
    .optional(),
  at: {
    kind: 'size',
    zero: true,
    max: '64TiB',
    optional: true,
    summary: 'where the working sets begin in RAM; when left out, after the previous ones, around zero pages',
  },
});

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

const zeroPages: z.ZodType<ZeroPages, unknown> = either(
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

const freePageHint: z.ZodType<FreeMemory, unknown> = either(
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

const guest = section('{ memory: 16GiB, vcpus: [{ count: 4, workload: stress }] }', {
  memory: { kind: 'size', min: '1MiB', max: '64TiB', summary: 'guest RAM' },
  'zero-pages': zeroPages.prefault('0%'),
  'free-page-hint': freePageHint.prefault(0),
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
  'dirty-ring-size': ringSize(
    "entries of each vCPU's dirty ring (-accel kvm,dirty-ring-size=…); 0: the dirty bitmap",
  ).prefault(0),
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
  devices: list(device, '[{ stop-copy: 4MiB, speed: 100MiB/s }]')
    .describe('devices passed through by VFIO, whose state migrates too')
    .default([]),
  dma: section('{ write: 200MiB/s, working-set: 1GiB }', {
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
  })
    .describe(
      'what devices (VFIO, vhost, virtio) write into guest RAM, all together: no throttle and no dirty limit holds them back, ' +
        'and no dirty ring sees it; every bitmap sync does',
    )
    .optional(),
  vcpus: list(vcpus, '[{ count: 4, workload: stress }]').min(1).describe('groups of vCPUs'),
});

const host = section('{ profile: default }', {
  profile: {
    kind: 'choice',
    choices: Object.keys(hostProfiles),
    default: 'default',
    summary: 'what the host costs: docs/host-profiles.md',
  },
  variability: variabilitySchema.prefault('profile'),
  ...Object.fromEntries(
    Object.values(hostFields).map(({ key, ...entry }) => [
      key,
      { ...entry, default: undefined, optional: true as const },
    ]),
  ),
});

const LINK_RATE: QuantityOptions = { min: '1kbit/s', max: '100Tbit/s' };

const link = section('{ bandwidth: 10Gbit/s, latency: 100us }', {
  bandwidth: { kind: 'link-rate', ...LINK_RATE, summary: 'what the link carries, headers included' },
  latency: { kind: 'duration', zero: true, max: '10s', default: '100us', summary: 'one way' },
  efficiency: share(
    'payload as a share of the bandwidth; when left out, TCP in 1500-byte Ethernet frames: 94.1%',
    { max: '100%' },
  ).default(TCP_OVER_ETHERNET),
  jitter: {
    kind: 'share',
    zero: true,
    max: '50%',
    default: '0%',
    summary: 'how much the bandwidth varies from one 50 ms to the next: standard deviation',
  },
  phases: z
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
    .describe('steps, drops and competing traffic, in order of time')
    .default([]),
  outages: z
    .array(
      section('{ from: 30s, for: 5s }', {
        from: { kind: 'duration', zero: true, max: '24h', summary: 'since the start of the migration' },
        for: { kind: 'duration', max: '24h', summary: 'how long' },
      }),
    )
    .describe('the network is down: a pre-copy migration fails, post-copy pauses')
    .default([]),
});

const UNLIMITED = { unlimited: 0 };

/** What people write for commands that QMP has under other names, and under more than one. */
const MEANT_COMMANDS: Readonly<Record<string, string>> = {
  pause: 'stop, which stops the guest, or migrate-pause, which interrupts post-copy',
  suspend: 'stop, which stops the guest',
  continue: 'cont, which lets the guest run, or migrate-continue, which answers pre-switchover',
  resume: 'cont, which lets the guest run, or migrate-recover, which goes on with post-copy',
  recover: 'migrate-recover',
  postcopy: 'start-postcopy',
};

function expectedCommand(input: unknown): string {
  const meant = typeof input === 'string' ? MEANT_COMMANDS[input] : undefined;
  if (meant === undefined) return expectedWord(SCHEDULED_COMMANDS, input);
  return `${expected(oneOf(SCHEDULED_COMMANDS), input)}; did you mean ${meant}?`;
}

const schedule = list(
  section('{ after: 8s, set: { max-bandwidth: 50MiB/s } }', {
    after: {
      kind: 'duration',
      zero: true,
      max: '24h',
      optional: true,
      summary: 'since the start of the migration',
    },
    'at-sync': { kind: 'count', min: 1, optional: true, summary: 'when dirty-sync-count reaches it' },
    set: runtimeOptions.optional(),
    do: z
      .enum(SCHEDULED_COMMANDS, { error: ({ input }) => expectedCommand(input) })
      .describe(
        'QMP command: stop and cont act on the guest, migrate-continue answers pre-switchover; start-postcopy, migrate-pause ' +
          'and migrate-recover need postcopy-ram',
      )
      .optional(),
  }),
  '[{ after: 8s, set: { max-bandwidth: 50MiB/s } }, { after: 20s, do: start-postcopy }]',
)
  .describe('what is done to the running migration, in order')
  .default([]);

const migration = section('{ max-bandwidth: 1GiB/s, downtime-limit: 300ms }', {
  qemu: versionSchema('whose rules apply: a QEMU version, a package version or a distribution').prefault(
    '10.0',
  ),
  machine: versionSchema(
    'machine type, where it is older than QEMU: multifd syncs and zero-page detection go with it',
  ).optional(),
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
  stream: streamSchema.prefault('plain'),
  at: schedule,
});

/** Conditions by measure, or (under `relations`) a list of texts. */
export type ExpectationForm = Readonly<Record<string, string>> | readonly string[];

const conditions = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const relations = z.array(z.string());

const expectation: z.ZodType<ExpectationForm, unknown> = either(
  "conditions such as { converges: true, total-time: '< 60s' }; under relations: a list of texts",
  () => [conditions, relations],
  (input, wrong) => {
    const entries = isMap(input) || Array.isArray(input) ? Object.entries<unknown>(input) : null;
    if (entries === null) {
      wrong({ message: expected("a map such as { converges: true, total-time: '< 60s' }", input) });
      return undefined;
    }
    const fault = entries.find(([, value]) => typeof value === 'object');
    if (fault !== undefined) {
      const message = expected("a condition such as true, '< 60s' or '>= 99%'", fault[1]);
      wrong({ path: [fault[0]], message });
      return undefined;
    }
    const texts = entries.map(([key, value]) => [key, String(value)] as const);
    return Array.isArray(input) ? texts.map(([, text]) => text) : Object.fromEntries(texts);
  },
);

export const scenarioSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    // Terminals obey control characters, and spreadsheets take these beginnings for formulas.
    .regex(/^[^=+\-@\p{Cc}]\P{Cc}*$/u, 'expected one line of text that does not begin with =, +, - or @')
    .describe('when left out, the name of the file')
    .optional(),
  guest: guest.describe('the virtual machine and what its vCPUs do'),
  host: host.describe('what the hosts cost: docs/host-profiles.md').prefault({}),
  link: link.describe('between source and destination'),
  migration: migration.describe("QEMU's own parameters, by QEMU's own defaults").prefault({}),
  policy: policySchema('when to stop, wait or change course, from outside').prefault(DEFAULT_POLICY),
  strategies: list(strategySchema('how fast the guest may write'), '[none, auto-converge]')
    .min(1)
    .describe('one run each')
    .prefault(['none']),
  expect: z
    .record(z.string(), expectation)
    .describe('what must hold: conditions by strategy, and relations between strategies')
    .default({}),
});

/** A checked scenario file. */
export type ScenarioFile = z.output<typeof scenarioSchema>;
