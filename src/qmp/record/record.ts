/** Records a migration through the source's QEMU: its figures ten times per second, its settings, its events, and its end. */
import { isList } from '../../lists.js';
import { ExpectationError, UsageError } from '../../errors.js';
import {
  capabilitiesIn,
  RECORD_FORMAT,
  type RecordEnd,
  type RecordHeader,
  type RecordLine,
} from '../../formats/record.js';
import { formatDurationMs } from '../../units.js';
import { QmpConnectionError, type QmpClient } from '../client.js';
import { askIfKnown, mapIn, textIn } from '../measure/ask.js';
import { isMigrating, readFacts } from '../measure/facts.js';

const { max, round } = Math;

/** A reply of `query-migrate`. */
export type MigrateReply = Readonly<Record<string, unknown>>;

/** How a migration is recorded. */
export interface RecordOptions {
  /** ms of a clock that only goes forward. */
  readonly now: () => number;
  /** Address and time for the first line. */
  readonly from: string;
  readonly started?: string;
  /** Between two looks, ms; default 100. */
  readonly periodMs?: number;
  /** How long to wait for a migration to begin, ms; default: no limit. */
  readonly timeoutMs?: number;
  /** Each line of the recording as it comes. */
  readonly onLine: (line: RecordHeader | RecordLine) => void;
  /** Each reply while the migration goes on, with what is in force. */
  readonly onReply?: (reply: MigrateReply, inForce: RecordedSettings) => void;
  /** Called where there is time until the next look: for work in pieces. */
  readonly onIdle?: () => void;
  /** Asked before each look: true ends the recording. */
  readonly isStopped?: () => boolean;
  /** How the time passes; tests replace it. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** Parameters and capabilities in force. */
export interface RecordedSettings {
  readonly parameters: MigrateReply;
  readonly capabilities: readonly string[];
}

/** What came of a recording. */
export interface Recorded {
  readonly end: RecordEnd;
  /** Whether a migration was seen at all. */
  readonly hasBegun: boolean;
  /** The last reply; null where none had figures. */
  readonly last: MigrateReply | null;
  /** Where the connection ended: whether the switchover was under way, so that QEMU ended as it does after one. */
  readonly hadSwitched: boolean;
  /** QEMU's reason of a migration that failed. */
  readonly reason: string | null;
}

const PERIOD_MS = 100;
/** Parameters are asked for at every so manieth look. */
const SETTINGS_EVERY = 5;
/** Statuses from which a migration goes on at the destination. */
const SWITCHING = ['device', 'pre-switchover', 'postcopy-device', 'postcopy-active'];

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits for a migration, or joins one under way, and records it to its end. Nothing is changed on the guest. It returns also
 * where the connection ends, as it does when QEMU quits after the migration.
 *
 * @throws ExpectationError when no migration begins in time
 * @throws UsageError when the guest has already migrated, so that none can begin
 * @throws QmpConnectionError when the connection ends before a migration was seen
 */
export async function recordMigration(client: QmpClient, options: RecordOptions): Promise<Recorded> {
  const recorder = new Recorder(client, options);
  await recorder.begin();
  try {
    return await recorder.run();
  } catch (error) {
    if (error instanceof QmpConnectionError && recorder.hasBegun) return recorder.finish('disconnected');
    throw error;
  }
}

class Recorder {
  hasBegun = false;
  readonly #client: QmpClient;
  readonly #options: RecordOptions;
  readonly #beginMs: number;
  /** As text: the end of an earlier migration stays in query-migrate until the next one. */
  #earlier = '';
  #last: MigrateReply | null = null;
  #settings: RecordedSettings = { parameters: {}, capabilities: [] };
  #shownParameters = '';
  #shownCapabilities = '';
  #hadStopped = false;

  constructor(client: QmpClient, options: RecordOptions) {
    this.#client = client;
    this.#options = options;
    this.#beginMs = options.now();
  }

  /** The first line, and events from now on. A migration that begins while QEMU is asked is not an earlier one. */
  async begin(): Promise<void> {
    const { from, started = '', onLine } = this.#options;
    const earlier = await this.#ask();
    this.#earlier = JSON.stringify(earlier);
    const { version, hasKvm, machine, memoryBytes, vcpus, status } = await readFacts(this.#client);
    if (status === 'postmigrate' && textIn(earlier, 'status') === 'completed')
      throw new UsageError(
        'the guest has already migrated (its status is postmigrate); start the recording before the migration',
      );
    onLine({
      format: RECORD_FORMAT,
      from,
      started,
      qemu: `${version.major}.${version.minor}.${version.micro}`,
      kvm: hasKvm,
      machine,
      memory_bytes: memoryBytes,
      vcpus,
    });
    this.#client.onEvent(({ event, data, hostTimeUs }) => {
      if (event === 'STOP') this.#hadStopped = true;
      if (event === 'RESUME') this.#hadStopped = false;
      onLine({ t: this.#t(), event, data, host_us: hostTimeUs });
    });
  }

  async run(): Promise<Recorded> {
    const { now, wait = sleep, periodMs = PERIOD_MS, timeoutMs = Infinity, isStopped } = this.#options;
    let nextMs = now();
    for (let look = 0; ; look += 1) {
      if (isStopped?.() === true) return this.finish('interrupted');
      const reply = await this.#ask();
      const status = textIn(reply, 'status') ?? 'none';
      const isNew = isMigrating(status) || (status !== 'none' && JSON.stringify(reply) !== this.#earlier);
      if (isNew || this.hasBegun) {
        if (!this.hasBegun || look % SETTINGS_EVERY === 0) await this.#readSettings();
        this.hasBegun = true;
        this.#keep(reply);
        if (status === 'completed' || status === 'failed' || status === 'cancelled')
          return this.finish(status);
      } else if (now() - this.#beginMs > timeoutMs) {
        throw new ExpectationError(`no migration began within ${formatDurationMs(timeoutMs)}`);
      }
      this.#options.onIdle?.();
      // After a look that took long, the next one comes a period later and not at once.
      nextMs = max(nextMs + periodMs, now() + 1);
      await wait(nextMs - now());
    }
  }

  finish(end: RecordEnd): Recorded {
    this.#options.onLine({ t: this.#t(), end });
    const reply = this.#last;
    const status = reply === null ? 'none' : (textIn(reply, 'status') ?? 'none');
    return {
      end,
      hasBegun: this.hasBegun,
      last: reply,
      hadSwitched: this.#hadStopped || SWITCHING.includes(status),
      reason: reply === null ? null : (textIn(reply, 'error-desc') ?? null),
    };
  }

  async #ask(): Promise<MigrateReply> {
    return mapIn(await this.#client.execute('query-migrate'));
  }

  #keep(reply: MigrateReply): void {
    this.#last = reply;
    this.#options.onLine({ t: this.#t(), 'query-migrate': reply });
    this.#options.onReply?.(reply, this.#settings);
  }

  /** Written when they changed. */
  async #readSettings(): Promise<void> {
    const parameters = mapIn(await askIfKnown(this.#client, 'query-migrate-parameters'));
    const reply = await askIfKnown(this.#client, 'query-migrate-capabilities');
    const capabilities = isList(reply) ? capabilitiesIn(reply) : [];
    this.#settings = { parameters, capabilities };
    const [parametersText, capabilitiesText] = [JSON.stringify(parameters), JSON.stringify(reply ?? [])];
    const t = this.#t();
    if (parametersText !== this.#shownParameters)
      this.#options.onLine({ t, 'query-migrate-parameters': parameters });
    if (capabilitiesText !== this.#shownCapabilities)
      this.#options.onLine({ t, 'query-migrate-capabilities': reply ?? [] });
    [this.#shownParameters, this.#shownCapabilities] = [parametersText, capabilitiesText];
  }

  #t(): number {
    return round((this.#options.now() - this.#beginMs) * 1000) / 1000;
  }
}
