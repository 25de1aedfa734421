/** How a logged migration ended, or will end if nothing is changed, and what would have it end. */
import { lastOf } from '../../../lists.js';
import { parseOptions } from '../../../options/read.js';
import type { LogSample, MigrationLog } from '../../../formats/migration-log.js';
import { PAGE_BYTES } from '../../../guest/spec.js';
import { runMigration } from '../../../migration/engine.js';
import type { MigrationResult } from '../../../migration/result.js';
import type { MigrationSetup } from '../../../migration/setup.js';
import { NORMAL_PAGE_BYTES } from '../../../migration/rules/stream.js';
import { findStrategy } from '../../../strategies/index.js';
import { formatBytes, formatBytesPerSecond, formatDurationMs } from '../../../units.js';
import { setupOf } from '../../validate/replay.js';
import { isMoved } from '../learn-summary.js';
import { atMost, isLinkSeen, leastLink, type Learned, wasThrottled } from '../learned.js';

const { max, min } = Math;

/** How a logged migration ended, or will end. */
export interface Outlook {
  /** ended: failed or cancelled. The last three are of a migration that still runs where the log ends. */
  readonly verdict: 'completed' | 'ended' | 'ends' | 'never' | 'unknown';
  /** A sentence without a full stop. */
  readonly text: string;
  /** Likewise, of it what the log itself shows. */
  readonly seen: string;
  /** Whether the log shows that all memory was moved. */
  readonly isOver: boolean;
  /** Single changes under which the learned guest's migration completes, each in words; empty where none is needed. */
  readonly remedies: readonly string[];
}

export function outlookOf(learned: Learned, log: MigrationLog): Outlook {
  const last = lastOf(log.samples);
  const isOver = isMoved(last);
  return { seen: seenText(last), isOver, ...answerOf(learned, log) };
}

function seenText({ status, tUs, remainingBytes }: LogSample): string {
  const after = tUs === null ? '' : ` after ${formatDurationMs(tUs / 1000)}`;
  const left = remainingBytes === null ? '' : `, ${formatBytes(remainingBytes)} remained`;
  return `${status === 'active' ? 'still under way' : status}${after}${left}`;
}

function answerOf(learned: Learned, log: MigrationLog): Omit<Outlook, 'seen' | 'isOver'> {
  const last = lastOf(log.samples);
  const after = last.tUs === null ? '' : ` after ${formatDurationMs(last.tUs / 1000)}`;
  if (last.status === 'completed') {
    const down = last.downtimeMs === null ? '' : `, downtime ${formatDurationMs(last.downtimeMs)}`;
    const leadMs = last.tUs === null ? 0 : last.tUs / 1000 - learned.migration.totalTimeMs;
    const lead = leadMs > PREPARATION_MS ? ` (${formatDurationMs(leadMs)} of it before the first byte)` : '';
    return {
      verdict: 'completed',
      text: `completed${after}${lead}${down}${postcopyText(last)}`,
      remedies: [],
    };
  }
  if (last.status.startsWith('postcopy'))
    return {
      verdict: 'ends',
      text: `in post-copy${after}, which ends when all pages are there`,
      remedies: [],
    };
  if (isMoved(last)) {
    return { verdict: 'ends', text: `completes: nothing remained at the last sample${after}`, remedies: [] };
  }
  const known = learned.guest.classes.length > 0;
  const over = ['failed', 'cancelled', 'failing', 'cancelling'].includes(last.status);
  if (!known) {
    const ended = over ? `${last.status}${after}` : firstPassText(last, learned);
    return { verdict: over ? 'ended' : 'unknown', text: ended, remedies: [] };
  }
  const setup = horizon(learned);
  const result = simulate(setup, 'none');
  if (over) {
    return { verdict: 'ended', text: `${last.status}${after}`, remedies: remediesOf(learned, setup, result) };
  }
  if (result.converged) {
    const text = `will complete as it is: migrated again, its guest takes ${outcome(result)}`;
    return { verdict: 'ends', text, remedies: [] };
  }
  const left =
    last.remainingBytes === null ? '' : `${formatBytes(last.remainingBytes)} remained at the last sample; `;
  return {
    verdict: 'never',
    text: `will not complete while the guest goes on like this: ${left}${result.why?.text ?? ''}`,
    remedies: remediesOf(learned, setup, result),
  };
}

/** What a program that counts from its own start has more than QEMU: the destination is started and asked before. */
const PREPARATION_MS = 500;

/** How a migration went that its log shows to have moved all memory; null for others. */
export function loggedOf(
  { migration }: Pick<Learned, 'migration'>,
  outlook: Outlook | null,
): { readonly totalTimeMs: number; readonly downtimeMs: number | null } | null {
  const { totalTimeMs, downtimeMs } = migration;
  return outlook?.isOver === true && totalTimeMs > 0 ? { totalTimeMs, downtimeMs } : null;
}

function postcopyText({ postcopyBytes }: LogSample): string {
  return postcopyBytes > 0 ? `, ${formatBytes(postcopyBytes)} of the memory in post-copy` : '';
}

/** Nothing shows what comes back: when the first pass will be over, and how little may then be dirty. */
function firstPassText({ remainingBytes, tUs }: LogSample, { migration, guest }: Learned): string {
  const { bytesPerSecond, downtimeLimitMs } = migration;
  const ms = ((remainingBytes ?? guest.ramPages * PAGE_BYTES) / bytesPerSecond) * 1000;
  const passed = tUs === null ? 0 : tUs / 1000;
  return (
    `too early to predict: the first pass ends in about ${formatDurationMs(max(1, ms))}, and only then QEMU looks for what was ` +
    `dirtied. It completes at once when that is no more than ${formatBytes((bytesPerSecond * downtimeLimitMs) / 1000)}, and ` +
    `passes shrink while the guest dirties less than ${formatBytesPerSecond(bytesPerSecond)} (first pass: ${formatDurationMs(passed + ms)})`
  );
}

// --------------------------------------------------------------------------------------------------------- remedies

/** Long enough for the first pass and what follows; what has not completed by then settles. */
const FIRST_PASSES = 3;
const SETTLING_US = 120e6;
const LONGEST_US = 4 * 3600e6;

/** Where the log leaves open how fast the load goes, at its fastest: what ends that, ends a slower one. */
function horizon(learned: Learned): MigrationSetup {
  const setup = setupOf(atMost(learned));
  const bytes = learned.guest.layout.roomPages * NORMAL_PAGE_BYTES;
  const firstUs = (bytes / learned.migration.bytesPerSecond) * 1e6;
  const giveUpAfterUs = min(LONGEST_US, FIRST_PASSES * firstUs + SETTLING_US);
  const link = isLinkSeen(learned.migration)
    ? setup.link
    : { ...setup.link, bandwidthBytesPerSecond: leastLink(learned.migration) };
  return { ...setup, link, keepSyncs: false, migration: { ...setup.migration, giveUpAfterUs } };
}

const LIMITS_MS = [500, 1000, 2000, 5000];
/** A link of 10 Gbit/s, where the log does not show what lies beyond max-bandwidth. */
const USUAL_LINK = 1.177e9;

function remediesOf(learned: Learned, setup: MigrationSetup, asItIs: MigrationResult): string[] {
  const found: string[] = [];
  if (asItIs.converged) found.push(`nothing: as it is, more time (${outcome(asItIs)})`);
  const { migration, link } = setup;
  for (const ms of LIMITS_MS) {
    if (ms <= migration.downtimeLimitMs) continue;
    const result = simulate({ ...setup, migration: { ...migration, downtimeLimitMs: ms } }, 'none');
    if (!result.converged) continue;
    found.push(`downtime-limit ${formatDurationMs(ms)}: ${outcome(result)}`);
    break;
  }
  if (migration.maxBandwidth > 0) {
    const wide = learned.migration.switchoverBytesPerSecond ?? USUAL_LINK;
    const open = {
      ...setup,
      link: { ...link, bandwidthBytesPerSecond: wide },
      migration: { ...migration, maxBandwidth: 0 },
    };
    const result = simulate(open, 'none');
    const seen = isLinkSeen(learned.migration);
    if (result.converged)
      found.push(
        `no max-bandwidth, ${seen ? 'on' : 'if there is'} a link of ${formatBytesPerSecond(wide, 'bit')}: ${outcome(result)}`,
      );
  }
  // What it does is in what was learned.
  if (wasThrottled(learned)) return found;
  const throttled = simulate(setup, 'auto-converge');
  if (throttled.converged)
    found.push(`auto-converge, up to ${throttled.maxThrottlePercent} %: ${outcome(throttled)}`);
  return found;
}

function outcome(result: MigrationResult): string {
  return `${formatDurationMs(result.totalTimeMs)}, downtime ${formatDurationMs(result.downtimeMs ?? 0)}`;
}

function simulate(setup: MigrationSetup, strategy: 'none' | 'auto-converge'): MigrationResult {
  const definition = findStrategy(strategy);
  const options = parseOptions(definition.options, {});
  const prepared = definition.prepare?.(options, setup) ?? setup;
  return runMigration(prepared, { strategy, policy: 'wait' }, (controls) =>
    definition.start(options, controls),
  );
}
