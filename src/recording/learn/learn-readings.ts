/** A guest of which nothing is known but readings of its dirty curve. */
import { lastOf, nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { bareMetal } from '../../guest/host-profiles/default.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { fitReadings } from './curve.js';
import { growing, ONE_READING } from './one-reading.js';
import {
  cpuAssumed,
  DEFAULT_CPU,
  DEFAULT_QEMU,
  DEFAULT_VCPUS,
  VCPUS_ASSUMED,
  type CurveReading,
  type Learned,
  type LearnOptions,
} from './learned.js';
import { memoryLayout } from './memory-layout.js';
import type { DirtyReadings } from '../../formats/readings.js';

const { floor } = Math;

/**
 * The migration is QEMU's default one, unless the options say otherwise.
 * @throws UsageError when the guest's memory is not given, or does not hold what is dirtied
 */
export function learnFromReadings({ file, points, notes }: DirtyReadings, options: LearnOptions): Learned {
  const ramPages = ramPagesFor(lastOf(points).pages, options, file);
  const readings = points.map((point): CurveReading => ({
    ...point,
    weight: 1,
    passes: [],
    low: point.pages,
    high: point.pages,
  }));
  const maxBandwidth = options.maxBandwidth ?? 128 * 2 ** 20;
  return {
    file,
    from: 'readings',
    source: 'dirty-rate',
    guest: {
      ramPages,
      hiddenPages: 0,
      zeroExtents: [],
      zeroPages: 0,
      dirtyRingSize: options.dirtyRingSize ?? 0,
      vcpus: options.vcpus ?? DEFAULT_VCPUS,
      cpu: options.cpu ?? DEFAULT_CPU,
      cpuAssumed: options.cpu === undefined,
      layout: memoryLayout(ramPages, 0, []),
      readings,
      ...fitReadings(points.length === 1 ? growing(nth(readings, 0), ramPages) : readings, ramPages),
    },
    migration: {
      maxBandwidth,
      maxBandwidthSaid: options.maxBandwidth !== undefined,
      bytesPerSecond: maxBandwidth,
      downtimeLimitMs: options.downtimeLimitMs ?? 300,
      manualDirtyLogProtect: true,
      zeroNsPerPage: bareMetal.zeroNsPerPage,
      switchoverBytesPerSecond: null,
      postcopy: null,
      throttleSteps: [],
      completed: false,
      totalTimeMs: 0,
      qemu: DEFAULT_QEMU,
      downtimeMs: null,
    },
    passes: [],
    plateau: null,
    loadEndedUs: null,
    assumptions: [...notes, 'no page is zero', ...assumed(points, options)],
  };
}

/** Of a guest in which a number of pages were dirtied in one period. */
function ramPagesFor(dirtiedPages: number, { memoryBytes }: LearnOptions, file: string): number {
  if (memoryBytes === undefined) {
    throw new UsageError('readings do not show how much memory the guest has; add --memory 16GiB', {
      file,
    });
  }
  const ramPages = floor(memoryBytes / PAGE_BYTES);
  if (dirtiedPages > ramPages) {
    throw new UsageError(
      `${dirtiedPages} pages in one period are more than the guest's ${ramPages}; is one in another unit?`,
      { file },
    );
  }
  return ramPages;
}

/** What the readings do not say, and the options leave open. */
function assumed(points: readonly unknown[], options: LearnOptions): string[] {
  return [
    ...(points.length === 1 ? [ONE_READING] : []),
    ...(options.vcpus === undefined ? [VCPUS_ASSUMED] : []),
    ...(options.cpu === undefined ? [cpuAssumed(DEFAULT_CPU)] : []),
    ...(options.maxBandwidth === undefined ? ["max-bandwidth is QEMU's default, 128 MiB/s"] : []),
    ...(options.downtimeLimitMs === undefined ? ["downtime-limit is QEMU's default, 300 ms"] : []),
  ];
}
