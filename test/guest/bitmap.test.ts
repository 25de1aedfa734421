/** Every kernel against a set of page numbers, which is too slow to be wrong. */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import {
  areSet,
  bitmapWords,
  clearFirst,
  clearLogged,
  clearRange,
  countRange,
  endOfSet,
  listFresh,
  markPages,
  markRange,
  mergeClear,
  mergeKeep,
  nextSet,
  popcount,
  readLines,
  setRange,
} from '../../src/guest/memory/page/bitmap.js';

const WORDS = 5;
const PAGES = 32 * WORDS;

/** Words that are empty, full, or anything: runs and their ends are where mistakes live. */
const word = fc.oneof(
  fc.constantFrom(0, -1, 1, -(2 ** 31)),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const bitmap = fc.array(word, { minLength: WORDS, maxLength: WORDS }).map((words) => Int32Array.from(words));
/** A range of pages [from, to), perhaps empty. */
const range = fc
  .tuple(fc.integer({ min: 0, max: PAGES }), fc.integer({ min: 0, max: PAGES }))
  .map(([a, b]) => (a < b ? ([a, b] as const) : ([b, a] as const)));

function pagesOf(bits: Int32Array): number[] {
  const pages: number[] = [];
  for (let page = 0; page < bits.length * 32; page += 1) {
    if (((bits[page >>> 5]! >>> (page & 31)) & 1) === 1) pages.push(page);
  }
  return pages;
}

describe('words and bits', () => {
  test('32 pages share a word, and a page more needs another', () => {
    expect([0, 1, 31, 32, 33, 64].map(bitmapWords)).toEqual([0, 1, 1, 1, 2, 2]);
  });

  test('a bitmap of 1 TiB is counted in whole words', () => expect(bitmapWords(2 ** 28)).toBe(2 ** 23));

  property.prop([word], { seed: 1 })('popcount counts the ones of the binary numeral', (value) => {
    expect(popcount(value)).toBe([...(value >>> 0).toString(2)].filter((digit) => digit === '1').length);
  });
});

describe('ranges', () => {
  property.prop([bitmap, range], { seed: 1 })(
    'setRange adds exactly the pages of the range',
    (bits, [from, to]) => {
      const expected = new Set(pagesOf(bits));
      for (let page = from; page < to; page += 1) expected.add(page);
      setRange(bits, from, to);
      expect(pagesOf(bits)).toEqual([...expected].sort((a, b) => a - b));
    },
  );

  property.prop([bitmap, range], { seed: 1 })(
    'clearRange takes exactly the pages of the range away',
    (bits, [from, to]) => {
      const expected = pagesOf(bits).filter((page) => page < from || page >= to);
      clearRange(bits, from, to);
      expect(pagesOf(bits)).toEqual(expected);
    },
  );

  property.prop([bitmap, range], { seed: 1 })(
    'endOfSet finds the page just past the last within',
    (bits, [from, to]) => {
      const last = pagesOf(bits).findLast((page) => page >= from && page < to);
      fc.pre(last !== undefined);
      expect(endOfSet(bits, from, to)).toBe(last! + 1);
    },
  );

  property.prop([bitmap, range], { seed: 1 })('countRange counts the pages within', (bits, [from, to]) => {
    expect(countRange(bits, from, to)).toBe(pagesOf(bits).filter((page) => page >= from && page < to).length);
  });

  property.prop([bitmap, range], { seed: 1 })(
    'nextSet finds the first page within, or -1',
    (bits, [from, to]) => {
      expect(nextSet(bits, from, to)).toBe(pagesOf(bits).find((page) => page >= from && page < to) ?? -1);
    },
  );
});

describe('sending', () => {
  property.prop([bitmap, fc.integer({ min: 0, max: PAGES - 1 }), fc.integer({ min: 1, max: PAGES })], {
    seed: 1,
  })(
    'clearFirst takes the first pages from the cursor on and leaves the cursor just past the last',
    (bits, from, wanted) => {
      const before = pagesOf(bits);
      const ahead = before.filter((page) => page >= from);
      fc.pre(ahead.length > 0);
      const taken = ahead.slice(0, wanted);
      const end = clearFirst(bits, from, taken.length);
      expect(end).toBe(taken.at(-1)! + 1);
      expect(pagesOf(bits)).toEqual(before.filter((page) => !taken.includes(page)));
    },
  );

  test('clearFirst of nothing leaves cursor and bits alone', () => {
    const bits = Int32Array.of(-1);
    expect(clearFirst(bits, 7, 0)).toBe(7);
    expect(pagesOf(bits).length).toBe(32);
  });
});

describe('reading ahead', () => {
  // Lines of 64 bytes, 16 words: of 40 words from the second on, words 1, 17 and 33 are read.
  property.prop([fc.nat(39)], { seed: 1 })('readLines reads a word of each line of the range', (w) => {
    const bits = new Int32Array(40);
    bits[w] = 5;
    expect(readLines(bits, 1, 40)).toBe([1, 17, 33].includes(w) ? 5 : 0);
    expect(readLines(bits, 1, 33)).toBe([1, 17].includes(w) ? 5 : 0);
  });
});

describe('syncing', () => {
  property.prop([bitmap, bitmap, bitmap], { seed: 1 })(
    'mergeKeep adds the log, counts what was new, keeps the log and copies it into the snapshot',
    (target, log, snapshot) => {
      const before = pagesOf(target);
      const logged = pagesOf(log);
      const fresh = logged.filter((page) => !before.includes(page));
      expect(mergeKeep(target, log, snapshot, 0, WORDS)).toBe(fresh.length);
      expect(pagesOf(target)).toEqual([...before, ...fresh].sort((a, b) => a - b));
      expect(pagesOf(log)).toEqual(logged);
      expect(pagesOf(snapshot)).toEqual(logged);
    },
  );

  property.prop([bitmap, bitmap], { seed: 1 })(
    'mergeClear adds the log, counts what was new, and empties the log',
    (target, log) => {
      const before = pagesOf(target);
      const fresh = pagesOf(log).filter((page) => !before.includes(page));
      expect(mergeClear(target, log, 0, WORDS)).toBe(fresh.length);
      expect(pagesOf(target)).toEqual([...before, ...fresh].sort((a, b) => a - b));
      expect(pagesOf(log)).toEqual([]);
    },
  );

  property.prop([bitmap, bitmap, fc.nat(WORDS), fc.nat(WORDS)], { seed: 1 })(
    'merging some words leaves the others alone',
    (target, log, from, to) => {
      const inside = (page: number): boolean => page >= from * 32 && page < to * 32;
      const before = pagesOf(target);
      const logged = pagesOf(log);
      mergeClear(target, log, from, to);
      expect(pagesOf(log)).toEqual(logged.filter((page) => !inside(page)));
      expect(pagesOf(target).filter((page) => !inside(page))).toEqual(before.filter((page) => !inside(page)));
    },
  );

  // KVM_CLEAR_DIRTY_LOG: what was written after the snapshot was taken stays in the log.
  property.prop([bitmap, bitmap, fc.nat(WORDS), fc.nat(WORDS + 2)], { seed: 1 })(
    'clearLogged takes the snapshot off the log and forgets it, within its words',
    (log, snapshot, from, to) => {
      const inside = (page: number): boolean => page >= from * 32 && page < to * 32;
      const seen = pagesOf(snapshot);
      const logged = pagesOf(log);
      clearLogged(log, snapshot, from, to);
      expect(pagesOf(log)).toEqual(logged.filter((page) => !(inside(page) && seen.includes(page))));
      expect(pagesOf(snapshot)).toEqual(seen.filter((page) => !inside(page)));
    },
  );
});

describe('pages that are written', () => {
  /** With repeats, and some entries behind those that count. */
  const pages = fc.array(fc.integer({ min: 0, max: PAGES - 1 }), { maxLength: 3 * PAGES });

  property.prop([bitmap, range])(
    'a range is marked whole, and what was clear in it is counted',
    (bits, [from, to]) => {
      const marked = Array.from({ length: to - from }, (_, i) => from + i);
      const before = new Set(pagesOf(bits));
      expect(markRange(bits, from, to)).toBe(marked.filter((page) => !before.has(page)).length);
      expect(new Set(pagesOf(bits))).toEqual(new Set([...before, ...marked]));
    },
  );

  property.prop([bitmap, pages])('each is marked, and counts once where it was clear', (bits, written) => {
    const before = new Set(pagesOf(bits));
    const count = written.length >>> 1;
    const marked = new Set(written.slice(0, count));
    const list = new Int32Array(count + 2).fill(-7);
    const listed = Int32Array.from(bits);
    const numbers = Int32Array.from(written);
    const fresh = [...marked].filter((page) => !before.has(page));
    expect(areSet(bits, numbers, count)).toBe(fresh.length === 0);

    expect(markPages(bits, numbers, count)).toBe(fresh.length);
    expect(new Set(pagesOf(bits))).toEqual(new Set([...before, ...marked]));
    expect(areSet(bits, numbers, count)).toBe(true);
    // The list has them in the order of their first writes, behind what it had.
    expect(listFresh(listed, numbers, count, list, 2)).toBe(2 + fresh.length);
    expect([...list.subarray(0, 2 + fresh.length)]).toEqual([-7, -7, ...fresh]);
    expect(listed).toEqual(bits);
  });
});
