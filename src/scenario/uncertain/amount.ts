/** Numbers with units as scenario files write them, for distributions: read, compared and written again. */
import { unitFactor } from '../../units.js';

const AMOUNT = /^\s*(\d+(?:\.\d+)?)\s*([^\d\s.,]\S*)?\s*$/;
/** More than a draw needs; fewer would show in results. */
const DIGITS = 12;

export interface Amount {
  readonly number: number;
  /** Empty: a plain number. */
  readonly unit: string;
}

/** `500MiB/s`, `30%`, `4` or the number 4; null for anything else. */
export function amountOf(value: unknown): Amount | null {
  if (typeof value === 'number' && value >= 0) return { number: value, unit: '' };
  const parts = typeof value === 'string' ? AMOUNT.exec(value) : null;
  return parts === null ? null : { number: Number(parts[1]), unit: parts[2] ?? '' };
}

/** In `unit`; null where the two do not go together. */
export function inUnit({ number, unit: from }: Amount, unit: string): number | null {
  if (from === unit || number === 0) return number;
  const factors = [unitFactor(from), unitFactor(unit)] as const;
  const [own, other] = factors;
  if (own === null || other === null || own.kind !== other.kind) return null;
  return (number * own.factor) / other.factor;
}

/** As a scenario file has it: a text with its unit, or a number. */
export function amountText(number: number, unit: string): string | number {
  const rounded = Number(number.toPrecision(DIGITS));
  return unit === '' ? rounded : `${rounded.toFixed(DIGITS).replace(/\.?0+$/, '')}${unit}`;
}
