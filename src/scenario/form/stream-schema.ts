/** What a page costs on the wire: `plain`, `multifd`, `{ multifd: { channels: 4 } }`, `{ xbzrle: { … } }`. */
import * as z from 'zod/mini';
import { isMap, keysOf, nth } from '../../lists.js';
import type { StreamSpec } from '../../migration/setup.js';
import { COMPRESSORS, compressorNamed } from '../../migration/rules/compressors.js';
import { PLAIN_STREAM } from '../../migration/rules/stream.js';
import { either, rate, section, size, type Wrong } from './forms.js';
import { check, wrongsOf } from './problems.js';
import { transformed } from '../../options/zod.js';
import { expected, unknown } from '../../options/wording.js';

const ZERO_PAGE_DETECTION = ['none', 'legacy', 'multifd'] as const;

/** Keys that change the compression's row of the table. */
const COMPRESSION_KEYS = ['compression-ratio', 'compression-speed'] as const;
type CompressionKey = (typeof COMPRESSION_KEYS)[number];

/** Without `zeroPageDetection` where it hangs on the QEMU version. */
export type StreamChoice = Omit<StreamSpec, 'zeroPageDetection'> &
  Partial<Pick<StreamSpec, 'zeroPageDetection'>> & {
    /** Which of these was written. */
    readonly given?: readonly CompressionKey[];
  };

const tls = z.prefault(
  rate('what one channel with TLS carries on the wire, sending included; 0: no TLS', {
    zero: true,
    max: '1TiB/s',
  }),
  0,
);

interface CompressionChoice {
  readonly name: string;
  readonly ratio: number;
  readonly bytesPerSecond: number;
  readonly cpuShare: number;
  readonly decompressionBytesPerSecond: number;
}

const own = transformed(
  section('{ name: mine, ratio: 2.2, speed: 400MB/s }', {
    name: z
      .string()
      .check(
        z.minLength(1),
        z.maxLength(40),
        z.describe('one that QEMU has, to change it, or a name of your own'),
      ),
    ratio: { kind: 'number', min: 1, max: 1000, optional: true, summary: 'bytes in per byte out' },
    speed: {
      kind: 'rate',
      max: '1TiB/s',
      optional: true,
      summary: 'uncompressed bytes of one channel, sending included',
    },
    cpu: {
      kind: 'share',
      zero: true,
      max: '100%',
      optional: true,
      summary: "what part of a channel's time is CPU time; 100% where nothing is known",
    },
    'decompression-speed': {
      kind: 'rate',
      zero: true,
      max: '1TiB/s',
      optional: true,
      summary: 'uncompressed bytes that the destination takes in per second of CPU time, receiving included',
    },
  }),
  (form, refuse): CompressionChoice => {
    const known = compressorNamed(form.name);
    const ratio = form.ratio ?? known?.ratio;
    const bytesPerSecond = form.speed ?? known?.bytesPerSecond;
    if (ratio === undefined || bytesPerSecond === undefined) {
      return refuse(`${form.name} is not one of ${COMPRESSORS.join(', ')}; expected its ratio and speed`);
    }
    return {
      name: form.name,
      ratio,
      bytesPerSecond,
      cpuShare: form.cpu ?? known?.cpuShare ?? 1,
      decompressionBytesPerSecond: form['decompression-speed'] ?? known?.decompressionBytesPerSecond ?? 0,
    };
  },
);

/** multifd-compression: a name of the table, or a row of one's own. */
const compression: z.ZodMiniType<CompressionChoice, unknown> = either(
  'multifd-compression: one of the table, or { name, ratio, speed }',
  () => [z.enum(COMPRESSORS), own],
  (input, wrong) => {
    if (isMap(input)) {
      const result = check(own, input);
      if ('value' in result) return result.value;
      wrong(...wrongsOf(result.problems, []));
      return undefined;
    }
    const known = typeof input === 'string' ? compressorNamed(input) : undefined;
    if (typeof input === 'string' && known !== undefined) return { name: input, ...known };
    const such = `one of ${COMPRESSORS.join(', ')}, or a map such as { name: mine, ratio: 2.2, speed: 400MB/s }`;
    const message =
      typeof input === 'string' ? unknown('compression', input, COMPRESSORS) : expected(such, input);
    wrong({ message });
    return undefined;
  },
);

const plain = transformed(section('{ tls: 3GB/s }', { tls }), (form): StreamChoice => ({
  ...PLAIN_STREAM,
  tlsBytesPerSecond: form.tls,
}));

const multifd = transformed(
  section('{ channels: 4, compression: zstd }', {
    channels: { kind: 'count', min: 1, max: 255, default: 2, summary: 'multifd-channels' },
    compression: z.prefault(compression, 'none'),
    'compression-ratio': {
      kind: 'number',
      min: 1,
      max: 1000,
      optional: true,
      summary: 'bytes in per byte out, instead of the one of the table',
    },
    'compression-speed': {
      kind: 'rate',
      max: '1TiB/s',
      optional: true,
      summary: 'uncompressed bytes of one channel, sending included, instead of those of the table',
    },
    'zero-page-detection': {
      kind: 'choice',
      choices: ZERO_PAGE_DETECTION,
      optional: true,
      summary: 'when left out, multifd, and legacy for machine types before 9.0; QEMU 9.0 and later',
    },
    tls,
  }),
  (form): StreamChoice => {
    const usual = form.compression;
    const { zeroPageDetection: _, ...rest } = PLAIN_STREAM;
    const detection = form['zero-page-detection'];
    return {
      ...rest,
      kind: 'multifd',
      channels: form.channels,
      compression: usual.name,
      compressionRatio: form['compression-ratio'] ?? usual.ratio,
      given: COMPRESSION_KEYS.filter((key) => form[key] !== undefined),
      compressionBytesPerSecond: form['compression-speed'] ?? usual.bytesPerSecond,
      compressionCpuShare: usual.cpuShare,
      decompressionBytesPerSecond: usual.decompressionBytesPerSecond,
      ...(detection === undefined ? {} : { zeroPageDetection: detection }),
      tlsBytesPerSecond: form.tls,
    };
  },
);

/** xbzrle-cache-size: a power of two of at least a page (options.c). */
const cacheSize = z
  .prefault(
    size('xbzrle-cache-size, a power of two; as large as the guest is as good as larger', {
      min: '4KiB',
      max: '64TiB',
    }),
    '64MiB',
  )
  .check(
    z.superRefine((bytes, context) => {
      const log = Math.log2(bytes);
      if (Number.isInteger(log)) return;
      context.addIssue(
        `expected a power of two, such as ${2 ** Math.round(log - 20)}MiB, got ${bytes} bytes`,
      );
    }),
  );

const xbzrle = transformed(
  section('{ cache-size: 256MiB }', {
    'cache-size': cacheSize,
    encoded: {
      kind: 'size',
      zero: true,
      max: '4KiB',
      default: '512B',
      summary: 'encoded bytes of a page that was written again',
    },
    overflow: {
      kind: 'share',
      zero: true,
      max: '100%',
      default: '5%',
      summary: 'share of rewritten pages whose encoding is no shorter than the page',
    },
    speed: {
      kind: 'rate',
      max: '1TiB/s',
      default: '1.8GB/s',
      summary: 'how fast the migration thread encodes; 1.5 to 2.2 GB/s were measured',
    },
    tls,
  }),
  (form): StreamChoice => ({
    ...PLAIN_STREAM,
    kind: 'xbzrle',
    xbzrleCacheBytes: form['cache-size'],
    xbzrleEncodedBytes: form.encoded,
    xbzrleOverflowShare: form.overflow,
    xbzrleBytesPerSecond: form.speed,
    tlsBytesPerSecond: form.tls,
  }),
);

const kinds = { plain, multifd, xbzrle };
const names = keysOf(kinds);

/** `migration.stream`. */
export const streamSchema: z.ZodMiniType<StreamChoice, unknown> = either(
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
    const message = unknown('stream', nth(words, 0), names);
    wrong(typeof input === 'string' ? { message } : { path: [nth(words, 0)], at: 'key', message });
    return undefined;
  }
  const result = check(kinds[name], (isMap(input) ? input[name] : undefined) ?? {});
  if ('value' in result) return result.value;
  wrong(...wrongsOf(result.problems, [name]));
  return undefined;
}
