/** What a program can hand in and a scenario file cannot: numbers that are none, with which a run would not end. */
import { UsageError } from '../errors.js';
import { mostRecords } from '../guest/effort.js';
import { isList, isMap, nth } from '../lists.js';
import { expected } from '../options/wording.js';
import { formatDurationMs } from '../units.js';
import type { MigrationSetup } from './setup.js';

const { ceil } = Math;
const { isFinite } = Number;

/** Throws `UsageError` with the name of the first number of a setup that is not finite, such as `host.kickUs`. */
export function checkSetup(setup: MigrationSetup): void {
  if (!isSound(setup)) nameUnsound(setup);
  checkTimeline(setup);
  const { bandwidthBytesPerSecond, phases } = setup.link;
  refuseZero('link.bandwidthBytesPerSecond', bandwidthBytesPerSecond);
  phases.forEach((phase, index) =>
    refuseZero(`link.phases.${index}.bandwidthBytesPerSecond`, phase.bandwidthBytesPerSecond),
  );
  for (let index = 1; index < phases.length; index += 1) {
    const [{ atUs: beforeUs }, { atUs }] = [nth(phases, index - 1), nth(phases, index)];
    if (atUs < beforeUs)
      throw new UsageError(
        `link.phases.${index}.atUs: ${expected(`a number of at least ${beforeUs}, as phases are in order of time`, atUs)}`,
      );
  }
}

/** A run that gives up may last until then: a timeline with more points than a run keeps is refused before anything runs. */
function checkTimeline({ timelineMs, guest, migration }: MigrationSetup): void {
  const giveUpMs = migration.giveUpAfterUs / 1000;
  const most = mostRecords(guest.vcpus.length);
  if (timelineMs <= 0 || giveUpMs / timelineMs <= most) return;
  const leastMs = ceil((giveUpMs / most) * 1000) / 1000;
  const reason = `as a run that gives up after ${formatDurationMs(giveUpMs)} keeps at most ${most} points`;
  throw new UsageError(
    `timelineMs: ${expected(`0, or a number of at least ${leastMs}, ${reason}`, timelineMs)}`,
  );
}

/** No number in it is other than finite. Asked for every run, and so without names. */
function isSound(value: object): boolean {
  if (isList(value)) {
    for (let index = 0; index < value.length; index += 1) if (!isSoundEntry(value[index])) return false;
  } else if (isMap(value)) {
    for (const key in value) if (!isSoundEntry(value[key])) return false;
  }
  return true;
}

function isSoundEntry(entry: unknown): boolean {
  if (typeof entry === 'number') return isFinite(entry);
  return typeof entry !== 'object' || entry === null || isSound(entry);
}

function nameUnsound(setup: MigrationSetup): void {
  const { migrateContinueAtUs, ...migration } = setup.migration;
  // Infinity is a value of this one: never.
  if (migrateContinueAtUs !== undefined && migrateContinueAtUs !== Infinity)
    checkNumbers('migration.migrateContinueAtUs', migrateContinueAtUs);
  checkNumbers('', { ...setup, migration });
}

function checkNumbers(name: string, value: unknown): void {
  if (typeof value === 'number') {
    if (!isFinite(value)) throw new UsageError(`${name}: ${expected('a finite number', value)}`);
    return;
  }
  const prefix = name === '' ? '' : `${name}.`;
  if (isList(value)) {
    for (let index = 0; index < value.length; index += 1) checkNumbers(`${prefix}${index}`, value[index]);
  } else if (isMap(value)) {
    for (const key of Object.keys(value)) checkNumbers(`${prefix}${key}`, value[key]);
  }
}

function refuseZero(name: string, value: number): void {
  if (value <= 0) throw new UsageError(`${name}: ${expected('a number above 0', value)}`);
}
