/** Real QEMU processes with a QMP socket, for tests that hold migsim against them. TCG, so that no KVM is needed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = '/usr/bin/qemu-system-x86_64';

/** null when it is not installed. */
export const QEMU = existsSync(PROGRAM) ? PROGRAM : null;
/** Title of the `test.todo` that stands for the tests that need it. */
export const NEEDS_QEMU = 'real QEMU: needs qemu-system-x86 (apt-get install qemu-system-x86)';

export class Qemu {
  readonly socket: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  /** @param words beyond `-accel tcg -machine pc`, no display, and QMP on `socket` */
  constructor(words: readonly string[] = []) {
    this.#folder = mkdtempSync(join(tmpdir(), 'migsim-qemu-'));
    this.socket = join(this.#folder, 'qmp.sock');
    const common = ['-accel', 'tcg', '-machine', 'pc', '-nodefaults', '-display', 'none'];
    const qmp = ['-qmp', `unix:${this.socket},server=on,wait=off`];
    this.#process = spawn(PROGRAM, [...common, ...qmp, ...words], { stdio: 'ignore' });
    this.#ended = new Promise((resolve) => this.#process.once('exit', () => resolve()));
  }

  /** Resolves once the monitor can be reached. */
  async ready(): Promise<this> {
    while (!(await this.#listens()) && this.#process.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this;
  }

  /** The socket is there before QEMU listens at it. */
  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.socket, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
