/** One bit a page in Int32Arrays: the only bit tricks in the project. All kernels see Int32Array and nothing else. */
const { imul, clz32 } = Math;

/** Words of a cache line of 64 bytes. */
const LINE_WORDS = 16;

export function bitmapWords(pages: number): number {
  return (pages + 31) >>> 5;
}

/** Set bits of one word. */
export function popcount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Word with the bits of pages from `from` (0..31) up. */
function maskFrom(from: number): number {
  return -1 << from;
}

/** Word with the bits below `to` (0..32). */
function maskBelow(to: number): number {
  return to >= 32 ? -1 : (1 << to) - 1;
}

/** Set all bits in [from, to). */
export function setRange(bits: Int32Array, from: number, to: number): void {
  if (from >= to) return;
  const first = from >>> 5;
  const last = (to - 1) >>> 5;
  const head = maskFrom(from & 31);
  const tail = maskBelow(((to - 1) & 31) + 1);
  if (first === last) {
    bits[first]! |= head & tail;
    return;
  }
  bits[first]! |= head;
  bits.fill(-1, first + 1, last);
  bits[last]! |= tail;
}

/** Clear all bits in [from, to). */
export function clearRange(bits: Int32Array, from: number, to: number): void {
  if (from >= to) return;
  const first = from >>> 5;
  const last = (to - 1) >>> 5;
  const head = maskFrom(from & 31);
  const tail = maskBelow(((to - 1) & 31) + 1);
  if (first === last) {
    bits[first]! &= ~(head & tail);
    return;
  }
  bits[first]! &= ~head;
  bits.fill(0, first + 1, last);
  bits[last]! &= ~tail;
}

/** Set bits in [from, to). */
export function countRange(bits: Int32Array, from: number, to: number): number {
  if (from >= to) return 0;
  const first = from >>> 5;
  const last = (to - 1) >>> 5;
  const head = maskFrom(from & 31);
  const tail = maskBelow(((to - 1) & 31) + 1);
  if (first === last) return popcount(bits[first]! & head & tail);
  let count = popcount(bits[first]! & head) + popcount(bits[last]! & tail);
  for (let w = first + 1; w < last; w += 1) {
    const word = bits[w]!;
    if (word !== 0) count += popcount(word);
  }
  return count;
}

/** Set all bits in [from, to); returns those that were new. */
export function markRange(bits: Int32Array, from: number, to: number): number {
  const fresh = to - from - countRange(bits, from, to);
  if (fresh > 0) setRange(bits, from, to);
  return fresh;
}

/**
 * Read a word of each cache line of the words [from, to). A CPU fetches lines that are read in order before they are asked for,
 * and reads a line in several times less than the next write to it would wait. Returns all that was read, in one word.
 */
export function readLines(bits: Int32Array, from: number, to: number): number {
  let read = 0;
  for (let w = from; w < to; w += LINE_WORDS) read |= bits[w]!;
  return read;
}

/**
 * The bits of the first `count` of `pages` are all set. It looks at each, even after one that is not set: loads without
 * stores in between overlap, so that a loop that sets bits next finds its words in the cache.
 */
export function areSet(bits: Int32Array, pages: Int32Array, count: number): boolean {
  let all = 1;
  for (let i = 0; i < count; i += 1) {
    const page = pages[i]!;
    all &= bits[page >>> 5]! >>> page;
  }
  return all !== 0;
}

/** Set the bits of the first `count` of `pages`; returns those that were new. Without a branch, as no CPU can guess it. */
export function markPages(bits: Int32Array, pages: Int32Array, count: number): number {
  let old = 0;
  for (let i = 0; i < count; i += 1) {
    const page = pages[i]!;
    const w = page >>> 5;
    const word = bits[w]!;
    old += (word >>> page) & 1;
    bits[w] = word | (1 << page);
  }
  return count - old;
}

/**
 * Set the bits of the first `count` of `pages`, and append the pages whose bit was new to the `listed` entries of `list`, which
 * has room for all. Returns the entries of the list.
 */
export function listFresh(
  bits: Int32Array,
  pages: Int32Array,
  count: number,
  list: Int32Array,
  listed: number,
): number {
  let end = listed;
  for (let i = 0; i < count; i += 1) {
    const page = pages[i]!;
    const w = page >>> 5;
    const word = bits[w]!;
    list[end] = page;
    end += 1 - ((word >>> page) & 1);
    bits[w] = word | (1 << page);
  }
  return end;
}

/** Runs of set bits: those whose bit before is not set. */
export function countRuns(bits: Int32Array): number {
  let runs = 0;
  let carry = 0;
  for (let w = 0; w < bits.length; w += 1) {
    const word = bits[w]!;
    if (word !== 0) runs += popcount(word & ~((word << 1) | carry));
    carry = word >>> 31;
  }
  return runs;
}

/** First set bit in [from, to), or -1. */
export function nextSet(bits: Int32Array, from: number, to: number): number {
  if (from >= to) return -1;
  let w = from >>> 5;
  const last = (to - 1) >>> 5;
  let word = bits[w]! & maskFrom(from & 31);
  while (word === 0) {
    w += 1;
    if (w > last) return -1;
    word = bits[w]!;
  }
  const page = (w << 5) + 31 - clz32(word & -word);
  return page < to ? page : -1;
}

/** The page just past the last set bit in [from, to); one at least must be set. */
export function endOfSet(bits: Int32Array, from: number, to: number): number {
  let w = (to - 1) >>> 5;
  let word = bits[w]! & maskBelow(((to - 1) & 31) + 1);
  while (word === 0 && w > from >>> 5) {
    w -= 1;
    word = bits[w]!;
  }
  return (w << 5) + 32 - clz32(word);
}

/** Clear the first `count` set bits from `from` on; there must be that many. Returns the page just past the last. */
export function clearFirst(bits: Int32Array, from: number, count: number): number {
  let left = count;
  let w = from >>> 5;
  let keep = ~maskFrom(from & 31);
  let end = from;
  while (left > 0) {
    const word = bits[w]!;
    let candidates = word & ~keep;
    const here = popcount(candidates);
    if (here <= left) {
      bits[w] = word & keep;
      left -= here;
      if (left === 0) end = (w << 5) + 32 - clz32(candidates);
    } else {
      let cleared = 0;
      while (left > 0) {
        const bit = candidates & -candidates;
        candidates ^= bit;
        cleared |= bit;
        left -= 1;
      }
      bits[w] = word & ~cleared;
      end = (w << 5) + 32 - clz32(cleared);
    }
    keep = 0;
    w += 1;
  }
  return end;
}

/** target |= log over the words [from, to); returns the bits that were new in target. The log is kept. */
export function mergeKeep(
  target: Int32Array,
  log: Int32Array,
  snapshot: Int32Array,
  from: number,
  to: number,
): number {
  let fresh = 0;
  for (let w = from; w < to; w += 1) {
    const word = log[w]!;
    snapshot[w] = word;
    if (word === 0) continue;
    const old = target[w]!;
    const added = word & ~old;
    if (added === 0) continue;
    fresh += popcount(added);
    target[w] = old | word;
  }
  return fresh;
}

/** target |= log over the words [from, to), the log is emptied; returns the bits that were new in target. */
export function mergeClear(target: Int32Array, log: Int32Array, from: number, to: number): number {
  let fresh = 0;
  for (let w = from; w < to; w += 1) {
    const word = log[w]!;
    if (word === 0) continue;
    log[w] = 0;
    const old = target[w]!;
    const added = word & ~old;
    if (added === 0) continue;
    fresh += popcount(added);
    target[w] = old | word;
  }
  return fresh;
}

/** log &= ~snapshot, snapshot := 0 over the words [from, to): KVM_CLEAR_DIRTY_LOG. */
export function clearLogged(log: Int32Array, snapshot: Int32Array, from: number, to: number): void {
  for (let w = from; w < to; w += 1) {
    const word = snapshot[w]!;
    if (word === 0) continue;
    log[w]! &= ~word;
    snapshot[w] = 0;
  }
}
