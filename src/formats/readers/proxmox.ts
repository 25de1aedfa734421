/**
 * Task logs of Proxmox VE (qemu-server, src/PVE/QemuMigrate.pm): one line a second with what was transferred. What remains
 * and how many syncs there were is not logged; the dirty rate stands only where it exceeds the speed. auto-converge is on in
 * every migration (PVE/QemuServer.pm:set_migration_caps), and no line says how far it throttles.
 */
import { lastOf, pairs } from '../../lists.js';
import { median } from '../../stats/summary.js';
import type { LogSample } from '../migration-log.js';
import { stampMs } from '../text.js';
import { Clock, Collector, numberOf, sizeOf } from './lines.js';
import type { Reader } from './reader.js';

const ACTIVE =
  /migration active, transferred ([\d.]+) (\w+) of ([\d.]+) (\w+) VM-state(?:, ([\d.]+) (\w+)\/s)?(?:, VM dirties lots of memory: ([\d.]+) (\w+)\/s)?/;
/** Up to 2021: bytes. */
const OLD = /migration status: active \(transferred (\d+), remaining (\d+)\)?, total (\d+)\)/;
const LIMIT = /(?:migration downtime limit|auto-increased downtime to continue migration):\s*(\d+)\s*ms/;
/** Up to 2020: seconds. */
const OLD_LIMIT = /migrate_set_downtime:\s*([\d.]+)/;
const SPEED_LIMIT = /migration speed limit:\s*([\d.]+) (\w+)\/s|migrate_set_speed:\s*(\d+)/;
const START = /start migrate command|starting online\/live migration on/;
const RESULT = /(?:average migration speed|migration speed): ([\d.]+) (\w+)\/s - downtime (\d+) ms/;
const DONE = /migration completed, transferred ([\d.]+) (\w+) VM-state/;
const STATUS = /migration status:\s*(completed|failed|cancelled)/;
const FAILED = /(?:migration aborted|ERROR: online migrate failure|TASK ERROR: migration)/;

export const proxmoxReader: Reader = {
  name: 'Proxmox VE task log',
  source: 'proxmox',
  writtenBy: 'Proxmox VE (qm migrate, the task viewer)',
  example: 'migsim learn task.log',
  shows: 'memory, what was sent and how fast, downtime limits, the downtime',
  lacks: 'what remains and the syncs (from 2021 on); the dirty rate where it is below the speed',
  jobClock: true,
  rounded: true,
  recognises: (text) =>
    /migration active, transferred [\d.]+ \w+ of [\d.]+ \w+ VM-state|migration status: active \(transferred/.test(
      text,
    ),
  read(text, file) {
    const log = new Collector(file);
    const clock = new Clock();
    let tUs = 0;
    let before: number | null = null;
    const lines = text.split('\n');
    const isStamped = !haveOneStamp(lines.filter(isProgress));
    if (!isStamped) log.note(ONE_STAMP);
    lines.forEach((line, at) => {
      if (START.test(line)) {
        clock.restart();
        before ??= log.samples.length;
      }
      const stampUs = isStamped ? clock.read(line) : null;
      // Without stamps lines come one a second.
      tUs = stampUs ?? (isProgress(line) ? tUs + 1e6 : tUs);
      readLine(line, at + 1, tUs, log);
    });
    const isSentTwice = ({ transferredBytes, totalBytes }: LogSample): boolean =>
      (transferredBytes ?? 0) > (totalBytes ?? Infinity);
    if (log.samples.some(isSentTwice)) {
      log.note(THROTTLED);
      log.note(DOUBLED);
    }
    const startUs = startOf(log.samples.slice(0, before ?? log.samples.length));
    if (startUs > 0) log.note(BEGINS_LATER);
    const found = log.found();
    const samples = found.samples.map((sample, at) =>
      at < (before ?? Infinity) && sample.tUs !== null ? { ...sample, tUs: sample.tUs + startUs } : sample,
    );
    return { kind: 'samples', found: { ...found, samples } };
  },
};

function isProgress(line: string): boolean {
  return ACTIVE.test(line) || OLD.test(line);
}

/** Two lines are a second apart: one stamp on all of them is of when they were copied, not of when they were written. */
function haveOneStamp(lines: readonly string[]): boolean {
  const stamps = lines.map(stampMs);
  return stamps.length > 1 && stamps[0] !== null && stamps.every((ms) => ms === stamps[0]);
}

const ONE_STAMP =
  'every line of progress has the same time: lines are taken to come one a second, as Proxmox VE writes them';
const THROTTLED =
  'Proxmox VE turns auto-converge on in every migration, and no line says how far it throttled the guest: at full speed the ' +
  'guest dirties more than is learned here';
const DOUBLED =
  'Proxmox VE doubles downtime-limit as long as more comes back than is sent, which is left out here: add policy: proxmox to the ' +
  'scenario to see where that ends';
const BEGINS_LATER =
  'the log begins after the migration did: when that was follows from what had been sent, at the rate of the log';

/** Lines come one a second, so that the first has less behind it than this. */
const FIRST_LINE_US = 3e6;

/** How long before the first of these samples the migration began, us; 0 where the first is of its begin. */
function startOf(samples: readonly LogSample[]): number {
  const [first] = samples;
  const rates = [...pairs(samples)].flatMap(([a, b]) => {
    const us = (b.tUs ?? 0) - (a.tUs ?? 0);
    return us > 0 ? [((b.transferredBytes ?? 0) - (a.transferredBytes ?? 0)) / us] : [];
  });
  if (first === undefined || rates.length === 0) return 0;
  const rate = median(rates);
  const us = rate > 0 ? (first.transferredBytes ?? 0) / rate - (first.tUs ?? 0) : 0;
  return us > FIRST_LINE_US ? Math.round(us) : 0;
}

function readLine(line: string, at: number, tUs: number, log: Collector): void {
  const [, limit] = LIMIT.exec(line) ?? [];
  if (limit !== undefined) log.setDowntimeLimit(Number(limit));
  const [, seconds] = OLD_LIMIT.exec(line) ?? [];
  if (seconds !== undefined) log.setDowntimeLimit(Math.round(Number(seconds) * 1000));
  const [, speed, speedUnit, oldSpeed] = SPEED_LIMIT.exec(line) ?? [];
  if (speed !== undefined) log.setMaxBandwidth(sizeOf(speed, speedUnit));
  if (oldSpeed !== undefined) log.setMaxBandwidth(Number(oldSpeed));
  if (/migration cachesize|xbzrle: send updates/.test(line)) log.setCapability('xbzrle');
  const active = ACTIVE.exec(line);
  const old = OLD.exec(line);
  if (active !== null) {
    const [, sent, sentUnit, total, totalUnit, rate, rateUnit, dirty, dirtyUnit] = active;
    log.add(at, {
      tUs,
      transferredBytes: sizeOf(sent, sentUnit),
      totalBytes: sizeOf(total, totalUnit),
      mbps: ((sizeOf(rate, rateUnit) ?? 0) * 8) / 1e6,
      dirtyPagesRate: Math.round((sizeOf(dirty, dirtyUnit) ?? 0) / 4096),
    });
  } else if (old !== null) {
    const [transferredBytes = null, remainingBytes = null, totalBytes = null] = old.slice(1).map(Number);
    log.add(at, {
      tUs,
      transferredBytes,
      remainingBytes,
      totalBytes,
    });
  }
  if (log.samples.length > 0) readEnd(line, at, tUs, log);
}

function readEnd(line: string, at: number, tUs: number, log: Collector): void {
  const last = lastOf(log.samples);
  const result = RESULT.exec(line);
  const done = DONE.exec(line);
  const status = STATUS.exec(line)?.[1] ?? (FAILED.test(line) ? 'failed' : null);
  if (result === null && done === null && status === null) return;
  if (last.status === 'active')
    log.add(at, { ...last, tUs, dirtyPagesRate: 0, status: status ?? 'completed' });
  if (result !== null) log.amend(at, { downtimeMs: numberOf(result[3]) });
  if (done !== null) log.amend(at, { transferredBytes: sizeOf(done[1], done[2]) });
}
