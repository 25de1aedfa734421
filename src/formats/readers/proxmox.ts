/**
 * Task logs of Proxmox VE (qemu-server, src/PVE/QemuMigrate.pm): one line a second with what was transferred. What remains
 * and how many syncs there were is not logged; the dirty rate stands only where it exceeds the speed.
 */
import { lastOf } from '../../lists.js';
import { Clock, Collector, numberOf, sizeOf } from './lines.js';
import type { Reader } from './reader.js';

const ACTIVE =
  /migration active, transferred ([\d.]+) (\w+) of ([\d.]+) (\w+) VM-state(?:, ([\d.]+) (\w+)\/s)?(?:, VM dirties lots of memory: ([\d.]+) (\w+)\/s)?/;
/** Up to 2021: bytes. */
const OLD = /migration status: active \(transferred (\d+), remaining (\d+)\)?, total (\d+)\)/;
const LIMIT = /(?:migration downtime limit|auto-increased downtime to continue migration):\s*(\d+)\s*ms/;
const SPEED_LIMIT = /migration speed limit:\s*([\d.]+) (\w+)\/s/;
const RESULT = /(?:average migration speed|migration speed): ([\d.]+) (\w+)\/s - downtime (\d+) ms/;
const DONE = /migration completed, transferred ([\d.]+) (\w+) VM-state/;
const STATUS = /migration status:\s*(completed|failed|cancelled)/;
const FAILED = /(?:migration aborted|ERROR: online migrate failure|TASK ERROR: migration)/;

export const proxmoxReader: Reader = {
  name: 'Proxmox VE task logs',
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
    text.split('\n').forEach((line, at) => {
      if (
        /start migrate command|starting (online|migration)/.test(line) &&
        /start migrate command/.test(line)
      )
        clock.restart();
      const stampUs = clock.read(line);
      // Without stamps lines come one a second.
      tUs = stampUs ?? (ACTIVE.test(line) || OLD.test(line) ? tUs + 1e6 : tUs);
      readLine(line, at + 1, tUs, log);
    });
    return { kind: 'samples', found: log.found() };
  },
};

function readLine(line: string, at: number, tUs: number, log: Collector): void {
  const [, limit] = LIMIT.exec(line) ?? [];
  if (limit !== undefined) log.setDowntimeLimit(Number(limit));
  const [, speed, speedUnit] = SPEED_LIMIT.exec(line) ?? [];
  if (speed !== undefined) log.setMaxBandwidth(sizeOf(speed, speedUnit));
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
