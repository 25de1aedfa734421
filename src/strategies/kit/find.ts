import { valueAt } from '../../lists.js';
import { UsageError, type Place } from '../../errors.js';
import { nearest } from '../../suggest.js';

/** The entry of a registry, or a `UsageError` that says which there are. `kind` is `strategy` or `policy`. */
export function findEntry<Entry>(
  kind: string,
  registry: Readonly<Record<string, Entry>>,
  name: string,
  place?: Place,
): Entry {
  if (Object.hasOwn(registry, name)) return valueAt(registry, name);
  const names = Object.keys(registry);
  const meant = nearest(name, names);
  const hint = meant === undefined ? 'expected' : `did you mean ${meant}? There are`;
  throw new UsageError(`unknown ${kind} "${name}"; ${hint} ${names.join(', ')}`, place);
}
