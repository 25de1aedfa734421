/** nova-compute's log (nova/virt/libvirt/driver.py:_live_migration_monitor): bytes each 30 s, and downtime steps. */
import { Collector } from './lines.js';
import type { Reader } from './reader.js';

const RUNNING =
  /Migration running for (\d+) secs,\s*memory (?:progress )?[\d.]+%[^(]*\((?:bytes )?(?:processed=(\d+), remaining=(\d+), total=(\d+)|([\d.]+) MiB processed,\s*([\d.]+) (?:MiB )?remaining,\s*([\d.]+) (?:MiB )?total)\)/;
const BANDWIDTH = /memory bandwidth ([\d.]+) MB\/s/;
const EXPECTED = /expected downtime (\d+) ms/;
const INCREASE = /Increasing downtime to (\d+) ms after (\d+) sec/;
const COMPLETED = /Migration operation has completed|Live migration data: .*completed/;
const ENDED: readonly (readonly [RegExp, string])[] = [
  [COMPLETED, 'completed'],
  [/Live migration not completed after (\d+) sec|Migration operation was cancelled/, 'cancelled'],
  [/Migration operation has aborted|Live Migration failure/, 'failed'],
];

export const novaReader: Reader = {
  name: 'nova-compute log',
  source: 'nova',
  writtenBy: 'OpenStack Nova',
  example: 'journalctl -u nova-compute | migsim learn -',
  shows: 'memory, what was sent and remains each 30 s, downtime steps, the end',
  lacks: 'zero pages, syncs and the dirty rate, which are derived or assumed',
  jobClock: true,
  recognises: (text) => RUNNING.test(text),
  read(text, file) {
    const log = new Collector(file);
    text.split('\n').forEach((line, at) => readLine(line, at + 1, log));
    return { kind: 'samples', found: log.found() };
  },
};

function readLine(line: string, at: number, log: Collector): void {
  const guest = /\[instance: ([0-9a-f-]+)\]/.exec(line)?.[1] ?? '';
  const step = INCREASE.exec(line);
  if (step !== null) log.setDowntimeLimit(Number(step[1]), guest);
  const running = RUNNING.exec(line);
  if (running !== null) {
    const [, seconds, processed, remaining, total, processedMib, remainingMib, totalMib] = running;
    const bytes = (whole: string | undefined, mib: string | undefined): number =>
      whole === undefined ? Math.round(Number(mib) * 2 ** 20) : Number(whole);
    const rate = BANDWIDTH.exec(line)?.[1];
    const expected = EXPECTED.exec(line)?.[1];
    log.add(at, {
      tUs: Number(seconds) * 1e6,
      transferredBytes: bytes(processed, processedMib),
      remainingBytes: bytes(remaining, remainingMib),
      totalBytes: bytes(total, totalMib),
      mbps: rate === undefined ? 0 : (Number(rate) * 2 ** 20 * 8) / 1e6,
      expectedDowntimeMs: expected === undefined ? null : Number(expected),
      guest,
    });
    return;
  }
  for (const [pattern, status] of ENDED) {
    const ended = pattern.exec(line);
    const last = [...log.samples].reverse().find((sample) => sample.guest === guest) ?? log.samples.at(-1);
    if (ended === null || last === undefined || last.status !== 'active') continue;
    log.add(at, { ...last, status, tUs: ended[1] === undefined ? last.tUs : Number(ended[1]) * 1e6 });
  }
}
