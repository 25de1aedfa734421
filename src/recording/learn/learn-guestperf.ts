/**
 * The run that a report of guestperf is of, as a scenario. guestperf says nearly everything: the guest, the switches and the
 * load (stress.c: one thread a CPU rewrites its share of memory page after page, forever). What it does not say is how fast the
 * load goes undisturbed, and what the network carries; both are read off its records.
 */
import { lastOf } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { fileName } from '../../formats/text.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { QemuVersion } from '../../migration/rules/versions.js';
import { median } from '../../stats/summary.js';
import { formatBytes, formatBytesPerSecond, formatDurationMs, MIB } from '../../units.js';
import type { GuestperfForm, GuestperfReport } from '../../formats/guestperf/read.js';
import {
  BESIDE_LOAD_BYTES,
  guestperfInWords,
  type GuestperfInWords,
  UNLIMITED_MIB_PER_S,
} from '../../formats/guestperf/words.js';
import { comment, exactSize } from './answer/scenario-text.js';
import { largest, smallest } from '../../stats/extremes.js';

const { floor, max, min, round } = Math;

/** What a report says of its run. */
export interface LearnedGuestperf {
  readonly file: string;
  readonly name: string;
  readonly guest: {
    readonly vcpus: number;
    readonly ramBytes: number;
    /** ROMs and video memory. */
    readonly hiddenBytes: number;
    readonly zeroBytes: number;
    readonly dirtyRingSize: number;
    /** B/s that each vCPU rewrites undisturbed. */
    readonly writeBytesPerSecond: number;
  };
  readonly linkBytesPerSecond: number;
  readonly qemu: QemuVersion;
  readonly words: GuestperfInWords;
  /** How the report ends, in words. */
  readonly ending: string;
  /** Sentences, no full stop: what the report does not say, and what cannot be done as it was. */
  readonly assumptions: readonly string[];
}

/** @throws UsageError with the field where the report is of no guest of guestperf's, or of what QEMU refuses */
export function learnGuestperf(report: GuestperfReport): LearnedGuestperf {
  const { file, hardware, scenario } = report;
  const ramMib = floor(hardware.mem * 1024) + BESIDE_LOAD_BYTES / MIB;
  const ramBytes = ramMib * MIB;
  if (hardware.mem * 1024 < hardware.cpus) {
    const text = `less than 1 MiB for each of ${hardware.cpus} CPUs`;
    throw new UsageError(`hardware.mem: ${text}; is it in GiB?`, { file });
  }
  checkRing(hardware.dirty_ring_size, scenario.dirty_limit, file);
  const hiddenBytes = hiddenOf(report, ramBytes);
  const words = guestperfInWords({ ...scenario, downtime: report.downtimeLimitMs }, hardware.mem, file);
  const speed = loadSpeed(report);
  const link = linkOf(report);
  const qemu = QEMU_OF[report.form];
  const ignored = (['huge_pages', 'prealloc_pages', 'locked_pages'] as const).filter((one) => hardware[one]);
  return {
    file,
    name: scenario.name,
    guest: {
      vcpus: hardware.cpus,
      ramBytes,
      hiddenBytes,
      zeroBytes: min(BESIDE_LOAD_BYTES, max(0, zeroPagesOf(report) * PAGE_BYTES - hiddenBytes)),
      dirtyRingSize: hardware.dirty_ring_size,
      writeBytesPerSecond: speed.bytesPerSecond,
    },
    linkBytesPerSecond: link.bytesPerSecond,
    qemu,
    words,
    ending: endingOf(report),
    assumptions: [
      speed.said,
      link.said,
      `QEMU was ${qemu}: the report has guestperf's form of ${report.form} and names no version`,
      "the host is migsim's default one",
      ...(report.form === 2016
        ? [`downtime-limit was ${scenario.downtime}/1024 s, as guestperf set it until 2021`]
        : []),
      ...words.notes,
      ...(report.transport === 'rdma' ? ['RDMA is not simulated: its rate is that of the link'] : []),
      ...(ignored.length > 0 ? [`${ignored.join(', ')}: not simulated`] : []),
    ],
  };
}

/** The nearest of the versions that migsim knows to those that had such a guestperf. */
const QEMU_OF: Readonly<Record<GuestperfForm, QemuVersion>> = {
  2016: '7.2',
  2021: '7.2',
  2023: '8.2',
  2025: '10.0',
};

function endingOf({ progress_history: history, samples }: GuestperfReport): string {
  const last = lastOf(history);
  const syncs = `${samples.at(-1)?.dirtySyncCount ?? 0} bitmap syncs`;
  if (last.status !== 'completed') return `${last.status} after ${syncs}`;
  const [total, downtime] = [last.duration, last.downtime].map(formatDurationMs);
  return `completed after ${total} and ${syncs}, with a downtime of ${downtime}`;
}

function checkRing(entries: number, needed: boolean, file: string): void {
  if (entries === 0 && needed) {
    throw new UsageError('hardware.dirty_ring_size: 0, but dirty_limit needs a ring, such as 4096', { file });
  }
  if (entries === 0 || (entries >= 1024 && entries <= 65_536 && Number.isInteger(Math.log2(entries)))) return;
  throw new UsageError(
    `hardware.dirty_ring_size: expected 0 or a power of two from 1024 to 65536, got ${entries}`,
    { file },
  );
}

/** What `ram.total` has beyond guest RAM. */
function hiddenOf({ file, hardware, samples }: GuestperfReport, ramBytes: number): number {
  const totalBytes = samples[0]?.totalBytes;
  if (totalBytes === undefined) {
    throw new UsageError('progress_history: no record with RAM statistics; did the migration begin?', {
      file,
    });
  }
  if (totalBytes < ramBytes) {
    throw new UsageError(
      `ram.total_bytes: ${formatBytes(totalBytes)}, but mem ${hardware.mem} makes a guest of ${formatBytes(ramBytes)}`,
      { file },
    );
  }
  return floor((totalBytes - ramBytes) / PAGE_BYTES) * PAGE_BYTES;
}

/** Zero pages of the first pass: later ones are pages that were sent before. */
function zeroPagesOf({ samples }: GuestperfReport): number {
  const second = samples.find(({ dirtySyncCount }) => dirtySyncCount >= 2);
  return (second ?? samples.at(-1))?.zeroPages ?? 0;
}

// ----------------------------------------------------------------------------------------------- speed of the load

interface Figure {
  readonly bytesPerSecond: number;
  /** Where it is from. */
  readonly said: string;
}

/** Beyond this the load goes as fast as that of guestperf's presets: the workload's own default. */
const USUAL_SPEED = 2 ** 31;

/** Readings from when nothing disturbed the load; else of the least disturbed one. */
function loadSpeed({ guest_timings, progress_history: history }: GuestperfReport): Figure {
  const [first] = history;
  const last = history.at(-1);
  const startS = first === undefined ? 0 : first.now - first.duration / 1000;
  const endS = last?.now ?? 0;
  const readings = guest_timings.filter(({ value }) => value > 0);
  const before = readings.filter(({ timestamp }) => timestamp <= startS);
  const after =
    last?.status === 'completed'
      ? readings.filter(({ timestamp, value }) => timestamp - value / 1000 >= endS)
      : [];
  const of = (ms: number, said: string): Figure => ({ bytesPerSecond: (2 ** 30 * 1000) / ms, said });
  const text = (ms: number): string => `the load rewrites 1 GiB in ${formatDurationMs(ms)} a CPU`;
  for (const [some, when] of [
    [before, 'before the migration'],
    [after, 'after the migration, as there is none from before it'],
  ] as const) {
    if (some.length === 0) continue;
    const ms = median(some.map(({ value }) => value));
    return of(ms, `${text(ms)}: the median of ${some.length} readings from ${when}`);
  }
  if (readings.length > 0) {
    const ms = smallest(readings.map(({ value }) => value));
    return of(ms, `${text(ms)}: the fastest reading, all being from during the migration`);
  }
  return {
    bytesPerSecond: USUAL_SPEED,
    said: `the load rewrites ${formatBytesPerSecond(USUAL_SPEED)} a CPU: the report has no readings of it`,
  };
}

// ------------------------------------------------------------------------------------------------------- the link

/** As the presets have it: a socket on one machine. */
const WIDE_BYTES_PER_SECOND = 10e9;
/** Rates below this share of max-bandwidth were those of the link. */
const FULL_SHARE = 0.9;

/** Between records closer than this, the ms in which times are written say too little of the rate. */
const RATED_US = 100_000;

const inPostcopy = ({ status }: GuestperfReport['samples'][number]): boolean => status.startsWith('postcopy');

/** bytes/s between one record and the next: what the link carried at least. */
function passRates(samples: GuestperfReport['samples']): number[] {
  return samples.flatMap((sample, index) => {
    const before = samples[index - 1];
    const tookUs = before === undefined ? 0 : sample.tUs - before.tUs;
    if (before === undefined || tookUs < RATED_US) return [];
    return [((sample.transferredBytes - before.transferredBytes) * 1e6) / tookUs];
  });
}

/**
 * Where bandwidth is not limited, or never reached, the link carried what the windows after a pass report. A window in which a
 * sync lies reports less, and a short migration has no other: then a whole pass, in which more was sent, says more.
 */
function linkOf({ scenario, samples }: GuestperfReport): Figure {
  const rates = (some: GuestperfReport['samples']): number[] =>
    some.map(({ mbps }) => (mbps * 1e6) / 8).filter((rate) => rate > 0);
  const during = rates(
    samples.filter(({ status, dirtySyncCount }) => status === 'active' && dirtySyncCount >= 2),
  );
  // Requests and placing pages hold post-copy up: its rate says little of the link.
  const switched = samples.findIndex(inPostcopy);
  const precopy = switched < 0 ? samples : samples.slice(0, switched);
  const seen = during.length > 0 ? during : rates(precopy.slice(-1));
  const limit = scenario.bandwidth * MIB;
  const unlimited = limit === 0 || scenario.bandwidth >= UNLIMITED_MIB_PER_S;
  const wide = formatBytesPerSecond(WIDE_BYTES_PER_SECOND, 'bit');
  if (seen.length === 0) {
    return { bytesPerSecond: WIDE_BYTES_PER_SECOND, said: `the link carries ${wide}: no rate is reported` };
  }
  const rate = round(largest([median(seen), ...passRates(precopy)]));
  if (!unlimited && rate >= FULL_SHARE * limit) {
    const said = `the link carries ${wide}: bandwidth kept the migration to less`;
    return { bytesPerSecond: WIDE_BYTES_PER_SECOND, said };
  }
  return {
    bytesPerSecond: rate,
    said: `the link carries ${formatBytesPerSecond(rate, 'bit')}: the median of transfer_rate_mbs, or more where a whole pass sent more`,
  };
}

// ----------------------------------------------------------------------------------------------- the scenario file

/** The file's text, ending with a line break. `checked`: how near its simulation comes to the report. */
export function guestperfScenarioText(learned: LearnedGuestperf, checked: string | null): string {
  const { guest, words } = learned;
  const migration: Record<string, string> = { qemu: `'${learned.qemu}'`, ...words.migration };
  const lines = [
    '# yaml-language-server: $schema=../schema/scenario.schema.json',
    ...comment(
      `Shows: the run of ${fileName(learned.file)}, a report of QEMU's guestperf, as guestperf did it.`,
    ),
    ...comment(`Expect: what the report shows: ${learned.ending}.`),
    ...comment(''),
    ...(checked === null ? [] : comment(checked)),
    ...comment('Not in the report:'),
    ...learned.assumptions.flatMap((assumption) => comment(assumption, '', '  - ', '    ')),
    `name: ${JSON.stringify(learned.name)}`,
    'guest:',
    `  memory: ${guest.ramBytes / MIB}MiB`,
    ...zeroLines(guest),
    `  hidden: ${exactSize(guest.hiddenBytes)}`,
    `  dirty-ring-size: ${guest.dirtyRingSize}`,
    '  vcpus:',
    `    - count: ${guest.vcpus}`,
    '      workload:',
    '        stress:',
    `          write: ${Number((guest.writeBytesPerSecond / MIB).toFixed(3))}MiB/s`,
    `          leave: ${exactSize(BESIDE_LOAD_BYTES)}`,
    `link: { bandwidth: ${learned.linkBytesPerSecond}B/s, latency: 20us, efficiency: 100% }`,
    'migration:',
    ...Object.entries(migration).map(([key, value]) => `  ${key}: ${value}`),
    `policy: ${chosen(words.policy)}`,
    'strategies:',
    `  - ${chosen(words.strategy)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function zeroLines({ ramBytes, zeroBytes }: LearnedGuestperf['guest']): string[] {
  if (zeroBytes === 0) return ['  zero-pages: 0%'];
  return [
    `  zero-pages: [{ at: ${exactSize(ramBytes - zeroBytes)}, size: ${exactSize(zeroBytes)} }] # duplicate_pages`,
  ];
}

function chosen([name, options]: GuestperfInWords['strategy']): string {
  const entries = Object.entries(options);
  if (entries.length === 0) return name;
  return `{ ${name}: { ${entries.map(([key, value]) => `${key}: ${value}`).join(', ')} } }`;
}
