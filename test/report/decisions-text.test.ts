import { describe, expect, test } from '@jest/globals';
import type { Decision } from '../../src/migration/result.js';
import { decisionsText } from '../../src/report/terminal/decisions-text.js';
import { plain } from '../../src/report/terminal/kit/style.js';

const judged: Decision = {
  timeMs: 21_237,
  rule: 'migration_trigger_throttle',
  text: 'sync 5: dirtied 212 MiB > 50 % of sent 240 MiB, second strike',
  sync: 5,
  facts: {
    kind: 'judged',
    sync: 5,
    verdict: 'act',
    dirtyBytes: 212 * 2 ** 20,
    sentBytes: 240 * 2 ** 20,
    thresholdPercent: 50,
    limitBytes: 120 * 2 ** 20,
    strikes: 0,
    heeded: true,
  },
};
const step: Decision = {
  timeMs: 21_237,
  rule: 'mig_throttle_guest_down',
  text: 'throttle 20 -> 30 %',
  sync: 5,
};
const turn: Decision = {
  timeMs: 21_237,
  rule: 'migration_iteration_run',
  text: 'iterate: 2 GiB >= threshold 1 GiB',
};
const later: Decision = { timeMs: 121_240.4, rule: 'tune', text: 'stalled: the migration is aborted' };
const at = (width: number, decisions: readonly Decision[]): string[] =>
  decisionsText(decisions, { width, style: plain }).split('\n');

test('a sync reads as one thought: what the detector found, and what was done about it', () => {
  const atEdge = (text: string, rules: string): string => text.padEnd(160 - rules.length) + rules;
  expect(at(160, [judged, step, turn, later])).toEqual([
    atEdge(
      ' 21.237 s  sync 5: dirtied 212 MiB > 50 % of sent 240 MiB, second strike: throttle 20 -> 30 %',
      'migration_trigger_throttle, mig_throttle_guest_down',
    ),
    atEdge('           iterate: 2 GiB >= threshold 1 GiB', 'migration_iteration_run'),
    atEdge('121.240 s  stalled: the migration is aborted', 'tune'),
  ]);
});

test('on 80 columns the rule goes below where there is no room', () => {
  expect(at(80, [judged, step, turn])).toEqual([
    '21.237 s  sync 5: dirtied 212 MiB > 50 % of sent 240 MiB, second strike:',
    '          throttle 20 -> 30 %',
    '                             migration_trigger_throttle, mig_throttle_guest_down',
    '          iterate: 2 GiB >= threshold 1 GiB              migration_iteration_run',
  ]);
});

describe('what is not an answer to the detector stands by itself', () => {
  test.each<[string, Decision]>([
    ['a policy that looks at the same moment', { ...later, timeMs: judged.timeMs }],
    ['an answer to another sync', { ...step, sync: 4 }],
    ['a decision of the engine', { ...turn, sync: 5, facts: judged.facts! }],
  ])('%s', (_what, decision) => {
    const lines = at(160, [judged, decision]);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^ {10}\S/);
  });

  test('a second answer', () => {
    const lines = at(160, [judged, step, { ...step, text: 'and more' }]);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^ {10}and more +mig_throttle_guest_down$/);
  });
});

test('no line is wider than the page, and every rule ends at its edge', () => {
  for (const width of [80, 100, 120]) {
    for (const line of at(width, [judged, step, turn, later])) expect(line.length).toBeLessThanOrEqual(width);
    expect(at(width, [turn])[0]).toHaveLength(width);
  }
});

test('nothing decided, nothing said', () => {
  expect(decisionsText([])).toBe('');
});
