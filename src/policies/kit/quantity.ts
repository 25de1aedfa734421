/** Kubernetes quantities: `64Mi`, `1.5G`, `400m`, `1e9`, `100`. Source: k8s.io/apimachinery/pkg/api/resource. */
import { nth } from '../../lists.js';
import * as z from 'zod/mini';
import { transformed } from '../../options/zod.js';
import { MIB } from '../../units.js';

const { round, max } = Math;

const FACTORS: ReadonlyMap<string, number> = new Map([
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
  ['', 1],
  ...['k', 'M', 'G', 'T', 'P', 'E'].map((suffix, i) => [suffix, 1000 ** (i + 1)] as const),
  ...['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, i) => [suffix, 1024 ** (i + 1)] as const),
]);

/** The number, or undefined where the text is no quantity. */
export function parseQuantity(text: string): number | undefined {
  const parts = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([A-Za-z]{0,2}))$/.exec(text.trim());
  const factor = parts === null ? undefined : FACTORS.get(parts[3] ?? '');
  return parts === null || factor === undefined
    ? undefined
    : Number(`${nth(parts, 1)}${parts[2] ?? ''}`) * factor;
}

/** `64MiB` and `64Mb/s` are how others write what Kubernetes writes `64Mi` and `64M`. */
function meant(text: string): string | undefined {
  const parts = /^(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?(?:ps|\/s)?$/i.exec(text.trim());
  if (parts === null) return undefined;
  const prefix = nth(parts, 2).toUpperCase();
  return `${nth(parts, 1)}${prefix === 'K' && parts[3] === '' ? 'k' : prefix}${nth(parts, 3).toLowerCase()}`;
}

/** Bytes a second, 0 for no limit, from what a MigrationPolicy says. */
export function bandwidthQuantity() {
  return transformed(z.union([z.number(), z.string()]), (input, refuse) => {
    const value = typeof input === 'number' ? input : parseQuantity(input);
    if (value !== undefined && (value === 0 || value >= 1)) return value;
    const hint = typeof input === 'string' ? meant(input) : undefined;
    const why = value !== undefined && value > 0 ? ', which is less than a byte' : '';
    return refuse(
      `expected bytes a second as Kubernetes writes them, such as 64Mi, got ${JSON.stringify(input)}${why}` +
        (hint === undefined ? '' : `; did you mean ${hint}?`),
    );
  });
}

/** A number that may be written as a quantity: 0.4, "0.4", "400m". */
export function numberQuantity(min: number, most: number) {
  return transformed(z.union([z.number(), z.string()]), (input, refuse) => {
    const value = typeof input === 'number' ? input : parseQuantity(input);
    if (value !== undefined && value >= min && value <= most) return value;
    const range = most === Infinity ? `from ${min}` : `from ${min} to ${most}`;
    return refuse(`expected a number ${range}, such as "${max(min, 0.5)}", got ${JSON.stringify(input)}`);
  });
}

/** vcpu.QuantityToMebiByte: libvirt takes whole MiB/s, at least one, 0 for no limit. */
export function wholeMib(bytesPerSecond: number): number {
  return bytesPerSecond === 0 ? 0 : max(1, round(bytesPerSecond / MIB)) * MIB;
}
