/** What a page costs on the wire: `plain`, `multifd`, `{ multifd: { channels: 4 } }`, `{ xbzrle: { … } }`. */
import { z } from 'zod';
import type { StreamSpec } from '../migration/setup.js';
import { PLAIN_STREAM } from '../migration/rules/stream.js';
import { either, isMap, rate, section, share, size, type Wrong } from './forms.js';
import { check, wrongsOf } from './problems.js';
import { expected, unknown } from './wording.js';

const ZERO_PAGE_DETECTION = ['none', 'legacy', 'multifd'] as const;

/** Without `zeroPageDetection` where it hangs on the QEMU version. */
export type StreamChoice = Omit<StreamSpec, 'zeroPageDetection'> &
  Partial<Pick<StreamSpec, 'zeroPageDetection'>>;

const tls = rate('what one channel encrypts; 0: no TLS', { zero: true, max: '1TiB/s' }).prefault(0);

/** Sources: KubeVirt measured 3 to 3.6 for zstd; the other figures are assumptions about one core of a current server. */
const COMPRESSION = {
  none: { ratio: 1, bytesPerSecond: 0 },
  zlib: { ratio: 3, bytesPerSecond: 80e6 },
  zstd: { ratio: 3.3, bytesPerSecond: 500e6 },
} as const;

const plain = section('{ tls: 3GB/s }', { tls }).transform((form): StreamChoice => ({
  ...PLAIN_STREAM,
  tlsBytesPerSecond: form.tls,
}));

const multifd = section('{ channels: 4, compression: zstd }', {
  channels: z.int().min(1).max(255).describe('multifd-channels').default(2),
  compression: z.enum(['none', 'zlib', 'zstd']).describe('multifd-compression').default('none'),
  'compression-ratio': z
    .number()
    .min(1)
    .max(1000)
    .describe('bytes in per byte out; when left out, 3 for zlib and 3.3 for zstd')
    .optional(),
  'compression-speed': rate(
    'what one channel compresses; when left out, 80MB/s for zlib and 500MB/s for zstd',
    {
      max: '1TiB/s',
    },
  ).optional(),
  'zero-page-detection': z
    .enum(ZERO_PAGE_DETECTION)
    .describe('when left out, multifd, and legacy for machine types before 9.0; QEMU 9.0 and later')
    .optional(),
  tls,
}).transform((form): StreamChoice => {
  const usual = COMPRESSION[form.compression];
  const { zeroPageDetection: _, ...rest } = PLAIN_STREAM;
  const detection = form['zero-page-detection'];
  return {
    ...rest,
    kind: 'multifd',
    channels: form.channels,
    compression: form.compression,
    compressionRatio: form['compression-ratio'] ?? usual.ratio,
    compressionBytesPerSecond: form['compression-speed'] ?? usual.bytesPerSecond,
    ...(detection === undefined ? {} : { zeroPageDetection: detection }),
    tlsBytesPerSecond: form.tls,
  };
});

/** xbzrle-cache-size: a power of two of at least a page (options.c). */
const cacheSize = size('xbzrle-cache-size, a power of two; as large as the guest is as good as larger', {
  min: '4KiB',
  max: '64TiB',
})
  .prefault('64MiB')
  .superRefine((bytes, context) => {
    const log = Math.log2(bytes);
    if (Number.isInteger(log)) return;
    context.addIssue(`expected a power of two, such as ${2 ** Math.round(log - 20)}MiB, got ${bytes} bytes`);
  });

const xbzrle = section('{ cache-size: 256MiB }', {
  'cache-size': cacheSize,
  encoded: size('encoded bytes of a page that was written again', { zero: true, max: '4KiB' }).prefault(
    '512B',
  ),
  overflow: share('share of rewritten pages whose encoding is no shorter than the page', {
    zero: true,
    max: '100%',
  }).prefault('5%'),
  speed: rate('how fast the migration thread encodes; 1.5 to 2.2 GB/s were measured', {
    max: '1TiB/s',
  }).prefault('1.8GB/s'),
  tls,
}).transform((form): StreamChoice => ({
  ...PLAIN_STREAM,
  kind: 'xbzrle',
  xbzrleCacheBytes: form['cache-size'],
  xbzrleEncodedBytes: form.encoded,
  xbzrleOverflowShare: form.overflow,
  xbzrleBytesPerSecond: form.speed,
  tlsBytesPerSecond: form.tls,
}));

const kinds = { plain, multifd, xbzrle };
type Kind = keyof typeof kinds;
const names = Object.keys(kinds) as Kind[];

/** `migration.stream`. */
export const streamSchema: z.ZodType<StreamChoice, unknown> = either(
  'what a page costs on the wire',
  () => [z.enum(names), ...names.map((name) => z.strictObject({ [name]: kinds[name] }))],
  readStream,
);

function readStream(input: unknown, wrong: (...wrongs: readonly Wrong[]) => void): StreamChoice | undefined {
  const words = typeof input === 'string' ? [input] : isMap(input) ? Object.keys(input) : [];
  if (words.length !== 1) {
    wrong({
      message: expected(`one of ${names.join(', ')}, or a map such as { multifd: { channels: 4 } }`, input),
    });
    return undefined;
  }
  const name = names.find((one) => one === words[0]);
  if (name === undefined) {
    const message = unknown('stream', words[0]!, names);
    wrong(typeof input === 'string' ? { message } : { path: [words[0]!], at: 'key', message });
    return undefined;
  }
  const result = check(kinds[name], (isMap(input) ? input[name] : undefined) ?? {});
  if ('value' in result) return result.value;
  wrong(...wrongsOf(result.problems, [name]));
  return undefined;
}
