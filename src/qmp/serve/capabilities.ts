/** migrate-set-capabilities: what goes together, in QEMU's words (migrate_caps_check). */
import type { QemuVersion } from '../../migration/rules/versions.js';
import { refused } from './errors.js';
import { isIn, isSimulated } from './version-facts.js';

interface Situation {
  readonly version: QemuVersion;
  readonly hasRing: boolean;
  /** A strategy that the simulated QEMU runs by itself; null: none. */
  readonly ownStrategy: string | null;
}

/** Those in force after the changes. Throws `QmpError`. */
export function withCapabilities(
  current: ReadonlySet<string>,
  changes: readonly (readonly [string, boolean])[],
  situation: Situation,
): ReadonlySet<string> {
  const next = new Set(current);
  for (const [name, on] of changes) {
    if (on) next.add(name);
    else next.delete(name);
  }
  refuseCombinations(next, situation);
  for (const [name, on] of changes) if (on) refuseUnsimulated(name, situation);
  return next;
}

function refuseCombinations(caps: ReadonlySet<string>, { version, hasRing }: Situation): void {
  const has = (...names: readonly string[]): boolean => names.every((name) => caps.has(name));
  if (has('zero-copy-send') && (!has('multifd') || has('xbzrle') || has('compress')))
    throw refused('Zero copy only available for non-compressed non-TLS multifd migration');
  if (has('postcopy-ram', 'x-ignore-shared')) throw refused('Postcopy is not compatible with ignore-shared');
  if (has('postcopy-preempt')) {
    if (!has('postcopy-ram')) throw refused('Postcopy preempt requires postcopy-ram');
    if (has('compress')) throw refused('Postcopy preempt not compatible with compress');
  }
  if (has('multifd', 'compress')) throw refused('Multifd is not compatible with compress');
  if (has('switchover-ack') && !has('return-path'))
    throw refused("Capability 'switchover-ack' requires capability 'return-path'");
  if (has('dirty-limit')) {
    if (has('auto-converge'))
      throw refused('dirty-limit conflicts with auto-converge either of then available currently');
    if (!hasRing) throw refused("dirty-limit requires KVM with accelerator property 'dirty-ring-size' set");
  }
  if (has('multifd', 'xbzrle')) {
    if (isIn(version, { since: '8.2' })) throw refused('Multifd is not compatible with xbzrle');
    throw refused('migsim simulates either multifd or xbzrle; expected one of them');
  }
  if (has('multifd', 'postcopy-ram') && !isIn(version, { since: '10.1' }))
    throw refused('Postcopy is not yet compatible with multifd');
}

function refuseUnsimulated(name: string, { ownStrategy }: Situation): void {
  if (!isSimulated(name)) throw refused(`migsim does not simulate the capability ${name}`);
  if (ownStrategy !== null && (name === 'auto-converge' || name === 'dirty-limit'))
    throw refused(`the simulated QEMU runs ${ownStrategy} by itself, which does not go with ${name}`);
}
