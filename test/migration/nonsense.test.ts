/** What a strategy of a user may ask for by mistake is refused in one line; none of it runs for ever. */
import { describe, expect, test } from '@jest/globals';
import type { Controls } from '../../src/migration/controls.js';
import { migrate, setupOf, writer } from './setups.js';

function refusedFor(ask: (controls: Controls) => void): () => void {
  const setup = setupOf({ guest: { vcpus: [writer({ pages: 1024, writesPerSecond: 1000 })] } });
  return () => migrate(setup, 'none', {}, ask);
}

describe('refused in one line', () => {
  const again = (controls: Controls): void => void controls.after(0, () => again(controls));
  test.each<[string, (controls: Controls) => void, RegExp]>([
    [
      'throttle(NaN)',
      (c) => c.throttle('all', NaN),
      /throttle\(percent\) with NaN; expected a number from 0 to/,
    ],
    ['throttle(1e9)', (c) => c.throttle([0], 1e9), /throttle\(percent\) with 1000000000/],
    ['throttle(-1)', (c) => c.throttle('all', -1), /throttle\(percent\) with -1/],
    ['every(0)', (c) => void c.every(0, () => undefined), /every\(periodMs\) with 0/],
    ['every(NaN)', (c) => void c.every(NaN, () => undefined), /every\(periodMs\) with NaN/],
    ['after(-1)', (c) => void c.after(-1, () => undefined), /after\(delayMs\) with -1/],
    [
      'ringFullSleep(Infinity)',
      (c) => c.ringFullSleep(0, Infinity),
      /ringFullSleep\(sleepUs\) with Infinity/,
    ],
    ['a timer that starts itself again without a delay', again, /starts one again without a delay/],
  ])('%s', (_name, ask, message) => {
    expect(refusedFor(ask)).toThrow(message);
  });
});
