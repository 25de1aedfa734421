/** The manifest of a results folder, read back. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.js';
import type { Manifest } from '../../experiment/manifest.js';

/** null where there is none, or one of another kind of experiment. Throws `UsageError` for what is no JSON. */
export function readManifest(folder: string): Manifest | null {
  const value = readManifestJson(folder);
  return isManifest(value) ? value : null;
}

/** As it stands there; null where there is none. Throws `UsageError` for what is no JSON. */
export function readManifestJson(folder: string): unknown {
  const file = join(folder, 'manifest.json');
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch {
    throw new UsageError('this is not JSON: is the file truncated?', { file });
  }
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const { migsim, node, command, scenario, strategies } = value as Partial<Manifest>;
  const words = [migsim, node, scenario?.name, scenario?.text, scenario?.sha256];
  return (
    words.every((word) => typeof word === 'string') && Array.isArray(command) && Array.isArray(strategies)
  );
}
