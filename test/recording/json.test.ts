import { fc, test as property } from '@fast-check/jest';
import { expect, test } from '@jest/globals';
import { parseJson } from '../../src/formats/json.js';

function messageOf(text: string): string {
  try {
    parseJson(text, 'f');
  } catch (error) {
    return (error as Error).message;
  }
  return 'read';
}

/** Every proper prefix of an object lacks at least its last bracket, so whatever its end, it only ends too early. */
property.prop([fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.nat()])(
  'a text cut anywhere is called truncated',
  (value, cut) => {
    const text = JSON.stringify(value);
    const part = text.slice(0, 1 + (cut % (text.length - 1)));
    expect(messageOf(part)).toMatch(/: the JSON ends in the middle: is the file truncated\?$/);
  },
);

property.prop([fc.jsonValue()])(
  'a text with nothing wrong is read, and with more behind it is not',
  (value) => {
    const text = JSON.stringify(value, null, 2);
    expect(parseJson(text, 'f')).toEqual(JSON.parse(text));
    expect(messageOf(`${text} ]`)).toMatch(/this is not JSON/);
  },
);

// What Python writes for what is no number, and the slips of people; the column is that of the first wrong token.
test.each([
  ['{"a": NaN}', 'f:1:7: ', ', got NaN'],
  ['[1,\n -Infinity]', 'f:2:2: ', ', got -Infinity'],
  ['[1, ]', 'f:1:5: ', 'closing bracket here'],
  ['{"a": 1,}', 'f:1:9: ', 'closing bracket here'],
  ['{"a" 1}', 'f:1:6: ', ', got 1'],
  ['{a: 1}', 'f:1:2: ', ', got a'],
  ['[1 2]', 'f:1:4: ', ', got 2'],
  ['{"a": 01}', 'f:1:7: ', ', got 01'],
  ['[1}', 'f:1:3: ', 'closing bracket here'],
])('%s is told with its place', (text, place, end) => {
  const message = messageOf(text);
  expect(message.startsWith(place)).toBe(true);
  expect(message.endsWith(end)).toBe(true);
});
