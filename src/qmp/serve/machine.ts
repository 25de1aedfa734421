/**
 * The simulated guest and its QEMU, as a monitor sees them: run state, capabilities, parameters, dirty limits, the last
 * migration. Time is simulated, µs since it was made, and passes only in `advance`.
 */
import type { MigrationStats } from '../../migration/controls.js';
import type { QemuVersion } from '../../migration/rules/versions.js';
import { RUNTIME_NAMES, type RuntimeParameters } from '../../migration/runtime-parameters.js';
import { keysOf } from '../../lists.js';
import type { Scenario, StrategyChoice } from '../../scenario/scenario.js';
import { refused } from './errors.js';
import { DirtyLimits } from './dirty-limits.js';
import { DirtyRateMeter } from './dirty-rate.js';
import { initialCapabilities, ofCapability, parametersOf } from './initial.js';
import type { JsonValue } from './json/parser.js';
import {
  runtimeParametersOf,
  setupOf,
  startRun,
  strategyOf,
  whole,
  type OutgoingRun,
  type RunChoices,
} from './migration-run.js';
import { initialParameters, withParameters, type ParameterValues } from './parameters.js';
import { queryMigrateReply, RUNNING, type Outgoing, type Status } from './query-migrate.js';
import { GuestRunState, type RunState } from './run-state.js';
import { isIn } from './version-facts.js';
import { withCapabilities } from './capabilities.js';

const { max } = Math;

/** An event as monitors send it; `atUs` on the machine's clock. */
export interface MachineEvent {
  readonly event: string;
  readonly atUs: number;
  readonly data?: Readonly<Record<string, JsonValue>>;
}

export interface MachineOptions {
  readonly scenario: Scenario;
  /** What the simulated QEMU does without being asked; null: nothing. */
  readonly strategy: StrategyChoice | null;
  readonly memory: 'page' | 'fluid';
  readonly seed: number;
  /** Which of `copies` guests of one scenario, from 1 on: each has random streams of its own. */
  readonly copy: number;
  readonly copies: number;
  readonly onEvent: (event: MachineEvent) => void;
}

/** What QEMU says of a connection that ended. */
const CONNECTION_LOST = 'Unable to write to socket: Broken pipe';

export class Machine {
  readonly name: string;
  readonly version: QemuVersion;
  readonly vcpuCount: number;
  /** Entries of a dirty ring; 0: bitmap log. */
  readonly dirtyRingSize: number;
  readonly ramBytes: number;
  readonly dirtyRate: DirtyRateMeter;
  readonly dirtyLimits: DirtyLimits;
  readonly #options: MachineOptions;
  readonly #ownStrategy: StrategyChoice | null;
  #nowUs = 0;
  readonly #guest = new GuestRunState((event, data) => this.#tell(event, data));
  #capabilities: ReadonlySet<string>;
  #parameters: ParameterValues;
  #migrations = 0;
  #run: OutgoingRun | null = null;
  #startUs = 0;
  #status: Status = 'none';
  #error: string | null = null;
  #totalTimeMs: number | null = null;

  constructor(options: MachineOptions) {
    const { setup } = options.scenario;
    this.#options = options;
    const { copy, copies } = options;
    this.name = copies === 1 ? options.scenario.name : `${options.scenario.name}-${copy}`;
    this.version = setup.migration.qemu;
    this.vcpuCount = setup.guest.vcpus.length;
    this.dirtyRingSize = setup.guest.dirtyRingSize;
    this.ramBytes = setup.guest.ramPages * 4096;
    const mapped = ofCapability(options.strategy);
    this.#ownStrategy = mapped === null ? options.strategy : null;
    this.#capabilities = initialCapabilities(setup, mapped?.capability);
    this.#parameters = initialParameters(this.version, {
      ...parametersOf(setup),
      ...(mapped?.parameters ?? {}),
    });
    this.dirtyRate = new DirtyRateMeter(this.version, this.dirtyRingSize > 0, (measurement) => {
      const choices = this.#choices(this.#nowUs);
      return { ...setupOf(choices, strategyOf(choices)), run: measurement * copies + copy };
    });
    this.dirtyLimits = new DirtyLimits({
      vcpuCount: this.vcpuCount,
      hasRing: this.dirtyRingSize > 0,
      running: () => this.#running,
      capabilityQuota: () => whole(this.#parameters['vcpu-dirty-limit']),
      settledRates: (settleUs) => {
        if (this.#guest.now !== 'running') return [];
        const run = startRun({ ...this.#choices(this.#nowUs), settleUs });
        run.stepped.advance(0);
        return run.byHand.rates;
      },
    });
  }

  // ------------------------------------------------------------------------------------------------ time

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Something happens as time passes: a migration, or a measurement. */
  get isBusy(): boolean {
    return RUNNING.includes(this.#status) || this.dirtyRate.isMeasuring;
  }

  /** Lets time pass to `toUs`; what happens on the way is reported as events. */
  advance(toUs: number): void {
    if (toUs > this.#nowUs) {
      this.#advanceRun(toUs);
      this.#nowUs = toUs;
    }
    this.dirtyRate.advance(this.#nowUs, this.#guest.now === 'running');
  }

  #advanceRun(toUs: number): void {
    const run = this.#run;
    if (run === null || !RUNNING.includes(this.#status)) return;
    const result = run.stepped.advance(toUs - this.#startUs);
    if (result === null) return;
    this.#totalTimeMs = result.totalTimeMs;
    if (result.status === 'completed') this.#guest.migrationCompletes();
    else this.#guest.backToSource();
  }

  // ------------------------------------------------------------------------------------------------ the guest

  get runState(): RunState {
    return this.#guest.now;
  }

  stop(): void {
    this.#guest.stop(() => this.#running?.stepped.controls.pause());
  }

  cont(): void {
    this.#guest.cont(() => this.#running?.stepped.controls.resume());
  }

  quit(): void {
    this.#guest.quit();
  }

  // ------------------------------------------------------------------------------------------------ migration

  get status(): Status {
    return this.#status;
  }

  get #running(): OutgoingRun | null {
    return RUNNING.includes(this.#status) ? this.#run : null;
  }

  get capabilities(): ReadonlySet<string> {
    return this.#capabilities;
  }

  get parameters(): ParameterValues {
    return this.#parameters;
  }

  setCapabilities(changes: readonly (readonly [string, boolean])[]): void {
    if (this.#running !== null) throw refused("There's a migration process in progress");
    this.#capabilities = withCapabilities(this.#capabilities, changes, {
      version: this.version,
      hasRing: this.dirtyRingSize > 0,
      ownStrategy: this.#ownStrategy?.label ?? null,
    });
  }

  setParameters(set: ParameterValues): void {
    const next = withParameters(this.version, this.#parameters, set);
    const cache = 'xbzrle-cache-size';
    if (this.#running !== null && next[cache] !== this.#parameters[cache] && this.#capabilities.has('xbzrle'))
      throw refused(`migsim cannot change ${cache} while a migration with xbzrle runs`);
    this.#parameters = next;
    this.#running?.stepped.controls.set(runtimeParametersOf(set));
  }

  /** qmp_migrate after its address was read. Throws `QmpError` as migrate_prepare does. */
  refuseMigrate(): void {
    if (this.#running !== null) throw refused("There's a migration process in progress");
    if (this.#guest.now === 'postmigrate')
      throw refused("Can't migrate the vm that was paused due to previous migration");
  }

  migrate(): void {
    this.refuseMigrate();
    const choices = this.#choices(this.#nowUs);
    const run = startRun(choices);
    run.stepped.watch(
      (phase) => this.#onPhase(phase),
      (runs) => this.#onRuns(runs),
    );
    run.stepped.controls.onSync(({ n }) => this.#tellMigration('MIGRATION_PASS', { pass: n }));
    run.stepped.controls.onSet((set) => this.#onSet(set));
    if (this.#guest.now === 'paused') run.stepped.controls.pause();
    this.#migrations += 1;
    this.#run = run;
    // A limit that settles first does so in the past.
    this.#startUs = this.#nowUs;
    this.#error = null;
    this.#totalTimeMs = null;
    this.#guest.migrationBegins();
    this.#setStatus('setup');
    run.stepped.advance(0);
  }

  /** An address that leads nowhere: QEMU's status is `failed` then. */
  failToStart(error: string | null): void {
    this.#run = null;
    this.#error = error;
    this.#setStatus('failed');
  }

  cancel(): void {
    if (this.#run === null || !RUNNING.includes(this.#status)) return;
    if (this.#status.startsWith('postcopy')) {
      if (isIn(this.version, { since: '10.0' }))
        throw refused('Postcopy migration in progress, cannot cancel.');
      throw refused(
        'migsim does not simulate migrate_cancel in post-copy, where QEMU before 10.0 loses the guest',
      );
    }
    this.#setStatus('cancelling');
    this.#run.stepped.controls.cancel('cancelled by the client');
  }

  startPostcopy(): void {
    if (!this.#capabilities.has('postcopy-ram'))
      throw refused('Enable postcopy with migrate_set_capability before the start of migration');
    if (this.#status === 'none') throw refused('Postcopy must be started after migration has been started');
    this.#running?.stepped.controls.startPostcopy();
  }

  continueMigration(state: string): void {
    if (this.#status !== state) throw refused(`Migration not in expected state: ${this.#status}`);
    this.#running?.stepped.controls.continueSwitchover();
  }

  pauseMigration(): void {
    if (this.#status !== 'postcopy-active')
      throw refused('migrate-pause is currently only supported during postcopy-active state');
    this.#running?.stepped.controls.pausePostcopy();
    this.#setStatus('postcopy-paused');
  }

  /** `migrate` with `resume`. Where the network is still down the new connection breaks as well. */
  resumeMigration(): void {
    const run = this.#running;
    if (this.#status !== 'postcopy-paused' || run === null)
      throw refused('Cannot resume if there is no paused migration');
    if (this.#capabilities.has('release-ram'))
      throw refused('Postcopy recovery cannot work when release-ram capability is set');
    this.#setStatus('postcopy-recover');
    if (run.stepped.seen.link.carries) run.stepped.controls.recoverPostcopy();
    else this.#setStatus('postcopy-paused');
  }

  queryMigrate(): Record<string, JsonValue> {
    return queryMigrateReply(this.version, this.#outgoing());
  }

  #outgoing(): Outgoing {
    const limiter = this.#run?.byCapability() ?? null;
    return {
      status: this.#status,
      error: this.#error,
      run: this.#run?.stepped ?? null,
      totalTimeMs: this.#totalTimeMs,
      capabilities: this.#capabilities,
      xbzrleCacheBytes: whole(this.#parameters['xbzrle-cache-size']),
      dirtyLimit:
        limiter === null ? null : { sleepUs: limiter.sleepUs, ringFullTimeUs: limiter.queryRingFullTimeUs() },
    };
  }

  #onPhase(phase: MigrationStats['status']): void {
    // A cancel is reported when it is asked for.
    if (phase === 'failed') this.#error = CONNECTION_LOST;
    if (phase !== 'active' && RUNNING.includes(phase)) this.#guest.migrationEndsPaused();
    // An outage ends, the connection stays broken until it is made again.
    if (phase === 'postcopy-paused') this.#run?.stepped.controls.pausePostcopy();
    this.#setStatus(phase);
  }

  #onRuns(runs: boolean): void {
    if (runs) this.#guest.backToSource();
    else this.#guest.migrationStops();
  }

  /** The scenario's own `migration.at` set something, or the client did. */
  #onSet(set: RuntimeParameters): void {
    const values = { ...this.#parameters };
    for (const key of keysOf(RUNTIME_NAMES)) {
      const value = set[key];
      if (value !== undefined) values[RUNTIME_NAMES[key]] = value;
    }
    this.#parameters = values;
  }

  #setStatus(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#tellMigration('MIGRATION', { status });
  }

  #choices(nowUs: number): RunChoices {
    const { scenario, memory, seed, copy, copies } = this.#options;
    return {
      scenario,
      strategy: this.#ownStrategy,
      capabilities: this.#capabilities,
      parameters: this.#parameters,
      memory,
      seed,
      run: copy + this.#migrations * copies,
      draw: copies > 1 || this.#migrations > 0,
      limits: this.dirtyLimits.quotas,
      settleUs: this.dirtyLimits.inForceUs(nowUs),
    };
  }

  // ------------------------------------------------------------------------------------------------ events

  /** Only with the capability `events`. */
  #tellMigration(event: string, data: Readonly<Record<string, JsonValue>>): void {
    if (this.#capabilities.has('events')) this.#tell(event, data);
  }

  #tell(event: string, data?: Readonly<Record<string, JsonValue>>): void {
    // A migration's clock is ahead while time passes, and stands still once it is over.
    const clockUs = this.#startUs + (this.#run?.stepped.seen.clock.nowUs ?? 0);
    const atUs = max(this.#nowUs, clockUs);
    this.#options.onEvent({ event, atUs, ...(data === undefined ? {} : { data }) });
  }
}
