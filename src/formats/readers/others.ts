/** Formats that are no logs of a migration: readings of a dirty rate, reports of guestperf, and migsim's own recordings. */
import { UsageError } from '../../errors.js';
import { looksLikeGuestperf, readGuestperf } from '../guestperf/read.js';
import { looksLikeReadings } from '../looks-like-readings.js';
import type { Format, Reader } from './reader.js';

/** Read elsewhere (read-logs.ts): its CSV needs a package, which is not loaded to recognise a text. */
export const dirtyRateFormat: Format = {
  name: 'readings of a dirty rate',
  source: 'dirty-rate',
  writtenBy: 'QMP query-dirty-rate, virsh domstats --dirtyrate, or a CSV of period and pages',
  example: 'virsh domstats --dirtyrate vm | migsim learn - --memory 16GiB',
  shows: 'how much the guest dirties in each period that was measured',
  lacks: "the guest's memory (--memory) and the migration; one period alone is no curve",
  recognises: looksLikeReadings,
};

export const guestperfReader: Reader = {
  name: 'guestperf report',
  source: 'guestperf',
  writtenBy: "QEMU's tests/migration-stress/guestperf, and migsim run --guestperf",
  example: 'migsim learn report.json --out run.yaml',
  shows: "the whole run: guest, parameters, one record per pass, the guest's speed",
  lacks: 'the host',
  recognises: looksLikeGuestperf,
  read: (text, file) => ({ kind: 'guestperf', report: readGuestperf(text, file) }),
};

/** Recordings hold what was measured of the host as well; they are predicted rather than learned from. */
export const recordingReader: Reader = {
  name: 'migsim recording',
  source: 'recording',
  writtenBy: 'migsim (migsim-recording/1)',
  example: 'migsim validate recordings',
  shows: 'one real migration with all that was known before it',
  lacks: 'nothing that validate needs',
  command: 'validate',
  recognises: (text) => /"format"\s*:\s*"migsim-recording\//.test(text.slice(0, 4000)),
  read(_text, file) {
    throw new UsageError('this is a migsim recording: `migsim validate` reads it', { file });
  },
};
