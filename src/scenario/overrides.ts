/**
 * `--set guest.memory=32GiB`: values put into a scenario before it is checked, so that they meet the same checks and the
 * same words as the file. A path goes by keys and, in lists, by index or by name:
 * `guest.vcpus.0.count`, `guest.vcpus.writer.count`, `strategies.dirty-limit.vcpu-dirty-limit`.
 */
import { parseDocument } from 'yaml';
import { isMap, nth } from '../lists.js';
import { UsageError, thrownText, type Place } from '../errors.js';
import { pathText, type Path } from './form/problems.js';
import { show, unknown } from '../options/wording.js';

export interface Override {
  /** As written: `guest.memory=32GiB`. */
  readonly text: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** `path=value`, the value in YAML. @throws UsageError */
export function parseOverride(text: string): Override {
  const [, keys = '', value = ''] = /^\s*([^=\s]+)\s*=(.*)$/s.exec(text) ?? [];
  const path = keys.split('.');
  if (path.includes('')) {
    throw new UsageError(
      `cannot read ${JSON.stringify(text)}; expected path=value such as guest.memory=32GiB`,
    );
  }
  return { text, path, value: parseYamlValue(value, text) };
}

/** A value written in YAML on a command line. `context` is what the user wrote, for the message. */
export function parseYamlValue(yaml: string, context: string): unknown {
  const document = parseDocument(yaml, { prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) {
    throw new UsageError(
      `${JSON.stringify(context)}: not YAML: ${error.message}; expected a value such as 32GiB`,
    );
  }
  try {
    const value: unknown = document.toJS();
    return value;
  } catch (thrown) {
    throw new UsageError(`${JSON.stringify(context)}: ${thrownText(thrown)}; expected a value such as 32GiB`);
  }
}

/** The value with the override in it, and the path with names in lists turned into indices. The input stays as it is. */
export function applyOverride(
  value: unknown,
  override: Override,
): { readonly value: unknown; readonly path: Path } {
  const path: PropertyKey[] = [];
  const changed = put(value, override.path, override, path);
  return { value: changed, path };
}

function put(target: unknown, rest: readonly string[], override: Override, resolved: PropertyKey[]): unknown {
  const [segment, ...deeper] = rest;
  if (segment === undefined) return override.value;
  if (Array.isArray(target)) {
    const { index, inside } = findEntry(target, segment, override, resolved);
    resolved.push(index);
    return target.with(index, put(target[index], inside ? rest : deeper, override, resolved));
  }
  resolved.push(segment);
  // A name alone stands for itself without options: `- auto-converge`, `workload: stress`.
  const map: unknown = target === segment || target === undefined || target === null ? {} : target;
  if (!isMap(map)) {
    const where = pathText(resolved.slice(0, -1));
    throw new UsageError(`${where} is ${show(target)}, so it has no ${segment}`, placeOfOverride(override));
  }
  const inner = Object.hasOwn(map, segment) ? map[segment] : undefined;
  return { ...map, [segment]: put(inner, deeper, override, resolved) };
}

/** The entry of a list by its index or name, and whether the name is also the key to go on with inside it. */
function findEntry(
  list: readonly unknown[],
  segment: string,
  override: Override,
  resolved: Path,
): { readonly index: number; readonly inside: boolean } {
  const where = pathText(resolved);
  if (/^\d+$/.test(segment)) {
    const index = Number(segment);
    if (index < list.length) return { index, inside: false };
    const range = list.length === 1 ? '0' : `0 to ${list.length - 1}`;
    throw new UsageError(`${where} has no entry ${segment}; expected ${range}`, placeOfOverride(override));
  }
  const found = [...list.keys()].filter((index) => nameOf(list[index]) === segment);
  if (found.length > 1) {
    const message = `${where} has ${found.length} entries called ${segment}; expected an index: ${found.join(' or ')}`;
    throw new UsageError(message, placeOfOverride(override));
  }
  if (found.length === 0) {
    const names = list.map(nameOf).filter((name) => name !== undefined);
    throw new UsageError(`${where}: ${unknown('entry', segment, names)}`, placeOfOverride(override));
  }
  return { index: nth(found, 0), inside: !hasName(list[nth(found, 0)]) };
}

/** `writer` of `{ name: writer, … }`, `dirty-limit` of `dirty-limit` and of `{ dirty-limit: … }`. */
function nameOf(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry;
  if (!isMap(entry)) return undefined;
  if (hasName(entry)) return String(entry['name']);
  const keys = Object.keys(entry);
  return keys.length === 1 ? keys[0] : undefined;
}

function hasName(entry: unknown): boolean {
  return isMap(entry) && Object.hasOwn(entry, 'name');
}

/** A number or word of a scenario as it is written, with the changes of `--set` in it; null where it is left out. */
export function writtenValue(
  { text, set }: { readonly text: string; readonly set: readonly string[] },
  path: string,
): string | null {
  let value: unknown = parseYamlValue(text, 'the scenario');
  for (const one of set) value = applyOverride(value, parseOverride(one)).value;
  for (const segment of path.split('.')) value = inside(value, segment);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

function inside(value: unknown, segment: string): unknown {
  if (!Array.isArray(value))
    return isMap(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
  if (/^\d+$/.test(segment)) return value[Number(segment)];
  const entry: unknown = value.find((one) => nameOf(one) === segment);
  return isMap(entry) && !hasName(entry) ? entry[segment] : entry;
}

/** Where a problem with a value stands that a user gave on the command line. */
export function placeOfOverride({ text }: Override): Place {
  return { file: `--set ${text}` };
}
