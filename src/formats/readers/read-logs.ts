/** Files that belong together, read by the format of each. */
import { isNonEmpty, lastOf, nth, type NonEmpty } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { largest } from '../../stats/extremes.js';
import { checkClock, checkSample, mostTelling, splitMigrations } from '../migrations.js';
import type { FoundSamples, LogSample, LogSettings, LogSource, MigrationLog } from '../migration-log.js';
import { parseJson } from '../json.js';
import { plainText } from '../text.js';
import { valuesIn } from '../values.js';
import type { DirtyReadings } from '../readings.js';
import { mergeReadings, readDirtyReadings } from '../readings.js';
import type { GuestperfReport } from '../guestperf/read.js';
import { knownFormats, otherFile, readerOf } from './index.js';
import type { Content, Format } from './reader.js';

/** A log by its name and text. */
export interface LogFile {
  readonly file: string;
  readonly text: string;
}

/** What one file or several together say. */
export type ReadLog =
  | { readonly kind: 'migration'; readonly log: MigrationLog }
  | { readonly kind: 'readings'; readonly readings: DirtyReadings }
  | { readonly kind: 'guestperf'; readonly report: GuestperfReport; readonly text: string };

/**
 * Reads files that belong together: replies that were kept one a file, a log and the parameters it was taken under, readings
 * of several periods.
 * @throws UsageError when a file is in no known format, cannot be what it says, or does not go with the others
 */
export function readLogs(files: readonly LogFile[]): ReadLog {
  const contents = files.map(({ file, text }) => readOne(text, file));
  const samples = contents.filter(isOfSamples);
  if (isNonEmpty(samples)) return { kind: 'migration', log: migrationOf(samples) };
  const report = contents.find(({ content }) => content.kind === 'guestperf');
  if (report?.content.kind === 'guestperf') {
    if (contents.length > 1)
      throw new UsageError('learn takes one guestperf report, without other files', { file: report.file });
    return { kind: 'guestperf', report: report.content.report, text: nth(files, 0).text };
  }
  const readings = contents.flatMap(({ content }) => (content.kind === 'readings' ? [content.readings] : []));
  if (!isNonEmpty(readings)) throw new UsageError('no log given');
  return { kind: 'readings', readings: mergeReadings(readings) };
}

interface Read {
  readonly file: string;
  readonly reader: Format;
  readonly content: Content;
}
interface ReadSamples extends Read {
  readonly reader: Format & { readonly source: LogSource };
  readonly content: Extract<Content, { kind: 'samples' }>;
}

function isOfSamples(read: Read): read is ReadSamples {
  return read.content.kind === 'samples';
}

function readOne(text: string, file: string): Read {
  const plain = plainText(text);
  if (plain.trim() === '')
    throw new UsageError(`the file is empty; expected one of: ${knownFormats()}`, { file });
  const reader = readerOf(plain);
  if (reader === null) {
    // A text that is meant as JSON says where it breaks off.
    if (/^\s*[[{]/.test(plain) && valuesIn(plain).length === 0) parseJson(plain, file);
    throw new UsageError(unknownFormat(plain), { file, line: 1 });
  }
  const content: Content =
    'read' in reader
      ? reader.read(plain, file)
      : { kind: 'readings', readings: readDirtyReadings(plain, file) };
  return { file, reader, content };
}

function unknownFormat(text: string): string {
  const binary = text.slice(0, 2000).includes('\u0000') ? 'this is no text' : 'no known format';
  const sizes = text.split('\n').filter((line) => FIGURE.test(line)).length;
  const other = otherFile(text);
  const hint =
    sizes >= SEVERAL
      ? ' (virsh domjobinfo in another language? run it with LC_ALL=C)'
      : other === null
        ? ''
        : ` (${other})`;
  return `${binary}${hint}; expected one of: ${knownFormats()}`;
}

/** A label, and a size or a time with the unit that virsh prints in every language. */
const FIGURE = /^\s*[^:\n]{3,40}:\s+[\d.,]+\s+(?:ms|B|[KMGT]iB)(?:\/s)?\s*$/;
const SEVERAL = 3;

function migrationOf(contents: NonEmpty<ReadSamples>): MigrationLog {
  const [{ reader, file }] = contents;
  const other = contents.find((one) => one.reader !== reader);
  if (other !== undefined) {
    throw new UsageError(
      `recognised as ${other.reader.name}, but ${file} as ${reader.name}; expected logs of one kind`,
      { file: other.file },
    );
  }
  const { rounded = false, jobClock = false } = reader;
  const found = contents.map(({ content }) => content.found);
  const inOrder = found.flatMap(({ samples }) => samples).map((sample, index) => ({ ...sample, index }));
  if (inOrder.length === 0)
    throw new UsageError(`recognised as ${reader.name}, without figures of a migration's memory`, { file });
  for (const sample of inOrder) checkSample(sample, rounded);
  const migrations = contents.length > 1 ? joined(inOrder) : splitMigrations(inOrder);
  const samples = mostTelling(migrations);
  if (!rounded) checkClock(samples, file);
  const notes = found.flatMap((one) => one.notes);
  if (migrations.length > 1) {
    const place = samples[0].place;
    const line = place.line === undefined ? '' : `, from line ${place.line}`;
    notes.push(`${migrations.length} migrations are in the log; this is of the one that says most${line}`);
  }
  return {
    file,
    source: reader.source,
    samples,
    settings: { ...mergedSettings(found), ...limitsOf(found, migrations, samples) },
    jobClock,
    rounded,
    notes: [...new Set(notes)],
    skipped: found.reduce((sum, { skipped }) => sum + skipped, 0),
  };
}

/** Files of one reply each may come in any order: where sorting by the clock makes one migration of them, it is one. */
function joined(samples: readonly LogSample[]): NonEmpty<LogSample>[] {
  const asGiven = splitMigrations(samples);
  if (asGiven.length === 1) return asGiven;
  const sorted = splitMigrations([...samples].sort((a, b) => (a.tUs ?? 0) - (b.tUs ?? 0)));
  return sorted.length < asGiven.length ? sorted : asGiven;
}

/**
 * The limits of one migration: of several in a file, those that were set behind the migration before it; in several files,
 * which are of one migration, all. A limit that is set again as it is, by another migration or by a retry, is one.
 */
function limitsOf(
  found: readonly FoundSamples[],
  migrations: readonly NonEmpty<LogSample>[],
  chosen: NonEmpty<LogSample>,
): Pick<LogSettings, 'downtimeLimitMs' | 'laterDowntimeLimitsMs' | 'limitsRaisedAtUs'> {
  const several = found.length === 1 && migrations.length > 1;
  const from = several ? largest([-1, ...indexesBefore(migrations, chosen)]) + 1 : 0;
  const to = several ? lastOf(chosen).index : Infinity;
  const set = found
    .flatMap(({ limits, samples }) =>
      limits.map((limit) => ({ ...limit, atUs: samples[limit.before - 1]?.tUs ?? null })),
    )
    .filter(({ before, guest }) => before >= from && before <= to && ['', chosen[0].guest].includes(guest));
  const [first, ...later] = set.filter(({ ms }, at) => ms !== set[at - 1]?.ms);
  const raisedAtUs = later.flatMap(({ atUs }) => atUs ?? []);
  return {
    ...(first === undefined ? {} : { downtimeLimitMs: first.ms }),
    ...(later.length === 0 ? {} : { laterDowntimeLimitsMs: later.map(({ ms }) => ms) }),
    ...(later.length === 0 || raisedAtUs.length < later.length ? {} : { limitsRaisedAtUs: raisedAtUs }),
  };
}

/** Where the migrations end that come before the chosen one. */
function indexesBefore(migrations: readonly NonEmpty<LogSample>[], chosen: NonEmpty<LogSample>): number[] {
  return migrations
    .filter(([{ guest }]) => guest === chosen[0].guest)
    .map((samples) => lastOf(samples).index)
    .filter((index) => index < chosen[0].index);
}

function mergedSettings(found: readonly FoundSamples[]): LogSettings {
  return found.reduce<LogSettings>((merged, { settings }) => ({ ...merged, ...settings }), {});
}
