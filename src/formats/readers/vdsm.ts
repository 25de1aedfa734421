/**
 * vdsm's log (oVirt, lib/vdsm/virt/migration.py). Its MB are MiB, its Mbps are MiB times 8 (MBps in early versions), and
 * what it calls `zero pages: 965430MB` is a number of pages.
 */
import { UsageError } from '../../errors.js';
import { Collector } from './lines.js';
import type { Reader } from './reader.js';
import { MIB } from '../../units.js';

const PROGRESS =
  /Migration Progress: ([\d.]+) seconds elapsed, ([\d.]+)% of data processed(?:, total data: (\d+)MB, processed data: (\d+)MB, remaining data: (\d+)MB, transfer speed (\d+)(Mbps|MBps)(?:, zero pages: (\d+)MB)?(?:, compressed: \d+MB)?(?:, dirty rate: (-?\d+))?(?:, memory iteration: (-?\d+))?)?/;
const LIMIT = /(?:Setting downtime to|setting migration downtime to) (\d+)/i;
const STUCK = /Migration is stuck|migration.*(?:aborting|cancelled)/i;
const DONE = /migration took ([\d.]+) seconds to complete/i;

const THROTTLED =
  'every migration policy of oVirt but Legacy turns auto-converge on, and no line says how far it throttled the guest: at full ' +
  'speed the guest may dirty more than is learned here';

export const vdsmReader: Reader = {
  name: 'vdsm log',
  source: 'vdsm',
  writtenBy: 'oVirt and RHV, vdsm 4.17 and later',
  example: 'migsim learn vdsm.log',
  shows: 'memory, what was sent and remains each 10 s, zero pages, syncs, the dirty rate',
  lacks: 'parameters but downtime steps; pages sent, which are derived',
  jobClock: true,
  rounded: true,
  recognises: (text) => /Migration Progress: [\d.]+ seconds elapsed/.test(text),
  read(text, file) {
    const log = new Collector(file);
    let early = 0;
    text.split('\n').forEach((line, at) => {
      const progress = PROGRESS.exec(line);
      if (progress !== null && progress[3] === undefined) early ||= at + 1;
      readLine(line, at + 1, progress, log);
    });
    if (log.samples.length === 0) {
      throw new UsageError(
        'vdsm before 4.17 logs percentages alone, which say neither memory nor rates; expected "total data: …MB" in it',
        { file, line: early },
      );
    }
    log.note(THROTTLED);
    return { kind: 'samples', found: log.found() };
  },
};

function readLine(line: string, at: number, progress: RegExpExecArray | null, log: Collector): void {
  const guest = /vmId='([^']+)'/.exec(line)?.[1] ?? '';
  const limit = LIMIT.exec(line);
  if (limit !== null) log.setDowntimeLimit(Number(limit[1]), guest);
  if (progress?.[3] !== undefined) {
    const [, seconds, , total, processed, remaining, speed, unit, zero, dirty, iteration] = progress;
    const rate = Number(speed) * (unit === 'Mbps' ? MIB / 8 : MIB);
    log.note('vdsm\'s "zero pages: …MB" is a number of pages');
    log.add(at, {
      tUs: Number(seconds) * 1e6,
      totalBytes: Number(total) * MIB,
      transferredBytes: Number(processed) * MIB,
      remainingBytes: Number(remaining) * MIB,
      mbps: (rate * 8) / 1e6,
      zeroPages: zero === undefined ? null : Number(zero),
      // -1: libvirt before 1.3 does not say.
      dirtyPagesRate: Math.max(0, Number(dirty ?? 0)),
      dirtySyncCount: Number(iteration ?? -1) < 1 ? null : Number(iteration),
      guest,
    });
    return;
  }
  const last = log.samples.at(-1);
  if (last === undefined || last.status !== 'active' || last.guest !== guest) return;
  const done = DONE.exec(line);
  if (done !== null) log.add(at, { ...last, status: 'completed', tUs: Number(done[1]) * 1e6 });
  else if (STUCK.test(line)) log.add(at, { ...last, status: 'cancelled' });
}
