/** Which values of a scenario file are distributions, and the file with a value for each. */
import { isMap } from '../../lists.js';
import type { Path, Problem } from '../form/problems.js';
import { readForm, type UncertainForm } from './form.js';

/** An uncertain value of a scenario. */
export interface Uncertain {
  /** Names its stream: the path with groups by name, such as `guest.vcpus.writer.workload.write`. */
  readonly key: string;
  readonly path: Path;
  readonly form: UncertainForm;
  /** As it stands in the file, for messages. */
  readonly typed: string;
}

/** What describes the experiment is uncertain; what is chosen (strategies, policy, expectations) is not. */
export const UNCERTAIN_SECTIONS = ['guest', 'host', 'link', 'migration'] as const;

/** Values that must be whole numbers of a unit, by the last key of their path: host pages, and what QEMU takes in ms. */
const WHOLE_UNITS: Readonly<Record<string, readonly string[]>> = {
  memory: ['MiB', 'GiB', 'TiB'],
  'downtime-limit': ['ms'],
};

/**
 * In the order of the file; what is wrong with one goes to `problems`. A YAML anchor stands for one quantity wherever it is
 * used: all its places have the key of the first, and so the same draw.
 */
export function findUncertain(value: unknown, problems: Problem[]): Uncertain[] {
  const found: Uncertain[] = [];
  const anchored = new Map<unknown, string>();
  const visit = (inner: unknown, path: Path, names: readonly string[]): void => {
    const form = readForm(inner);
    if (typeof form === 'string') problems.push({ path, at: 'value', message: form });
    else if (form !== null) {
      const key = (isMap(inner) ? anchored.get(inner) : undefined) ?? names.join('.');
      anchored.set(inner, key);
      found.push({ key, path, form, typed: typeof inner === 'string' ? inner.trim() : form.text });
    } else if (Array.isArray(inner))
      inner.forEach((entry, i) => visit(entry, [...path, i], [...names, nameIn(inner, i)]));
    else if (isMap(inner))
      for (const [key, entry] of Object.entries(inner)) visit(entry, [...path, key], [...names, key]);
  };
  if (isMap(value))
    for (const section of UNCERTAIN_SECTIONS)
      if (Object.hasOwn(value, section)) visit(value[section], [section], [section]);
  return found;
}

/** The name of an entry that has one to itself, else its index. */
function nameIn(list: readonly unknown[], index: number): string {
  const nameOf = (entry: unknown): unknown => (isMap(entry) ? entry['name'] : undefined);
  const name = nameOf(list[index]);
  const alone = list.filter((entry) => nameOf(entry) === name).length === 1;
  return typeof name === 'string' && alone ? name : String(index);
}

/** The file with the quantile `p(entry)` of each uncertain value in its place. */
export function withValues(
  value: unknown,
  uncertain: readonly Uncertain[],
  p: (entry: Uncertain) => number,
): unknown {
  let result = value;
  for (const entry of uncertain) {
    const drawn = entry.form.at(p(entry), WHOLE_UNITS[String(entry.path.at(-1))]);
    result = put(result, entry.path, drawn);
  }
  return result;
}

/** What is wrong with a value that was drawn, in words about what was typed; `message` quotes it, alone or with a unit. */
export function aboutTyped(message: string, { form, path, typed }: Uncertain): string {
  const drawn = String(form.at(0.5, WHOLE_UNITS[String(path.at(-1))]));
  const literal = drawn.replaceAll(/[^\w\s]/g, '\\$&');
  const quoted = new RegExp(`(?<="|got |mean )${literal}(?![\\d.])`, 'g');
  return message.replaceAll(quoted, () => typed);
}

function put(target: unknown, [segment, ...rest]: Path, value: unknown): unknown {
  if (segment === undefined) return value;
  if (Array.isArray(target)) return target.with(Number(segment), put(target[Number(segment)], rest, value));
  const map = isMap(target) ? target : {};
  const key = String(segment);
  return { ...map, [key]: put(map[key], rest, value) };
}
