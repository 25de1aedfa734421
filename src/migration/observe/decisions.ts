/**
 * What QEMU's own rules decided in a run, as facts, and the same in words. The engine writes facts down only when a run is
 * traced; rules carry the names of QEMU's functions (10.2.2).
 */
import { formatBytes, formatBytesPerSecond, formatDurationMs } from '../../units.js';
import type { SyncCause } from '../controls.js';
import { ELIGIBLE_SYNC_MS } from '../rules/rules.js';

const { abs, round } = Math;

/** ram.c:migration_bitmap_sync: a sync begins. */
export interface SyncBegins {
  readonly kind: 'sync';
  readonly sync: number;
  readonly cause: SyncCause;
  /** As known from the sync before, and the most that may be left of it. */
  readonly pendingBytes: number;
  readonly thresholdBytes: number;
}

/** ram.c:migration_bitmap_sync: the detector did not look at this sync. */
export interface SyncNotJudged {
  readonly kind: 'not-judged';
  readonly sync: number;
  /** Whole ms since the last eligible sync, and which that was; null: this one starts the count. */
  readonly sinceMs: number;
  readonly sinceSync: number | null;
  /** Up to 7.2 the detector is off without auto-converge, however long it was. */
  readonly detectorOff: boolean;
}

/** ram.c:migration_trigger_throttle. */
export interface SyncJudged {
  readonly kind: 'judged';
  readonly sync: number;
  readonly verdict: 'good' | 'bad' | 'act';
  /** Since the last eligible sync. */
  readonly dirtyBytes: number;
  readonly sentBytes: number;
  readonly thresholdPercent: number;
  readonly limitBytes: number;
  /** Bad syncs counted towards the second, after this one. */
  readonly strikes: number;
  /** Some strategy waits for the detector to act. */
  readonly heeded: boolean;
}

/** migration.c:migration_update_counters: what may be left at switchover. */
export interface Threshold {
  readonly kind: 'threshold';
  readonly thresholdBytes: number;
  readonly bandwidthBytesPerSecond: number;
  readonly downtimeLimitMs: number;
  /** avail-switchover-bandwidth stands for what the last window carried. */
  readonly bandwidthIsGiven: boolean;
  /** Before the first window has closed the threshold is 0. */
  readonly windowClosed: boolean;
}

/** migration.c:migration_iteration_run, after a sync or where it ends pre-copy. */
export interface Turn {
  readonly kind: 'turn';
  readonly verdict: 'iterate' | 'complete' | 'postcopy';
  readonly pendingBytes: number;
  readonly thresholdBytes: number;
  /** Exactly the threshold may be left, from 10.2 on. */
  readonly completesAtThreshold: boolean;
}

/** qapi: migrate-set-parameters, without a reason given. */
export interface ParameterSet {
  readonly kind: 'parameter';
  readonly name: 'downtime-limit' | 'max-bandwidth';
  /** ms, or bytes/s with 0 for unlimited. */
  readonly from: number;
  readonly to: number;
}

/** system/cpus.c:do_vm_stop, ahead of the switchover. */
export interface GuestStopped {
  readonly kind: 'stopped';
  readonly durationMs: number;
  /** Of it, a sleep at a full ring that had to end first. */
  readonly ringSleepMs: number;
}

/** One part of the downtime, in the order in which they follow each other. */
export interface DowntimePart {
  readonly part: 'stop' | 'migrate-continue' | 'sync' | 'discard' | 'RAM' | 'device state' | 'destination';
  readonly durationMs: number;
}

/** migration.c:migration_completion_end, or postcopy_start: `downtime` is the sum of its parts. */
export interface Downtime {
  readonly kind: 'downtime';
  readonly postcopy: boolean;
  readonly downtimeMs: number;
  readonly blackoutMs: number;
  /** In the order in which they came. */
  readonly parts: readonly DowntimePart[];
  /** Of the stop, a sleep at a full ring that had to end first. */
  readonly ringSleepMs: number;
  /** On the wire in the part `RAM`. */
  readonly ramBytes: number;
}

/** migration.c:migration_completion_postcopy. */
export interface PostcopyOver {
  readonly kind: 'postcopy-over';
  readonly durationMs: number;
  readonly requests: number;
}

/** The migration ended without a switchover. */
export interface Ending {
  readonly kind: 'gave-up' | 'cancelled' | 'failed';
  readonly afterMs: number;
  readonly reason: string;
}

/** What one rule decided, with the figures that it decided on. */
export type DecisionFacts =
  | SyncBegins
  | SyncNotJudged
  | SyncJudged
  | Threshold
  | Turn
  | ParameterSet
  | GuestStopped
  | Downtime
  | PostcopyOver
  | Ending;

/** The same but for windows that are never quite alike: every decision has the exact number with it. */
export function isAbout(one: Threshold, other: Threshold): boolean {
  const change = abs(one.bandwidthBytesPerSecond - other.bandwidthBytesPerSecond);
  return (
    one.downtimeLimitMs === other.downtimeLimitMs &&
    one.windowClosed === other.windowClosed &&
    change < 0.05 * other.bandwidthBytesPerSecond
  );
}

export interface Words {
  readonly rule: string;
  readonly text: string;
}

export function inWords(facts: DecisionFacts): Words {
  switch (facts.kind) {
    case 'sync':
      return syncInWords(facts);
    case 'not-judged':
      return facts.detectorOff
        ? { rule: 'migration_trigger_throttle', text: 'not judged: auto-converge is off' }
        : { rule: 'migration_bitmap_sync', text: notJudged(facts) };
    case 'judged':
      return { rule: 'migration_trigger_throttle', text: judged(facts) };
    case 'threshold':
      return { rule: 'migration_update_counters', text: threshold(facts) };
    case 'turn':
      return { rule: 'migration_iteration_run', text: turn(facts) };
    case 'parameter':
      return { rule: 'qmp_migrate_set_parameters', text: parameter(facts) };
    case 'stopped':
      return { rule: 'do_vm_stop', text: `the guest is stopped${took(facts)}` };
    case 'downtime':
      return { rule: facts.postcopy ? 'postcopy_start' : 'migration_completion_end', text: downtime(facts) };
    case 'postcopy-over':
      return {
        rule: 'migration_completion_postcopy',
        text: `all is there after ${formatDurationMs(facts.durationMs)}; pages that the guest asked for: ${facts.requests}`,
      };
    case 'gave-up':
    case 'cancelled':
    case 'failed':
      return ending(facts);
  }
}

function syncInWords({ sync, cause, pendingBytes, thresholdBytes }: SyncBegins): Words {
  const left = formatBytes(pendingBytes);
  switch (cause) {
    case 'setup':
      return { rule: 'ram_init_bitmaps', text: `sync ${sync}: setup, all of RAM is dirty, ${left}` };
    case 'natural': {
      const [pending, limit] = toldApart(pendingBytes, thresholdBytes);
      return { rule: 'migration_iteration_run', text: `sync ${sync}: ${pending} < threshold ${limit}` };
    }
    case 'timer':
      return { rule: 'migration_bitmap_sync', text: `sync ${sync}: a timer asks for it, ${left} left` };
    case 'switchover':
      return { rule: 'ram_save_complete', text: `sync ${sync}: the last, of a stopped guest` };
    case 'postcopy':
      return {
        rule: 'ram_postcopy_send_discard_bitmap',
        text: `sync ${sync}: what is dirty now is discarded on the destination`,
      };
  }
}

function notJudged({ sinceMs, sinceSync }: SyncNotJudged): string {
  return sinceSync === null
    ? 'not judged: the first one starts the count'
    : `not judged: ${sinceMs} ms after sync ${sinceSync}, <= ${ELIGIBLE_SYNC_MS} ms`;
}

function judged(facts: SyncJudged): string {
  const { sync, verdict, dirtyBytes, sentBytes, limitBytes, thresholdPercent } = facts;
  // Where four digits do not show which is more, both are given to the byte.
  const exact = isAlike(dirtyBytes, limitBytes);
  const [dirtied, sent] = exact
    ? [`${round(dirtyBytes)} B`, `${round(sentBytes)} B`]
    : [formatBytes(dirtyBytes), formatBytes(sentBytes)];
  const relation = verdict === 'good' ? '<=' : '>';
  return `sync ${sync}: dirtied ${dirtied} ${relation} ${thresholdPercent} % of sent ${sent}, ${strike(facts)}`;
}

function strike({ verdict, strikes, heeded }: SyncJudged): string {
  if (verdict === 'bad') return 'first strike';
  if (verdict === 'act') return heeded ? 'second strike' : 'second strike, and nothing acts on it';
  return strikes === 0 ? 'good' : 'good; the first strike stands';
}

function threshold(facts: Threshold): string {
  const { thresholdBytes, bandwidthBytesPerSecond, downtimeLimitMs, bandwidthIsGiven, windowClosed } = facts;
  if (!windowClosed) return 'threshold 0 B: no window has closed yet';
  const given = bandwidthIsGiven ? 'avail-switchover-bandwidth ' : '';
  const bandwidth = formatBytesPerSecond(bandwidthBytesPerSecond);
  return `threshold ${formatBytes(thresholdBytes)} = ${given}${bandwidth} x ${downtimeLimitMs} ms`;
}

function turn({ verdict, pendingBytes, thresholdBytes, completesAtThreshold }: Turn): string {
  const [pending, limit] = toldApart(pendingBytes, thresholdBytes);
  if (verdict === 'postcopy') return `start post-copy: ${pending} is left for it`;
  if (verdict === 'iterate')
    return `iterate: ${pending} ${completesAtThreshold ? '>' : '>='} threshold ${limit}`;
  if (pendingBytes === 0) return `switch over: nothing is left, threshold ${limit}`;
  return `switch over: ${pending} ${completesAtThreshold ? '<=' : '<'} threshold ${limit}`;
}

function parameter({ name, from, to }: ParameterSet): string {
  const show = (value: number): string => {
    if (name === 'downtime-limit') return `${value} ms`;
    return value === 0 ? 'unlimited' : formatBytesPerSecond(value);
  };
  return `${name} ${show(from)} -> ${show(to)}`;
}

function took({ durationMs, ringSleepMs }: Pick<GuestStopped, 'durationMs' | 'ringSleepMs'>): string {
  return ` in ${formatDurationMs(durationMs)}${ofRingSleep(ringSleepMs)}`;
}

function ofRingSleep(ringSleepMs: number): string {
  return ringSleepMs > 0 ? ` (${formatDurationMs(ringSleepMs)} until a sleep at a full ring is over)` : '';
}

function downtime({ downtimeMs, blackoutMs, parts, ringSleepMs, ramBytes }: Downtime): string {
  const sum = parts
    .filter(({ durationMs }) => durationMs >= 0.0005)
    .map(({ part, durationMs }) => {
      const note =
        part === 'stop' ? ofRingSleep(ringSleepMs) : part === 'RAM' ? ` (${formatBytes(ramBytes)})` : '';
      return `${part} ${formatDurationMs(durationMs)}${note}`;
    })
    .join(' + ');
  const made = sum === '' ? '' : ` = ${sum}`;
  return `downtime ${formatDurationMs(downtimeMs)}${made}; the guest was stopped for ${formatDurationMs(blackoutMs)}`;
}

function ending({ kind, afterMs, reason }: Ending): Words {
  if (kind === 'failed') return { rule: 'migration_detect_error', text: reason };
  const what = kind === 'gave-up' ? 'given up and cancelled' : 'cancelled';
  return {
    rule: 'qmp_migrate_cancel',
    text: `${what} after ${formatDurationMs(afterMs)}; the guest runs on at the source`,
  };
}

/** Two sizes that are compared: to the byte where four digits would make them look the same. */
function toldApart(a: number, b: number): readonly [string, string] {
  return isAlike(a, b) ? [`${round(a)} B`, `${round(b)} B`] : [formatBytes(a), formatBytes(b)];
}

function isAlike(a: number, b: number): boolean {
  return a !== b && formatBytes(a) === formatBytes(b);
}
