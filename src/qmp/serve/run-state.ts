/** Whether the guest runs, as QEMU's RunState has it, and the events that report it. */
import { refused } from './errors.js';
import type { JsonValue } from './json/parser.js';

export type RunState = 'running' | 'paused' | 'finish-migrate' | 'postmigrate' | 'shutdown';

type Tell = (event: string, data?: Readonly<Record<string, JsonValue>>) => void;

export class GuestRunState {
  readonly #tell: Tell;
  #now: RunState = 'running';
  /** The migration stopped the guest, which ran before. */
  #hasStopped = false;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  get now(): RunState {
    return this.#now;
  }

  /** QMP `stop`; `pause` reaches the migration under way. */
  stop(pause: () => void): void {
    if (this.#now !== 'running') return;
    this.#now = 'paused';
    this.#tell('STOP');
    pause();
  }

  /** QMP `cont`, likewise. Throws `QmpError` while a migration ends. */
  cont(resume: () => void): void {
    if (this.#now === 'finish-migrate') throw refused('Migration is not finalized yet');
    if (this.#now === 'running') return;
    this.#now = 'running';
    resume();
    this.#tell('RESUME');
  }

  quit(): void {
    this.#tell('SHUTDOWN', { guest: false, reason: 'host-qmp-quit' });
    this.#now = 'shutdown';
  }

  migrationBegins(): void {
    this.#hasStopped = false;
  }

  /** A migration goes on with a guest that was paused before its end. */
  migrationEndsPaused(): void {
    if (this.#now === 'paused') this.#now = 'finish-migrate';
  }

  migrationStops(): void {
    if (this.#now !== 'running') return;
    this.#hasStopped = true;
    this.#now = 'finish-migrate';
    this.#tell('STOP');
  }

  migrationCompletes(): void {
    this.#now = 'postmigrate';
  }

  /** migration.c:migration_iteration_finish: a guest that ran before runs again at the source. */
  backToSource(): void {
    if (this.#now !== 'finish-migrate') return;
    this.#now = this.#hasStopped ? 'running' : 'paused';
    if (this.#hasStopped) this.#tell('RESUME');
  }
}
