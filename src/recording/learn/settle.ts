/** A guest learned from totals whose passes, migrated again, are as long as the log's on average. */
import { mean } from '../../stats/summary.js';
import type { MigrationLog } from '../../formats/migration-log.js';
import { passesOf, replay } from '../validate/replay.js';
import { fitReadings } from './curve.js';
import { growing, GROWTH } from './learn-summary.js';
import type { CurveReading, Learned } from './learned.js';

const { max, min, round } = Math;

const ROUNDS = 5;
/** Fewer passes than this are no plateau. */
const MANY = 8;
/** So many passes behind the first are simulated. */
const SEEN = 60;

/**
 * In a plateau a pass sends what came back while it lasted, and what QEMU leaves over at each sync comes on top: the curve
 * is scaled until simulated passes settle at the log's length. As τ* = (c/B)^(1/(1-β)), the scale follows from the ratio
 * to the power 1-β.
 */
export function settled(learned: Learned, log: MigrationLog): Learned {
  const [reading] = learned.guest.readings;
  const syncs = log.samples.at(-1)?.dirtySyncCount ?? 0;
  if (reading === undefined || learned.migration.completed || syncs <= MANY) return learned;
  const { roomPages } = learned.guest.layout;
  let scale = 1;
  let best = learned;
  for (let at = 0; at < ROUNDS; at += 1) {
    const scaled: CurveReading = { ...reading, pages: max(1, round(reading.pages * scale)) };
    const fit = fitReadings(growing(scaled, roomPages), roomPages);
    best = { ...learned, guest: { ...learned.guest, ...fit } };
    const result = replay(short(best, reading.durationUs));
    const passes = passesOf(result, learned.guest.cpu).slice(SEEN / 2);
    if (result.converged || passes.length === 0) scale *= 1.25;
    else {
      const ratio = reading.durationUs / mean(passes.map(({ durationUs }) => durationUs));
      scale *= min(1.5, max(0.67, ratio ** (1 - GROWTH)));
    }
  }
  return best;
}

/** The log's first pass, and some passes behind it. */
function short(learned: Learned, passUs: number): Learned {
  const { guest, migration } = learned;
  const firstMs = ((guest.layout.roomPages * 4096) / migration.bytesPerSecond) * 1000;
  const enoughMs = 1.1 * firstMs + (SEEN * passUs) / 1000;
  const totalTimeMs = migration.totalTimeMs > 0 ? min(migration.totalTimeMs, enoughMs) : enoughMs;
  return { ...learned, migration: { ...migration, totalTimeMs } };
}
