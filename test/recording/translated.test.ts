/** virsh prints its labels in the language of the terminal: such a log is refused with what to do about it. */
import { expect, test } from '@jest/globals';
import { readLogs } from '../../src/formats/readers/read-logs.js';

const read = (text: string): unknown => readLogs([{ file: 'job.txt', text }]);

test('a translated domjobinfo is refused with the way to have it in English', () => {
  const german = [
    'Auftragstyp:         Unbegrenzt',
    'Vergangene Zeit:     42125        ms',
    'Verarbeiteter Speicher: 4,713 GiB',
    'Verbleibender Speicher: 1,055 GiB',
    'Gesamter Speicher:   8,016 GiB',
  ];
  expect(() => read(german.join('\n').replaceAll(/ +/g, ' '))).toThrow('LC_ALL=C');
  expect(() => read(german.join('\r\n').replaceAll(/ +/g, ' '))).toThrow('LC_ALL=C');
});

test('a text without such figures gets no such hint', () => {
  expect(() => read('Dear Sir: 3 apples')).not.toThrow('LC_ALL=C');
  expect(() => read('Dear Sir: 3 apples')).toThrow('no known format');
});
