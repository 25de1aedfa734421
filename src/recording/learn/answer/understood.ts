/** What was read from a log, in words: for the terminal and for the comments of the scenario. */
import { lastOf } from '../../../lists.js';
import type { MigrationLog } from '../../../formats/migration-log.js';
import { readers } from '../../../formats/readers/index.js';
import { PAGE_BYTES } from '../../../guest/spec.js';
import { largest } from '../../../stats/extremes.js';
import { formatBytes, formatBytesPerSecond, formatDurationMs } from '../../../units.js';
import { ONE_READING } from '../one-reading.js';
import type { Learned, LoggedPostcopy } from '../learned.js';
import type { PostcopyPhase } from './self-check.js';
import type { Outlook } from './outlook.js';

/** What was read in a log, in words. */
export interface Understood {
  /** Label and text, in the order to show. */
  readonly lines: readonly (readonly [label: string, text: string])[];
  /** The one thing to record that would have shown most; a sentence without a full stop. */
  readonly next: string;
}

export function understood(
  learned: Learned,
  log: MigrationLog | null,
  outlook: Outlook | null,
  phase: PostcopyPhase | null = null,
): Understood {
  const lines: (readonly [string, string])[] = [
    ['Log', logText(learned, log)],
    ['Guest', guestText(learned)],
  ];
  if (log !== null) {
    lines.push(['Link', linkText(learned)], ['Settings', settingsText(learned, log)]);
    lines.push(['Passes', passesText(learned, log)]);
    const throttle = largest(log.samples.map(({ throttlePercent }) => throttlePercent));
    if (throttle > 0) lines.push(['Throttle', `auto-converge, up to ${throttle} %`]);
  }
  const { postcopy } = learned.migration;
  if (postcopy !== null) lines.push(['Post-copy', postcopyText(postcopy, phase)]);
  if (outlook !== null) lines.push(['Outcome', outlook.text]);
  if (learned.assumptions.includes(ONE_READING)) lines.push(['Caution', ONE_READING]);
  return { lines, next: nextText(learned, log) };
}

function logText({ source }: Learned, log: MigrationLog | null): string {
  const name = readers.find((reader) => reader.source === source)?.name ?? source;
  if (log === null) return name;
  const { samples } = log;
  const [first] = samples;
  const last = lastOf(samples);
  if (samples.length === 1) return `${name}, one reading`;
  const span =
    first.tUs === null || last.tUs === null ? '' : ` over ${formatDurationMs((last.tUs - first.tUs) / 1000)}`;
  return `${name}, ${samples.length} readings${span}`;
}

function guestText({ guest }: Learned): string {
  const zero = sumOf(guest.layout.zero.map(({ pages }) => pages)) * PAGE_BYTES;
  const memory = formatBytes(guest.ramPages * PAGE_BYTES);
  return zero > 0 ? `${memory}, of which ${formatBytes(zero)} are zero pages` : memory;
}

function linkText({ migration }: Learned): string {
  const sent = `${formatBytesPerSecond(migration.bytesPerSecond)} while the guest ran`;
  const rate = migration.switchoverBytesPerSecond;
  return rate === null ? sent : `${sent}, ${formatBytesPerSecond(rate)} beyond that`;
}

function settingsText({ migration }: Learned, { settings }: MigrationLog): string {
  const rate = migration.maxBandwidth === 0 ? null : formatBytesPerSecond(migration.maxBandwidth);
  const set = settings.maxBandwidth ?? 0;
  const unreached =
    set > 0 ? `max-bandwidth ${formatBytesPerSecond(set)}, never reached` : 'no max-bandwidth';
  const cap = migration.maxBandwidthSaid
    ? rate === null
      ? unreached
      : `max-bandwidth ${rate}`
    : `max-bandwidth not in the log, taken as ${rate ?? 'unlimited'}`;
  const later = settings.laterDowntimeLimitsMs ?? [];
  const raised = later.length === 0 ? '' : ` (later ${later.map((ms) => `${ms}`).join(', ')} ms)`;
  const capabilities = settings.capabilities === undefined ? '' : `, ${settings.capabilities.join(', ')}`;
  return `${cap}${migration.maxBandwidthSaid ? ',' : ';'} downtime-limit ${migration.downtimeLimitMs} ms${raised}${capabilities}`;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function postcopyText({ atUs, lengthMs, bytes }: LoggedPostcopy, simulated: PostcopyPhase | null): string {
  const length = lengthMs === null ? 'not ended' : formatDurationMs(lengthMs);
  const logged = `from ${formatDurationMs(atUs / 1000)}: ${length}${bytes > 0 ? ` and ${formatBytes(bytes)}` : ''} in the log`;
  if (simulated === null) return logged;
  return `${logged}; simulated ${formatDurationMs(simulated.lengthMs)} and ${formatBytes(simulated.bytes)}`;
}

/** Passes that are named one by one. */
const NAMED = 6;

function passesText({ passes, plateau, guest }: Learned, { samples }: MigrationLog): string {
  if (passes.length > 0) {
    const named = passes.slice(0, NAMED).map(({ durationUs }) => formatDurationMs(durationUs / 1000));
    const more = passes.length > NAMED ? ', …' : '';
    const level =
      plateau === null
        ? ''
        : `; stalls at ${formatDurationMs(plateau.passUs / 1000)} and ${formatBytes(plateau.remainingPages * PAGE_BYTES)} per pass`;
    return `${passes.length}: ${named.join(', ')}${more}${level}`;
  }
  const syncs = samples.at(-1)?.dirtySyncCount ?? null;
  const [reading] = guest.readings;
  if (syncs === null) return 'not in the log';
  const each =
    reading === undefined || guest.intensity !== undefined
      ? ''
      : `; ${formatDurationMs(reading.durationUs / 1000)} brought back ${formatBytes(reading.pages * PAGE_BYTES)}`;
  return `${syncs} bitmap ${syncs === 1 ? 'sync' : 'syncs'}${each}`;
}

/** A poll this many times as long as a pass does not separate passes. */
const RARE = 0.3;

/** The way to the replies that show most, where a monitor is free. */
const RECORD = 'migsim record <QMP socket>, which asks query-migrate each 200 ms';
const BY_LIBVIRT = "virsh qemu-monitor-command --hmp DOMAIN 'info migrate', once a second";

/** A monitor serves one client at a time: that of an orchestrator is taken, and answers through it alone. */
const THROUGH: Partial<Record<Learned['source'], string>> = {
  proxmox: "'info migrate' in qm monitor VMID, once a second",
  virsh: BY_LIBVIRT,
  nova: BY_LIBVIRT,
  cloudstack: BY_LIBVIRT,
  vdsm: BY_LIBVIRT,
  'virt-launcher': BY_LIBVIRT,
};

function nextText({ from, source, passes, guest }: Learned, log: MigrationLog | null): string {
  if (from === 'readings') {
    return guest.readings.length === 1
      ? 'a dirty rate over a second period, ten times as long (calc-dirty-rate, or domdirtyrate-calc --seconds 10)'
      : `${RECORD}, while the guest is migrated: it shows the link and what throttles do`;
  }
  const ask = THROUGH[source] ?? RECORD;
  if (from === 'totals') {
    return log?.samples.length === 1
      ? `${ask}, from the start of the migration to its end, in place of one reading`
      : `${ask}: it shows the passes, and with them the dirty curve`;
  }
  if (['nova', 'cloudstack', 'proxmox'].includes(source))
    return `${ask}: it counts syncs and zero pages, which are derived here`;
  const shared = passes.filter((pass) => pass.shared > 1).length;
  if (shared > RARE * passes.length)
    return 'the same at shorter intervals: several passes fall into one interval';
  return "the guest's CPU use while it is migrated (--cpu): it decides what throttles cost";
}
