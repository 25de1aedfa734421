/** Logs that begin in the middle: a poller is often started only when a migration takes too long. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { nth } from '../../src/lists.js';
import { learnFromLog } from '../../src/recording/learn/learn-from-log.js';
import { KNOWN, simulatedLog } from './logs.js';
import { parseScenario } from '../../src/scenario/parse.js';

const { replies } = simulatedLog(KNOWN);
const text = (from: number): string =>
  replies
    .slice(from)
    .map((reply) => JSON.stringify(reply))
    .join('\n');

const whole = learnFromLog(text(0), 'whole.log');

describe.each([0.1, 0.3, 0.5, 0.7])('a log without the first %p of it', (share) => {
  const cut = learnFromLog(text(Math.round(share * replies.length)), 'cut.log');

  test('gives a scenario that loads, with all of the memory', () => {
    const { setup } = parseScenario(cut.scenario, 'cut.yaml');
    expect(setup.guest.ramPages + setup.guest.hiddenPages).toBe(KNOWN.ramPages + KNOWN.hiddenPages);
  });

  test('stalls where the whole log does, since its last passes are in it', () => {
    const [here, there] = [cut.check!.plateau!, whole.check!.plateau!];
    expect(here.logged.passMs / there.logged.passMs).toBeCloseTo(1, 1);
    for (const field of ['passMs', 'remainingBytes'] as const)
      expect(here.simulated[field] / here.logged[field]).toBeCloseTo(1, 1);
    expect(cut.outlook!.isOver).toBe(whole.outlook!.isOver);
    expect(cut.outlook!.text).toMatch(/^will not complete while the guest goes on like this/);
  });

  // Passes of one length are one point of the dirty curve, and sets of any size go through a point.
  test('says where it shows too little for a curve', () => {
    const said = cut.learned.assumptions.filter((text) =>
      text.startsWith('every pass in the log takes about'),
    );
    expect(said.length).toBe(share < 0.5 ? 0 : 1);
  });

  test('knows zero pages from the first pass only', () => {
    const begins = 'the log begins after the first pass: no page is taken for a zero page';
    expect(cut.learned.assumptions.includes(begins)).toBe(share > 0.2);
    expect(cut.learned.guest.zeroPages > 0).toBe(share < 0.2);
  });
});

// Where a log does not say what remains, a page that was not sent may be one that is still to be sent.
test('a log without what remains that ends in its first pass knows no zero page', () => {
  const lines = readFileSync('test/recording/fixtures/logs/proxmox.log', 'utf8').split('\n');
  const active = [...lines.keys()].filter((at) => nth(lines, at).includes('migration active'));
  expect(active.length).toBeGreaterThan(10);
  for (const at of active) {
    const { learned } = learnFromLog(lines.slice(0, at + 1).join('\n'), 'cut.log');
    expect([at, learned.guest.zeroPages]).toEqual([at, 0]);
  }
});
