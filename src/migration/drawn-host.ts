/** A migration on the host that one run meets. */
import { driftOfSending, variedGuest, variedHost } from '../guest/variability.js';
import { drawOf, drawsOf } from '../random/draws.js';
import type { MigrationSetup } from './setup.js';

/** By the variability of its host profile; without one as it is. */
export function onDrawnHost(setup: MigrationSetup, seed: number, run: number): MigrationSetup {
  const { host, guest } = setup;
  if (host.variability === undefined) return setup;
  const draw = (key: string): number => drawOf(key, seed, run);
  const draws = (key: string, count: number): number[] => drawsOf(key, count, seed, run);
  const sendDrift = driftOfSending(host.variability, draws);
  const met = {
    ...setup,
    host: variedHost(host, draw),
    guest: variedGuest(guest, host.variability, draws),
  };
  if (sendDrift === undefined) return met;
  // In front, where it is new: behind a spread it would give each object a shape of its own.
  return met.sendDrift === undefined ? { sendDrift, ...met } : { ...met, sendDrift };
}
