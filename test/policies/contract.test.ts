import { expect, test } from '@jest/globals';
import { findPolicy, policies } from '../../src/policies/index.js';
import { FakeControls } from '../strategies/fake-controls.js';
import { testRegistry } from '../strategies/registry-laws.js';

testRegistry('policy', policies);

test('the first policy, the default, is the one that only waits', () => {
  expect(Object.keys(policies)[0]).toBe('wait');
});

test('wait calls no knob, however the migration goes', () => {
  const migration = new FakeControls();
  policies.wait.start({}, migration);
  migration.happenSync('setup');
  migration.runUntilMs(100_000);
  migration.happenDetector();
  migration.happenEnd();
  expect(migration.calls).toEqual([]);
});

test('an unknown policy is refused as a policy', () => {
  expect(() => findPolicy('wiat')).toThrow(/^unknown policy "wiat"; did you mean wait\?/);
});
