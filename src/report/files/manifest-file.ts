/** The manifest of a results folder, read back. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap } from '../../lists.js';
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
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return value;
  } catch {
    throw new UsageError('this is not JSON: is the file truncated?', { file });
  }
}

function isManifest(value: unknown): value is Manifest {
  if (!isMap(value)) return false;
  const { migsim, node, command, scenario, strategies } = value;
  const { name, text, sha256 } = isMap(scenario) ? scenario : {};
  const words = [migsim, node, name, text, sha256];
  return (
    words.every((word) => typeof word === 'string') && Array.isArray(command) && Array.isArray(strategies)
  );
}
