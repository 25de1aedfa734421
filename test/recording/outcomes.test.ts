/** What a log itself shows of its end comes first: no prediction denies it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { advise } from '../../src/api/advise.js';
import { learnFromLog, type LearnResult } from '../../src/recording/learn/learn-from-log.js';
import { loggedOf } from '../../src/recording/learn/answer/outlook.js';
import { isLinkSeen, leastLink } from '../../src/recording/learn/learned.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { stretched, stretchTo } from '../../src/stats/conformal.js';

const FOLDER = path.join(import.meta.dirname, 'fixtures', 'logs');

function learned(file: string): LearnResult {
  return learnFromLog(readFileSync(path.join(FOLDER, file), 'utf8'), file);
}

/** Whole times of the logs: one stamps whole seconds, one polls each 4 s and shows no completion, one is QEMU's own. */
describe.each([
  ['proxmox.log', 16_000, 59],
  ['virt-launcher.log', 8061, null],
  ['qmp-tiny-cap.jsonl', 69_410, 7],
] as const)('%s', (file, totalTimeMs, downtimeMs) => {
  const { learned: found, scenario, outlook } = learned(file);
  const logged = loggedOf(found, outlook);

  test('is known to have moved its guest, in its own time', () => {
    expect(outlook!.isOver).toBe(true);
    expect(logged!.totalTimeMs / totalTimeMs).toBeCloseTo(1, 1);
    expect(logged!.downtimeMs).toBe(downtimeMs);
  });

  test('its guest is predicted to finish again, in a band that holds the log', async () => {
    const { verdict, asItIs } = await advise(parseScenario(scenario, 'learned.yaml'), {
      logged: logged!,
      runs: 4,
    });
    const { totalTimeMs: total, blackoutMs: blackout } = asItIs.outcome;
    expect(verdict).toBe('finishes');
    expect(total!.low).toBeLessThanOrEqual(logged!.totalTimeMs);
    expect(total!.high).toBeGreaterThanOrEqual(logged!.totalTimeMs);
    expect(blackout!.low).toBeLessThanOrEqual(logged!.downtimeMs ?? Infinity);
    expect(blackout!.high).toBeGreaterThanOrEqual(logged!.downtimeMs ?? 0);
    // The model's own bands are within a tenth or so: only what the log contradicts is widened.
    expect(total!.median / logged!.totalTimeMs).toBeGreaterThan(0.85);
    expect(total!.median / logged!.totalTimeMs).toBeLessThan(1.15);
  });
});

test('a log that was cancelled, or still goes on, is not taken for done', () => {
  for (const file of ['domjobinfo-abort.txt', 'domjobinfo.txt', 'hmp-2.txt', 'domjobinfo-postcopy.txt']) {
    const { learned: found, outlook } = learned(file);
    expect([file, loggedOf(found, outlook)]).toEqual([file, null]);
  }
});

describe('what a band is stretched to', () => {
  const band = { low: 10, high: 20 };
  test.each([
    ['a value inside moves no end', 15, { low: 10, high: 20 }],
    ['a value above moves the upper end to it', 30, { low: 10, high: 30 }],
    ['a value below moves the lower end to it', 4, { low: 4, high: 20 }],
    ['nothing seen moves nothing', null, { low: 10, high: 20 }],
  ] as const)('%s', (_, seen, expected) => {
    expect(stretched(band, stretchTo(band, seen))).toEqual(expected);
  });
});

/** 1 Gbit/s of Ethernet carries 117.7 MB/s, 2.5 Gbit/s 294 MB/s: what a cap leaves unseen is the slowest that exceeds it. */
describe('a link that the log does not show', () => {
  const rate = (maxBandwidth: number, maxBandwidthSaid: boolean, bytesPerSecond = maxBandwidth): number =>
    leastLink({ maxBandwidth, maxBandwidthSaid, bytesPerSecond });
  test('is the slowest Ethernet of which the cap was a cap', () => {
    expect(rate(32 * 2 ** 20, false)).toBeCloseTo(117.7e6, -3);
    expect(rate(128 * 2 ** 20, true)).toBeCloseTo(294.25e6, -3);
  });

  test('is what was sent, where that is just below a cap that nobody stated', () => {
    expect(rate(128 * 2 ** 20, false, 129e6)).toBe(129e6);
  });

  test('is known where nothing capped it, or where something flowed without the cap', () => {
    expect(isLinkSeen({ maxBandwidth: 0, switchoverBytesPerSecond: null })).toBe(true);
    expect(isLinkSeen({ maxBandwidth: 1e6, switchoverBytesPerSecond: 3e8 })).toBe(true);
    expect(isLinkSeen({ maxBandwidth: 1e6, switchoverBytesPerSecond: null })).toBe(false);
  });
});

/** A monitor serves one client at a time, and what orchestrators hold would stop them where another took it. */
// A first pass takes what is left over the rate: a link that is rounded by more than the bands hold predicts another time.
test.each([42_600, 415_000, 1_490_000, 2_440_000, 9_400_000, 10_490_000, 300_000_000])(
  'a log whose memory flowed at %d B/s gives a link within 5 %% of that',
  (bytesPerSecond) => {
    const total = 2 ** 40;
    const normal = Math.round((20 * bytesPerSecond) / 4096);
    const reply = {
      status: 'active',
      'setup-time': 0,
      'total-time': 20_000,
      ram: {
        total,
        remaining: total - 4096 * normal,
        transferred: 20 * bytesPerSecond,
        duplicate: 0,
        normal,
        'normal-bytes': 4096 * normal,
        'dirty-sync-count': 1,
        'page-size': 4096,
        mbps: (8 * bytesPerSecond) / 1e6,
      },
    };
    const { scenario } = learnFromLog(JSON.stringify({ return: reply }), 'reply.json');
    const { link } = parseScenario(scenario, 'learned.yaml').setup;
    expect(Math.abs(link.bandwidthBytesPerSecond / bytesPerSecond - 1)).toBeLessThan(0.05);
  },
);

test.each(['proxmox.log', 'nova.log', 'vdsm.log', 'virt-launcher.log', 'domjobinfo.txt', 'cloudstack.txt'])(
  '%s: the next log is asked for through the program that holds the monitor',
  (file) => {
    expect(learned(file).understood.next).toMatch(
      /^('info migrate' in qm monitor|virsh qemu-monitor-command)/,
    );
  },
);

/** Proxmox VE set 8 GiB/s up to version 6 and sets 16 GiB/s since, libvirt 2^63 bytes/s: no link reaches that. */
describe('a cap that is set and never reached', () => {
  const replies = readFileSync(
    path.join(FOLDER, '..', '..', '..', '..', 'examples', 'stuck-migration.log'),
    'utf8',
  );
  const capped = (bytesPerSecond: number): LearnResult =>
    learnFromLog(
      `{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":${bytesPerSecond}}}\n${replies}`,
      'capped.log',
    );
  const values = ({ scenario }: LearnResult): string => scenario.replaceAll(/ *#.*\n/g, '');

  test.each([1e9, 8 * 2 ** 30, 2 ** 53 - 1])(
    '%d bytes/s: the guest and its link are those without a cap',
    (cap) => {
      const found = capped(cap);
      expect(values(found)).toBe(values(learnFromLog(replies, 'capped.log')));
      expect(found.learned.assumptions.join()).toContain('was never reached');
      expect(found.understood.lines.join()).toContain(', never reached');
    },
  );

  test('one that memory does flow at is kept', () => {
    expect(values(capped(121e6))).toMatch(/max-bandwidth: 121/);
  });
});

/** Up to 8.1 each zero page counts against the rate, since 8.2 it does not: 69,600 of them under 22,500 B/s are 28 s or none. */
test('replies of a QEMU before 7.0 are simulated by the oldest rules', () => {
  const { scenario, check } = learned('qmp-tiny-cap.jsonl');
  expect(scenario).toMatch(/^ {2}qemu: '7\.2'$/m);
  expect(check!.passes[0]!.simulatedMs / check!.passes[0]!.loggedMs).toBeCloseTo(1, 1);
});
