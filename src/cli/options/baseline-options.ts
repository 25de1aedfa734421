/** Where baselines are, and how much may change. */
import { existsSync, readdirSync } from 'node:fs';

export const FOLDER = 'results/baselines';
export const ACTIONS = ['save', 'diff'] as const;
export const TOLERANCE = '1%';

export function savedNames(): string[] {
  if (!existsSync(FOLDER)) return [];
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.csv'));
  return files.sort().map((file) => file.slice(0, -'.csv'.length));
}
