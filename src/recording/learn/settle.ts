/** A guest learned from totals that, migrated again, takes as long as the log says, or settles at passes as long as the log's. */
import { mean } from '../../stats/summary.js';
import type { MigrationLog } from '../../formats/migration-log.js';
import { passesOf, replay } from '../validate/replay.js';
import { fitReadings } from './curve.js';
import { growing, GROWTH } from './one-reading.js';
import { atMost, type CurveReading, type Intensity, type Learned } from './learned.js';

const { max, min, round } = Math;

const ROUNDS = 5;
/** Fewer passes than this are no plateau. */
const MANY = 8;
/** Passes behind the first that are simulated. */
const SEEN = 60;

/**
 * In a plateau a pass sends what came back while it lasted, and what QEMU leaves over at each sync comes on top: the curve
 * is scaled until simulated passes settle at the log's length. As τ* = (c/B)^(1/(1-β)), the scale follows from the ratio
 * to the power 1-β.
 */
export function settled(learned: Learned, log: MigrationLog): Learned {
  const [reading] = learned.guest.readings;
  const { intensity } = learned.guest;
  if (intensity !== undefined && intensity.longestUs !== null)
    return atLength(learned, intensity, intensity.longestUs);
  if (learned.migration.completed) return asLong(learned);
  const syncs = log.samples.at(-1)?.dirtySyncCount ?? 0;
  if (reading === undefined || syncs <= MANY) return learned;
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

/** Faster than this it is another guest. */
const FASTEST = 4;

/** With the highest intensity at which passes are as long as the log allows: syncs find less than a curve says. */
function atLength(learned: Learned, intensity: Intensity, longestUs: number): Learned {
  let { high } = intensity;
  for (let at = 0; at < ROUNDS; at += 1) {
    const most = atMost({ ...learned, guest: { ...learned.guest, intensity: { ...intensity, high } } });
    // Without the limits that the log raised, it goes on.
    const migration = { ...most.migration, completed: false };
    const result = replay(short({ ...most, migration }, longestUs));
    const lengths = passesOf(result, learned.guest.cpu).slice(2);
    const seen = lengths.slice(Math.floor(lengths.length / 2)).map(({ durationUs }) => durationUs);
    const ratio = seen.length === 0 ? 1 : longestUs / mean(seen);
    if (Math.abs(ratio - 1) < NEAR) break;
    high = min(FASTEST * intensity.high, high * max(0.67, min(1.5, ratio ** ((1 - GROWTH) / GROWTH))));
  }
  return { ...learned, guest: { ...learned.guest, intensity: { ...intensity, high } } };
}

const NEAR = 0.02;

/** Ratios of times that differ by less are as good as the same. */
const SAME = 0.005;

/**
 * A migration that completed over a link that was its limit, at the rate with which it takes as long again: what a log prints
 * in the end is the mean over the whole migration, in which zero pages, syncs and the stop took their part.
 */
function asLong(learned: Learned): Learned {
  const { migration } = learned;
  if (migration.maxBandwidth > 0 || migration.postcopy !== null || !(migration.totalTimeMs > 0))
    return learned;
  let best = learned;
  let bytesPerSecond = migration.bytesPerSecond;
  for (let at = 0; at < ROUNDS; at += 1) {
    const result = replay(best);
    const ratio = result.totalTimeMs / migration.totalTimeMs;
    if (!result.converged || Math.abs(ratio - 1) < SAME) return result.converged ? best : learned;
    bytesPerSecond =
      min(MOST, max(1 / MOST, (bytesPerSecond * ratio) / migration.bytesPerSecond)) *
      migration.bytesPerSecond;
    best = { ...learned, migration: { ...migration, bytesPerSecond } };
  }
  return best;
}

/** Times the rate that the log prints: what differs by more has another cause. */
const MOST = 1.5;

/** The log's first pass, and some passes behind it. */
function short(learned: Learned, passUs: number): Learned {
  const { guest, migration } = learned;
  const firstMs = ((guest.layout.roomPages * 4096) / migration.bytesPerSecond) * 1000;
  const enoughMs = 1.1 * firstMs + (SEEN * passUs) / 1000;
  const totalTimeMs = migration.totalTimeMs > 0 ? min(migration.totalTimeMs, enoughMs) : enoughMs;
  return { ...learned, migration: { ...migration, totalTimeMs } };
}

/** Shares of the curve that are tried, the largest first: syncs tell it no better than to some tenths. */
const LESS = [0.95, 0.9, 0.85, 0.8, 0.75];

/**
 * A guest learned from passes whose log completed while its load went on, with as much less of a curve as the migration needs to
 * complete again; as it is where it does, or where no such curve has it complete.
 */
export function asComplete(learned: Learned): Learned {
  const { guest, migration, loadEndedUs } = learned;
  if (!migration.completed || loadEndedUs !== null || guest.classes.length === 0) return learned;
  if (replay(learned).converged) return learned;
  for (const share of LESS) {
    const classes = guest.classes.map(({ pages, writesPerSecond }) => ({
      pages: max(1, round(pages * share)),
      writesPerSecond: writesPerSecond * share,
    }));
    const less = { ...learned, guest: { ...guest, classes } };
    if (!replay(less).converged) continue;
    const said = `the guest dirties ${round((1 - share) * 100)} % less than its syncs show: with more, the migration would not have completed`;
    return { ...less, assumptions: [...learned.assumptions, said] };
  }
  return learned;
}
