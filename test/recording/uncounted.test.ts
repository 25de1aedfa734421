/** Logs that count neither syncs nor pages: how often the program asked must not decide what is learned. */
import { describe, expect, test } from '@jest/globals';
import { completeLog } from '../../src/formats/complete.js';
import { readLogs } from '../../src/formats/readers/index.js';
import { learnFromLog } from '../../src/recording/learn/learn-from-log.js';
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
