import { parseOptions } from '../../src/options/read.js';
import { expect, test } from '@jest/globals';
import { findStrategy } from '../../src/strategies/index.js';
import { setupWith } from './setups.js';

test.each(['auto-converge', 'dirty-restraint', 'dirty-limit'])(
  '%s sets the threshold of the detector, and nothing else',
  (name) => {
    const { options, prepare } = findStrategy(name);
    const setup = setupWith();
    for (const [given, threshold] of [
      [{}, 50],
      [{ 'throttle-trigger-threshold': '80%' }, 80],
    ] as const) {
      expect(prepare!(parseOptions(options, given), setup)).toEqual({
        ...setup,
        migration: { ...setup.migration, throttleTriggerThreshold: threshold },
      });
    }
  },
);
