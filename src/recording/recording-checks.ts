/** What must be true of a recording apart from its form: figures that contradict each other are refused, nothing is repaired. */
import { UsageError } from '../errors.js';
import { PAGE_BYTES } from '../guest/spec.js';
import type { Recording } from './recording-file.js';

/** @throws UsageError with the file and the field that is wrong. */
export function checkRecording(recording: Recording): void {
  checkMemory(recording);
  checkCommands(recording);
  checkResult(recording);
  checkSyncs(recording);
  checkSamples(recording);
}

function checkMemory({ guest, environment, file }: Recording): void {
  const ring = environment.dirtyRingSize;
  if (ring !== 0 && (ring & (ring - 1)) !== 0) {
    throw new UsageError(`environment.dirtyRingSize: ${ring} is neither 0 nor a power of two`, { file });
  }
  const ramBytes = guest.memoryMiB * 2 ** 20;
  if (guest.ramTotalBytes % PAGE_BYTES !== 0 || guest.ramTotalBytes < ramBytes) {
    throw new UsageError(
      `guest.ramTotalBytes: ${guest.ramTotalBytes} bytes cannot hold memoryMiB (${guest.memoryMiB}) in whole pages; is it in bytes?`,
      { file },
    );
  }
  if (guest.zeroPagesAtStart * PAGE_BYTES > guest.ramTotalBytes) {
    throw new UsageError(
      `guest.zeroPagesAtStart: ${guest.zeroPagesAtStart} pages are more than the guest has`,
      { file },
    );
  }
  guest.vcpus.forEach((vcpu, at) => {
    if (vcpu.firstPageMiB + vcpu.workingSetMiB > guest.memoryMiB) {
      throw new UsageError(
        `guest.vcpus[${at}]: its working set ends beyond the guest's memory (${guest.memoryMiB} MiB)`,
        { file },
      );
    }
  });
}

function checkResult({ result, migration, guest, file }: Recording): void {
  const refuse = (field: string, message: string): never => {
    throw new UsageError(`result.${field}: ${message}`, { file });
  };
  if (result.status === 'completed') {
    if (result.totalTimeMs == null) refuse('totalTimeMs', 'missing, but the migration completed');
    if (result.downtimeMs == null) refuse('downtimeMs', 'missing, but the migration completed');
    if ((result.downtimeMs ?? 0) > (result.totalTimeMs ?? 0))
      refuse('downtimeMs', 'longer than the whole migration; both are ms');
  } else if (result.gaveUpAfterMs == null) {
    refuse('gaveUpAfterMs', `missing, but the status is ${result.status}`);
  }
  // Compressed pages are smaller than what they hold.
  const compressed = (migration.enumParameters?.['multifd-compression'] ?? 'none') !== 'none';
  if (!compressed && result.transferredBytes < result.normalPages * PAGE_BYTES) {
    refuse(
      'transferredBytes',
      `${result.transferredBytes} bytes cannot carry ${result.normalPages} pages; is it in bytes?`,
    );
  }
  const blocktimes = result.postcopy?.vcpuBlocktimeMs;
  if (blocktimes != null && blocktimes.length !== guest.vcpus.length) {
    refuse('postcopy.vcpuBlocktimeMs', `${blocktimes.length} numbers for ${guest.vcpus.length} vCPUs`);
  }
}

function checkCommands({ migration, file }: Recording): void {
  migration.during.forEach(({ t }, at) => {
    const before = migration.during[at - 1];
    if (before !== undefined && t < before.t) {
      throw new UsageError(`migration.during[${at}].t: goes back from ${before.t} to ${t} s`, { file });
    }
  });
}

function checkSyncs({ syncs, guest, file }: Recording): void {
  syncs.forEach((sync, at) => {
    const refuse = (field: string, message: string): never => {
      throw new UsageError(`syncs[${at}].${field}: ${message}`, { file });
    };
    if (sync.remaining > guest.ramTotalBytes)
      refuse('remaining', `${sync.remaining} is more than the guest's memory; is it in bytes?`);
    if (sync.vcpuPages.length !== guest.vcpus.length) {
      refuse('vcpuPages', `${sync.vcpuPages.length} numbers for ${guest.vcpus.length} vCPUs`);
    }
    const previous = syncs[at - 1];
    if (previous === undefined) return;
    if (sync.t < previous.t) refuse('t', `goes back from ${previous.t} to ${sync.t} s`);
    if (sync.n <= previous.n) refuse('n', `${sync.n} after ${previous.n}; expected a later sync`);
    if (sync.transferred < previous.transferred)
      refuse('transferred', `goes back from ${previous.transferred} to ${sync.transferred}`);
    sync.vcpuPages.forEach((pages, vcpu) => {
      if (pages < (previous.vcpuPages[vcpu] ?? 0))
        refuse(`vcpuPages[${vcpu}]`, `goes back to ${pages}; it counts up`);
    });
  });
}

function checkSamples({ samples, guest, file }: Recording): void {
  const columns = [...SAMPLE_COLUMNS, ...guest.vcpus.map((_, id) => `vcpu${id}Pages`)];
  if (samples.columns.join() !== columns.join()) {
    throw new UsageError(
      `samples.columns: expected ${columns.join(', ')}; found ${samples.columns.join(', ')}`,
      { file },
    );
  }
  samples.rows.forEach((row, at) => {
    if (row.length !== columns.length) {
      throw new UsageError(`samples.rows[${at}]: ${row.length} numbers for ${columns.length} columns`, {
        file,
      });
    }
    const wrong = row.findIndex((value) => !(value >= 0));
    if (wrong >= 0) throw new UsageError(`samples.rows[${at}]: ${columns[wrong]} is negative`, { file });
    const [t = 0, transferred = 0, remaining = 0] = row;
    if (remaining > guest.ramTotalBytes) {
      throw new UsageError(
        `samples.rows[${at}]: remaining is more than the guest's memory; is it in bytes?`,
        { file },
      );
    }
    const [tBefore = 0, transferredBefore = 0] = samples.rows[at - 1] ?? [];
    if (t < tBefore || transferred < transferredBefore) {
      throw new UsageError(`samples.rows[${at}]: out of order (t and transferred only grow)`, { file });
    }
  });
}

const SAMPLE_COLUMNS = ['t', 'transferred', 'remaining', 'throttlePercent'];
