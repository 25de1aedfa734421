import { expect, test } from '@jest/globals';
import { none } from '../../src/strategies/none.js';
import { stopAndCopy } from '../../src/strategies/stop-and-copy.js';
import { FakeControls } from './fake-controls.js';

test('stop-and-copy pauses once, at the sync that ends the setup, and does nothing else', () => {
  const migration = new FakeControls();
  stopAndCopy.start({}, migration);
  migration.runUntilMs(250);
  expect(migration.takeCalls()).toEqual([]);
  migration.happenSync('setup');
  expect(migration.takeCalls()).toEqual(['0.25 pause']);
  migration.happenSync('natural');
  migration.happenDetector();
  migration.happenSync('switchover');
  expect(migration.takeCalls()).toEqual([]);
});

test('none calls no knob, however bad the syncs', () => {
  const migration = new FakeControls();
  none.start({}, migration);
  migration.happenSync('setup');
  migration.runUntilMs(60_000);
  migration.happenDetector();
  migration.happenSync();
  expect(migration.calls).toEqual([]);
});
