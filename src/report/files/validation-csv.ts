/** Predicted and measured values as CSV: one row per recording, columns as the rows have them. */
import { stringify } from 'csv-stringify/sync';

export function validationCsv(rows: readonly Readonly<Record<string, string | number | null>>[]): string {
  return stringify([...rows], { header: true });
}
