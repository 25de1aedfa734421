/** A QMP server that answers by a table: for situations in which no QEMU of this machine is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LineSplitter } from '../../src/qmp/lines.js';

export type Args = Readonly<Record<string, unknown>>;
/** What a command returns. Throw a `Refusal` for an error; a command that is not in the table is not known. */
export type Answers = Readonly<Record<string, unknown>>;

export class Refusal extends Error {
  readonly errorClass: string;

  constructor(message: string, errorClass = 'GenericError') {
    super(message);
    this.errorClass = errorClass;
  }
}

export class FakeQemu {
  readonly asked: { readonly execute: string; readonly arguments?: Args }[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'migsim-fake-'));
  readonly socket = join(this.#folder, 'qmp.sock');
  readonly #sockets = new Set<Socket>();
  readonly #whenLeft: (() => void)[] = [];
  readonly #server: Server;

  constructor(version: readonly [number, number, number], answers: Answers) {
    const [major, minor, micro] = version;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        for (const told of this.#whenLeft.splice(0)) told();
      });
      socket.on('error', () => undefined);
      socket.write(
        `${JSON.stringify({ QMP: { version: { qemu: { major, minor, micro }, package: '' }, capabilities: [] } })}\n`,
      );
      const lines = new LineSplitter();
      socket.on('data', (chunk: Uint8Array) => {
        for (const line of lines.push(chunk)) if ('text' in line) this.#answer(line.text, socket, answers);
      });
    });
  }

  async ready(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.socket, resolve));
    return this;
  }

  send(message: unknown): void {
    for (const socket of this.#sockets) socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Resolves once no client is connected. */
  async left(): Promise<void> {
    while (this.#sockets.size > 0) await new Promise<void>((resolve) => this.#whenLeft.push(resolve));
  }

  /** Ends all connections, as QEMU does when it quits. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true });
  }

  #answer(text: string, socket: Socket, answers: Answers): void {
    const { id, ...command } = JSON.parse(text) as { id: number; execute: string; arguments?: Args };
    this.asked.push(command);
    const reply = (message: object): void => void socket.write(`${JSON.stringify({ ...message, id })}\n`);
    if (command.execute === 'qmp_capabilities') return reply({ return: {} });
    const answer = answers[command.execute];
    try {
      if (answer === undefined)
        throw new Refusal(`The command ${command.execute} has not been found`, 'CommandNotFound');
      const value: unknown = typeof answer === 'function' ? answer(command.arguments ?? {}) : answer;
      reply({ return: value });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reply({ error: { class: error.errorClass, desc: error.message } });
    }
  }
}
