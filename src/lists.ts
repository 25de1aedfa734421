/** Lists and maps whose types say what is in them: what a cast would only claim. */

/** At least one. The first is `list[0]`. */
export type NonEmpty<T> = readonly [T, ...T[]];

/** A map whose values are still unknown. */
export type UnknownMap = Readonly<Record<string, unknown>>;

export function isNonEmpty<T>(list: readonly T[]): list is NonEmpty<T> {
  return list.length > 0;
}

/** Throws for an empty list. */
export function lastOf<T>(list: readonly T[]): T {
  return nth(list, list.length - 1);
}

/** The entry at `index`, counted from 0. Throws for one that is not there: that is a defect of the caller. */
export function nth<T>(list: ArrayLike<T>, index: number): T {
  const entry = list[index];
  if (entry === undefined) throw new RangeError(`no entry ${index} among ${list.length}`);
  return entry;
}

/**
 * `list.map`, for lists that hot code reads: V8's own makes arrays of another kind once its caller is optimised, and code that
 * has seen both kinds is compiled again and is slower.
 */
export function mapped<T, U>(list: readonly T[], change: (entry: T, index: number) => U): U[] {
  const changed: U[] = [];
  // eslint-disable-next-line @typescript-eslint/no-non-null-assertion -- an iterator over lists of several kinds makes an object for each entry
  for (let index = 0; index < list.length; index += 1) changed.push(change(list[index]!, index));
  return changed;
}

/** `list.map`, which keeps at least one. */
export function mapNonEmpty<T, U>(list: NonEmpty<T>, change: (entry: T, index: number) => U): NonEmpty<U> {
  const [head, ...rest] = list;
  const changed: [U, ...U[]] = [change(head, 0)];
  for (const entry of rest) changed.push(change(entry, changed.length));
  return changed;
}

/** Of an object that has no other keys than its type names, such as a constant table. */
export function keysOf<T extends object>(table: T): (keyof T & string)[] {
  return Object.keys(table) as (keyof T & string)[];
}

/** A map with a value for each of the keys. */
export function mapOf<Key extends string, Value>(
  keys: readonly Key[],
  valueOf: (key: Key) => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, valueOf(key)])) as Record<Key, Value>;
}

/** Whether a word is one of a list of known words. */
export function isOneOf<Word>(words: readonly Word[], word: unknown): word is Word {
  return (words as readonly unknown[]).includes(word);
}

/** A map, and no list. */
export function isMap(value: unknown): value is UnknownMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is a list; of what is for the caller to check. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The value of a key that is there. Throws for one that is not: that is a defect of the caller. */
export function got<Key, T>(map: ReadonlyMap<Key, T>, key: Key): T {
  const value = map.get(key);
  if (value === undefined) throw new RangeError(`no entry ${String(key)}`);
  return value;
}

/** As `got`, of an object. */
export function valueAt<T>(table: Readonly<Record<string, T>>, key: string): T {
  const value = table[key];
  if (value === undefined) throw new RangeError(`no entry ${key}`);
  return value;
}

/** The entries of two lists side by side. Throws where the second is the shorter one: that is a defect of the caller. */
export function zip<A, B>(first: readonly A[], second: ArrayLike<B>): [A, B][] {
  return first.map((entry, index) => [entry, nth(second, index)]);
}

/** Neighbours, in order: n - 1 pairs of n entries. */
export function* pairs<T>(items: readonly T[]): Generator<readonly [T, T]> {
  for (let index = 1; index < items.length; index++) yield [nth(items, index - 1), nth(items, index)];
}

/** As `keysOf`, with the values. */
export function entriesOf<T extends object>(table: T): (readonly [keyof T & string, T[keyof T & string]])[] {
  return keysOf(table).map((key) => [key, table[key]] as const);
}
