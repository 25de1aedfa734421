/**
 * What a command takes, as a small part of QAPI's types, and QEMU's messages for what does not fit
 * (qapi/qobject-input-visitor.c). Integers arrive as numbers or, beyond 2^53, as bigints.
 */
import { isMap } from '../../lists.js';
import { refused, type QmpError } from './errors.js';
import { JsonFloat, type JsonValue } from './json/parser.js';

const { isSafeInteger } = Number;

/** A type of QAPI, by what an argument of it must be. */
export type QapiType =
  | { readonly kind: 'str' | 'bool' | 'any' }
  /** By the name in QEMU's messages, such as `uint8_t`, with the end of its range. */
  | { readonly kind: 'integer'; readonly name: string; readonly high: bigint }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly of: QapiType }
  | { readonly kind: 'struct'; readonly members: QapiMembers }
  | { readonly kind: 'str-or-null' };

export interface QapiMember {
  readonly type: QapiType;
  readonly optional?: boolean;
}

export type QapiMembers = Readonly<Record<string, QapiMember>>;

export const str: QapiType = { kind: 'str' };
export const bool: QapiType = { kind: 'bool' };
export const any: QapiType = { kind: 'any' };
export const strOrNull: QapiType = { kind: 'str-or-null' };
export const enumOf = (values: readonly string[]): QapiType => ({ kind: 'enum', values });
export const listOf = (of: QapiType): QapiType => ({ kind: 'list', of });
export const structOf = (members: QapiMembers): QapiType => ({ kind: 'struct', members });
export const optional = (type: QapiType): QapiMember => ({ type, optional: true });
export const required = (type: QapiType): QapiMember => ({ type });

export const uint8: QapiType = { kind: 'integer', name: 'uint8_t', high: 2n ** 8n - 1n };
/** Also takes negative numbers, which wrap around; so does `size`. */
export const uint64: QapiType = { kind: 'integer', name: 'uint64', high: 2n ** 64n - 1n };
export const int64: QapiType = { kind: 'integer', name: 'int64', high: 2n ** 63n - 1n };

/** Throws `QmpError` for the first thing that does not fit, as QEMU finds it: members first, then strangers. */
export function checkArguments(members: QapiMembers, given: Readonly<Record<string, JsonValue>>): void {
  checkStruct(members, given, '');
}

function checkStruct(members: QapiMembers, given: Readonly<Record<string, JsonValue>>, path: string): void {
  const place = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const [name, { type, optional: isOptional }] of Object.entries(members)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value !== undefined) check(type, value, place(name), name);
    else if (isOptional !== true) throw refused(`Parameter '${place(name)}' is missing`);
  }
  const stranger = Object.keys(given).find((name) => !Object.hasOwn(members, name));
  if (stranger !== undefined) throw refused(`Parameter '${place(stranger)}' is unexpected`);
}

function wrongType(path: string, expected: string): QmpError {
  return refused(`Invalid parameter type for '${path}', expected: ${expected}`);
}

function check(type: QapiType, value: JsonValue, path: string, name: string): void {
  switch (type.kind) {
    case 'any':
      return;
    case 'str':
      if (typeof value !== 'string') throw wrongType(path, 'string');
      return;
    case 'str-or-null':
      if (value !== null && typeof value !== 'string') throw wrongType(path, 'StrOrNull');
      return;
    case 'bool':
      if (typeof value !== 'boolean') throw wrongType(path, 'boolean');
      return;
    case 'integer':
      return checkInteger(type, value, path);
    case 'enum':
      if (typeof value !== 'string') throw wrongType(path, 'string');
      // QEMU names the member alone here, without its place.
      if (!type.values.includes(value)) throw refused(`Parameter '${name}' does not accept value '${value}'`);
      return;
    case 'list':
      if (!isList(value)) throw wrongType(path, 'array');
      for (const [index, item] of value.entries())
        check(type.of, item, `${path}[${index}]`, `${path}[${index}]`);
      return;
    case 'struct':
      if (!isObject(value)) throw wrongType(path, 'object');
      checkStruct(type.members, value, path);
  }
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isObject(value: JsonValue | undefined): value is Readonly<Record<string, JsonValue>> {
  return isMap(value) && !(value instanceof JsonFloat);
}

/** visit_type_int64, visit_type_uint64, and visit_type_uintN, which reads a uint64 and then looks at its range. */
function checkInteger(
  { name, high }: Extract<QapiType, { kind: 'integer' }>,
  value: JsonValue,
  path: string,
): void {
  const whole = integer(value);
  if (name === 'int64') {
    if (whole === null || whole > high) throw wrongType(path, 'integer');
    return;
  }
  if (whole === null) throw refused(`Parameter '${path}' expects uint64`);
  if (BigInt.asUintN(64, whole) > high) throw refused(`Parameter '${path}' expects ${name}`);
}

function integer(value: JsonValue): bigint | null {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && isSafeInteger(value) ? BigInt(value) : null;
}
