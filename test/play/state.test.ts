import { describe, expect, test } from '@jest/globals';
import { fc } from '@fast-check/jest';
import { checkedState, fragmentOf, MOST_TEXT, type PlayState, stateOf } from '../../src/play/state.js';

const STATE: PlayState = {
  file: 'guest.yaml',
  text: 'guest: { memory: 1GiB } # größer ≠ "<script>"\n',
  seed: 1,
  exact: false,
  runs: 24,
  map: { x: 'guest.vcpus.0.workload.write', y: 'link.bandwidth' },
};

/** As `fragmentOf` would write it, whatever it is. */
function fragmentWith(value: unknown): string {
  return fragmentOf(value as PlayState);
}

describe('a fragment', () => {
  test('carries the whole state, with letters that need no escape in an address', () => {
    const states = fc.record({
      file: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}\.yaml$/),
      text: fc
        .string({ unit: 'binary', maxLength: 200 })
        .map((text) => text.replaceAll(/\p{Surrogate}/gu, '')),
      seed: fc.nat(2 ** 31),
      exact: fc.boolean(),
      runs: fc.nat(100),
      map: fc.constantFrom(null, STATE.map),
    });
    fc.assert(
      fc.property(states, (state) => {
        const fragment = fragmentOf(state);
        expect(fragment).toMatch(/^#[\w.-]+$/);
        expect(stateOf(fragment)).toEqual(state);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test.each([
    ['nothing', ''],
    ['another word', '#why-title'],
    ['no base64', '#1.%%%'],
    ['no UTF-8', `#1.${btoa('\xff\xfe')}`],
    ['no JSON', `#1.${btoa('{')}`],
    ['a list', fragmentWith([])],
    ['a key too many', fragmentWith({ ...STATE, more: 1 })],
    ['a key that is missing', fragmentWith({ ...STATE, map: undefined })],
    [
      'the prototype',
      `#1.${btoa('{"__proto__":{"text":"x"},"file":"a.yaml","text":"","seed":1,"exact":false,"runs":0}')}`,
    ],
    ['a file elsewhere', fragmentWith({ ...STATE, file: '../guest.yaml' })],
    ['a file that is an option', fragmentWith({ ...STATE, file: '--help.yaml' })],
    ['a file that ends a command', fragmentWith({ ...STATE, file: 'a.yaml; rm x.yaml' })],
    ['a seed that is none', fragmentWith({ ...STATE, seed: -1 })],
    ['runs without end', fragmentWith({ ...STATE, runs: 1e6 })],
    ['a text that is a number', fragmentWith({ ...STATE, text: 1 })],
    ['a text without end', fragmentWith({ ...STATE, text: 'x'.repeat(MOST_TEXT + 1) })],
    ['a flag in words', fragmentWith({ ...STATE, exact: 'yes' })],
    ['a path with a value in it', fragmentWith({ ...STATE, map: { x: 'a=b', y: 'link.bandwidth' } })],
    ['a map with one axis', fragmentWith({ ...STATE, map: { x: 'link.bandwidth' } })],
  ])('that is %s carries none', (_, fragment) => expect(stateOf(fragment)).toBeNull());
});

test('a state of the page is checked by the same rules as one from a link', () => {
  expect(checkedState(STATE)).toEqual(STATE);
  expect(checkedState({ ...STATE, runs: 0.5 })).toBeNull();
});
