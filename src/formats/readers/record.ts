/** Recordings of `migsim record`: replies of `query-migrate` with the guest, its settings and their changes. */
import { hasRecordHeader, looksLikeRecord, readRecordFrame, type RecordFrame } from '../record.js';
import { QEMU_VERSIONS } from '../../migration/rules/versions.js';
import type { LogSettings } from '../migration-log.js';
import { qmpReader } from './qmp.js';
import type { Reader } from './reader.js';

export const recordReader: Reader = {
  name: 'recording of migsim record',
  source: 'record',
  writtenBy: 'migsim record (migsim-record/1)',
  example: 'migsim record /run/vm.sock --out run.jsonl; migsim learn run.jsonl',
  shows: 'everything: the guest, pages, syncs, rates, throttles, parameters and their changes, events',
  lacks: 'the link and what the vCPUs do, which are derived',
  recognises: looksLikeRecord,
  read(text, file) {
    const content = qmpReader.read(text, file);
    // Cut at its beginning, it is a log of replies.
    if (content.kind !== 'samples' || !hasRecordHeader(text)) return content;
    const settings = settingsOf(readRecordFrame(text, file));
    return { kind: 'samples', found: { ...content.found, settings } };
  },
};

function versionOf(qemu: string): Pick<LogSettings, 'qemu'> {
  const known = QEMU_VERSIONS.find((version) => qemu === version || qemu.startsWith(`${version}.`));
  return known === undefined ? {} : { qemu: known };
}

function settingsOf({ header, parameters, capabilities }: RecordFrame): LogSettings {
  const [first, ...later] = parameters.map(({ parameters: given }) => given);
  const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
  const maxBandwidth = number((later.at(-1) ?? first)?.['max-bandwidth']);
  const limit = number(first?.['downtime-limit']);
  const limits = later.flatMap((given) => number(given['downtime-limit']) ?? []);
  const changed = limits.filter((ms, at) => ms !== (limits[at - 1] ?? limit));
  return {
    ...(maxBandwidth === undefined ? {} : { maxBandwidth }),
    ...(limit === undefined ? {} : { downtimeLimitMs: limit }),
    ...(changed.length === 0 ? {} : { laterDowntimeLimitsMs: changed }),
    ...(capabilities.length === 0 ? {} : { capabilities }),
    ...versionOf(header.qemu),
    memoryBytes: header.memory_bytes,
    vcpus: header.vcpus,
  };
}
