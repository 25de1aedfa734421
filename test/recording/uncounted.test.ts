/** Logs that count neither syncs nor pages: how often the program asked must not decide what is learned. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { completeLog } from '../../src/formats/complete.js';
import { readLogs } from '../../src/formats/readers/read-logs.js';
import { learnFromLog } from '../../src/recording/learn/learn-from-log.js';
import { GROWTH } from '../../src/recording/learn/one-reading.js';
import type { Learned } from '../../src/recording/learn/learned.js';
import { KNOWN, simulatedLog } from './logs.js';

interface Reply {
  readonly 'total-time': number;
  readonly ram: Readonly<Record<'total' | 'remaining' | 'transferred' | 'dirty-sync-count', number>>;
}

/** Replies of a migration that stalls, 200 ms apart. */
function stalled(linkBytesPerSecond: number): readonly Reply[] {
  const { replies } = simulatedLog(KNOWN, {
    giveUpAfterUs: 150_000_000,
    maxBandwidth: 0,
    linkBytesPerSecond,
  });
  return replies as readonly Reply[];
}

function novaLog(replies: readonly Reply[]): string {
  return replies
    .map(({ 'total-time': ms, ram: { total, remaining, transferred } }) => {
      const bytes = `bytes processed=${transferred}, remaining=${remaining}, total=${total}`;
      return `Migration running for ${Math.round(ms / 1000)} secs, memory 9% remaining (${bytes})`;
    })
    .join('\n');
}

/** One reading each 1 s to 20 s, of passes that settle at 0.3 s to 1 s. */
const EACH = [5, 13, 29, 50, 75, 100];

describe.each([97e6, 111e6, 124e6])('over a link of %d bytes/s', (linkBytesPerSecond) => {
  const replies = stalled(linkBytesPerSecond);
  const asked = EACH.map((each) => replies.filter((_, at) => at % each === each - 1));

  test('syncs are counted to a fifth on average, to a half in the worst case', () => {
    const errors = asked.map((some) => {
      const found = readLogs([{ file: 'nova.log', text: novaLog(some) }]);
      const derived = found.kind === 'migration' ? completeLog(found.log)!.samples.at(-1)! : null;
      return Math.log(derived!.dirtySyncCount / some.at(-1)!.ram['dirty-sync-count']);
    });
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    expect(Math.abs(mean)).toBeLessThan(0.2);
    for (const error of errors) expect(Math.abs(error)).toBeLessThan(0.5);
  });

  // What is evened out comes back in proportion to time, as a loop would bring it: that says nothing of a loop.
  test('no loop is seen where every pass shares its readings with others', () => {
    const { learned, scenario } = learnFromLog(novaLog(asked[4]!), 'nova.log');
    expect(learned.passes.filter(({ shared }) => shared === 1).length).toBeLessThan(4);
    expect(scenario).not.toContain('in order of address');
  });
});

/**
 * vdsm prints a dirty rate and no more. A guest that dirties less than is sent is no guest whose memory comes back as fast: what is
 * learned of it is the rate, over a pass of at least a second, as QEMU has it, and at most as long as all memory takes.
 */
describe('a dirty rate below that of sending', () => {
  const text = readFileSync('test/recording/fixtures/logs/vdsm.log', 'utf8');
  const learnedAt = (rate: number): Learned =>
    learnFromLog(text.replace('dirty rate: 28900', `dirty rate: ${rate}`), 'vdsm.log').learned;

  test('is what the guest dirties per second, in the shortest such time and in the longest', () => {
    for (const rate of [100, 500, 5000, 20_000]) {
      const { guest } = learnedAt(rate);
      const [{ durationUs, pages }] = guest.readings as [(typeof guest.readings)[0]];
      const { low, high, longestUs } = guest.intensity!;
      expect((pages / durationUs) * 1e6).toBeCloseTo(rate, -1);
      expect(low).toBeLessThan(1);
      // At f times the speed D(τ) = c·(f·τ)^β, which is the rate at τ: in c·f^β·τ^(β-1), f^β makes up for the longer τ.
      const timesUs = [low, high].map((f) => durationUs * f ** (GROWTH / (1 - GROWTH)));
      expect(timesUs[0]! / 1e6).toBeCloseTo(1, 3);
      expect(timesUs[1]! / ((guest.layout.roomPages * 4104e6) / 123.1 / 2 ** 20)).toBeCloseTo(1, 1);
      expect(longestUs).toBeNull();
    }
  });

  test('at or above it, passes are of any length that the log allows', () => {
    const { guest, assumptions } = learnedAt(40_000);
    expect(guest.intensity!.longestUs).toBeGreaterThan(1e6);
    expect(assumptions.join()).toContain('memory came back as fast as it was sent');
  });
});
