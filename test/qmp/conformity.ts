/** Replies held against QEMU's own description of its protocol, `query-qmp-schema`. */

interface Member {
  readonly name: string;
  readonly type: string;
  /** Present (null) where it may be left out. */
  readonly default?: null;
}

interface Entry {
  readonly name: string;
  readonly 'meta-type': string;
  readonly 'json-type'?: string;
  readonly 'element-type'?: string;
  readonly members?: readonly Member[];
  readonly values?: readonly string[];
  readonly variants?: readonly { readonly case: string; readonly type: string }[];
  readonly 'arg-type'?: string;
  readonly 'ret-type'?: string;
}

/** `members` of an enumeration are `{ name }` objects, and of an alternate they have no name. */
export class Schema {
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(entries: unknown) {
    this.#entries = new Map((entries as Entry[]).map((entry) => [entry.name, entry]));
  }

  /** What is wrong with what a command returned: empty when nothing is. */
  faultsOfReply(command: string, reply: unknown): string[] {
    return this.#faults(this.#entry(command)['ret-type']!, reply, command);
  }

  faultsOfEvent(event: string, data: unknown): string[] {
    return this.#faults(this.#entry(event)['arg-type']!, data ?? {}, event);
  }

  /** Names of a command's arguments, those that may be left out with a star. */
  argumentsOf(command: string): string[] {
    const members = this.#entry(this.#entry(command)['arg-type']!).members ?? [];
    return members.map((member) => `${'default' in member ? '*' : ''}${member.name}`).sort();
  }

  has(command: string): boolean {
    return this.#entries.has(command);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new Error(`the schema has no ${name}`);
    return entry;
  }

  #faults(type: string, value: unknown, path: string): string[] {
    const entry = this.#entry(type);
    switch (entry['meta-type']) {
      case 'builtin':
        return this.#builtin(entry['json-type']!, value, path);
      case 'enum':
        return this.#enum(entry, value, path);
      case 'array':
        if (!Array.isArray(value)) return [`${path} is no list`];
        return value.flatMap((item, i) => this.#faults(entry['element-type']!, item, `${path}[${i}]`));
      case 'object':
        return this.#object(entry, value, path);
      default:
        return [];
    }
  }

  #builtin(expected: string, value: unknown, path: string): string[] {
    const found = value === null ? 'null' : typeof value;
    const isRight = expected === 'int' ? Number.isInteger(value) : expected === 'value' || found === expected;
    return isRight ? [] : [`${path} is ${found}, not ${expected}`];
  }

  #enum(entry: Entry, value: unknown, path: string): string[] {
    const values = entry.values ?? (entry.members ?? []).map(({ name }) => name);
    return values.includes(String(value)) ? [] : [`${path} is ${String(value)}, not one of ${values.join()}`];
  }

  #object(entry: Entry, value: unknown, path: string): string[] {
    if (typeof value !== 'object' || value === null) return [`${path} is no object`];
    const given = value as Record<string, unknown>;
    const variant = (entry.variants ?? []).find(({ case: name }) => Object.values(given).includes(name));
    const more = variant === undefined ? [] : (this.#entry(variant.type).members ?? []);
    const members = [...(entry.members ?? []), ...more];
    const lacking = members.filter((member) => !('default' in member) && !(member.name in given));
    const strange = Object.keys(given).filter((name) => !members.some((member) => member.name === name));
    return [
      ...lacking.map(({ name }) => `${path} lacks ${name}`),
      ...strange.map((name) => `${path} has ${name}`),
      ...members
        .filter(({ name }) => name in given)
        .flatMap(({ name, type }) => this.#faults(type, given[name], `${path}.${name}`)),
    ];
  }
}

/** Keys and types of a value, with nothing of what it says: lists by their first entry. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  const entries = Object.entries(value).map(([key, member]) => [key, shapeOf(member)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
