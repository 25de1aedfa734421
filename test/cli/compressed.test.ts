/** Logs as rotation leaves them. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { decompressed } from '../../src/cli/options/compressed.js';

const MOST = 2 ** 20;
const text = Buffer.from('Migration running for 30 secs\n'.repeat(1000));

describe('a log that was compressed', () => {
  test('by gzip is read, and text is left as it is', () => {
    expect(Buffer.from(decompressed(gzipSync(text), MOST, 'a.gz'))).toEqual(text);
    expect(decompressed(text, MOST, 'a.log')).toBe(text);
    expect(decompressed(new Uint8Array(), MOST, 'a.log')).toHaveLength(0);
  });

  // A few kB of gzip can hold gigabytes: what comes out is bounded as what goes in is.
  test('and is too large within is refused', () => {
    expect(() => decompressed(gzipSync(Buffer.alloc(MOST + 1)), MOST, 'a.gz')).toThrow(
      'a.gz: is larger than 512 MiB when decompressed',
    );
  });

  test('and breaks off anywhere says so', () => {
    const whole = gzipSync(text);
    for (let length = 2; length < whole.length; length += 1)
      expect(() => decompressed(whole.subarray(0, length), MOST, 'a.gz')).toThrow(
        'a.gz: is gzip that breaks off',
      );
  });

  // gzip -c >> and appended notes leave such files; zcat reads them with a warning.
  test.each([{}, { level: 1 }])('with text behind it says so, and how to read it (%j)', (options) => {
    const whole = gzipSync(text, options);
    const named = Buffer.from(whole);
    named[3] = 8;
    const withName = Buffer.concat([named.subarray(0, 10), Buffer.from('a.log\0'), whole.subarray(10)]);
    for (const member of [whole, withName]) {
      expect(Buffer.from(decompressed(member, MOST, 'a.gz'))).toEqual(text);
      for (const behind of ['note', 'a longer note behind it\n'.repeat(20)])
        expect(() => decompressed(Buffer.concat([member, Buffer.from(behind)]), MOST, 'a.gz')).toThrow(
          /^a\.gz: is gzip with other bytes behind it; [^\n]*zcat FILE/,
        );
    }
  });

  test.each([
    ['xz', 'xzcat', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
    ['zstd', 'zstdcat', [0x28, 0xb5, 0x2f, 0xfd, 0x04]],
    ['bzip2', 'bzcat', [0x42, 0x5a, 0x68, 0x39]],
  ])('by %s names the program that prints it', (name, program, bytes) => {
    expect(() => decompressed(Uint8Array.from(bytes), MOST, 'a')).toThrow(
      `a: compressed by ${name}; expected text: ${program} FILE | migsim learn -`,
    );
  });
});
