/** The migration bitmap and the counts of its parts, against a set of page numbers. */
import { expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { MigrationBitmap } from '../../src/guest/memory/page/migration-bitmap.js';

const PAGES = 300;
const HOST_PAGE = 4;
/** Parts of 32, 64 and 128 pages: none divides `PAGES`, and several lie within it. */
const partShift = fc.integer({ min: 5, max: 7 });

class Naive {
  set = new Set<number>();
  cursor = 0;

  all(): void {
    for (let page = 0; page < PAGES; page += 1) this.set.add(page);
  }

  within(from: number, to: number): number[] {
    return [...this.set].filter((page) => page >= from && page < to).sort((a, b) => a - b);
  }

  seek(): number {
    const page = this.within(this.cursor, PAGES)[0] ?? this.within(0, PAGES)[0] ?? -1;
    if (page >= 0) this.cursor = page;
    return page;
  }

  /** The first `count` pages of these are sent. Returns the page just past the last. */
  clear(pages: readonly number[], count: number): number {
    for (const page of pages.slice(0, count)) this.set.delete(page);
    return (pages[count - 1] ?? 0) + 1;
  }
}

const place = fc.integer({ min: 0, max: PAGES - 1 });
const word = fc.oneof(fc.constantFrom(0, 0, -1, 1, -(2 ** 31)), fc.integer());
const log = fc.array(word, { minLength: 9, maxLength: 9 });
const step = fc.oneof(
  fc.record({ do: fc.constant('send' as const), share: fc.constantFrom(0.01, 0.3, 1), ahead: place }),
  fc.record({
    do: fc.constant('merge' as const),
    log,
    from: fc.integer({ min: 0, max: 9 }),
    keep: fc.boolean(),
  }),
  fc.record({ do: fc.constant('drop' as const), from: place, pages: fc.integer({ min: 0, max: 130 }) }),
  fc.record({ do: fc.constant('fetch' as const), page: place }),
  fc.record({ do: fc.constant('discard' as const) }),
  fc.record({ do: fc.constant('all' as const) }),
);

interface Pair {
  bitmap: MigrationBitmap;
  naive: Naive;
}

function send({ bitmap, naive }: Pair, share: number, ahead: number): void {
  const page = naive.seek();
  expect(bitmap.seek()).toBe(page);
  if (page < 0) return;
  const end = Math.min(page + 1 + ahead, PAGES);
  const pages = naive.within(page, end);
  expect(bitmap.count(page, end)).toBe(pages.length);
  const count = Math.ceil(share * pages.length);
  const listed = new Int32Array(count);
  bitmap.list(listed, count);
  expect([...listed]).toEqual(pages.slice(0, count));
  bitmap.take(count);
  naive.cursor = naive.clear(pages, count);
}

function merge({ bitmap, naive }: Pair, words: number[], from: number, keep: boolean): void {
  const bits = Int32Array.from(words);
  const snapshot = keep ? new Int32Array(9) : null;
  const before = naive.set.size;
  for (let page = 32 * from; page < 32 * 9; page += 1)
    if (((bits[page >>> 5]! >>> page) & 1) === 1) naive.set.add(page);
  expect(bitmap.merge(bits, snapshot, from, 9)).toBe(naive.set.size - before);
  const kept = words.map((one, w) => (w < from ? 0 : one | 0));
  const rest = words.map((one, w) => (w < from ? one | 0 : 0));
  expect([...bits]).toEqual(keep ? words.map((one) => one | 0) : rest);
  if (snapshot !== null) expect([...snapshot]).toEqual(kept);
}

function fetchPage({ bitmap, naive }: Pair, page: number): void {
  if (!naive.set.has(page)) return;
  const first = page - (page % HOST_PAGE);
  const pages = naive.within(first, first + HOST_PAGE);
  expect(bitmap.fetch(page)).toBe(pages.length);
  naive.cursor = naive.clear(pages, pages.length);
}

/** Every page of a host page with a dirty page becomes dirty; what is left is as many ranges as there are first pages. */
function discard({ bitmap, naive }: Pair): void {
  for (const page of naive.within(0, PAGES)) {
    const first = page - (page % HOST_PAGE);
    for (let i = 0; i < HOST_PAGE; i += 1) naive.set.add(first + i);
  }
  const runs = naive.within(0, PAGES).filter((page) => !naive.set.has(page - 1)).length;
  expect(bitmap.discardDirty()).toBe(runs);
  naive.cursor = 0;
}

property.prop([partShift, fc.array(step, { minLength: 1, maxLength: 40 })], { seed: 1 })(
  'whatever is sent, dropped, fetched and made dirty again, it holds the pages of the set',
  (shift, steps) => {
    const pair: Pair = { bitmap: new MigrationBitmap(PAGES, PAGES, HOST_PAGE, shift), naive: new Naive() };
    const { bitmap, naive } = pair;
    bitmap.setAll();
    naive.all();
    for (const one of steps) {
      if (one.do === 'send') send(pair, one.share, one.ahead);
      else if (one.do === 'merge') merge(pair, one.log, one.from, one.keep);
      else if (one.do === 'fetch') fetchPage(pair, one.page);
      else if (one.do === 'discard') discard(pair);
      else if (one.do === 'drop') {
        const pages = naive.within(one.from, one.from + one.pages);
        bitmap.drop(one.from, one.pages);
        naive.clear(pages, pages.length);
      } else {
        bitmap.setAll();
        naive.all();
      }
      expect(bitmap.dirty).toBe(naive.set.size);
      expect(bitmap.count(0, PAGES)).toBe(naive.set.size);
    }
    const left = naive.within(0, PAGES);
    const { words } = bitmap;
    expect(left).toEqual(
      Array.from({ length: PAGES }, (_, page) => page).filter(
        (page) => ((words[page >>> 5]! >>> page) & 1) === 1,
      ),
    );
  },
);

// Pages 3 and 70 of parts of 64: when 70 is sent, its part is empty. QEMU's search goes on at 71, not where the part ends.
test('the search goes on just past the last page sent, also where that was the last of its part', () => {
  const bitmap = new MigrationBitmap(256, 256, 1, 6);
  const add = (...pages: number[]): void => {
    const log = new Int32Array(8);
    for (const page of pages) log[page >>> 5]! |= 1 << page;
    bitmap.merge(log, null, 0, 8);
  };
  add(3, 70);
  expect(bitmap.seek()).toBe(3);
  bitmap.take(2);
  add(2, 90, 200);
  expect(bitmap.seek()).toBe(90);
  expect(bitmap.rounds).toBe(0);
});
