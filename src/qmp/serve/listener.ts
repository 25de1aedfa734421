/** A socket that serves one client at a time, as a monitor of QEMU does: the others wait for its end. */
import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { UsageError, errorCode } from '../../errors.js';
import { linkStatusOf, statusOf } from '../../files.js';
import { type QmpAddress, qmpAddressText } from '../address.js';

/** One connection: text goes out, bytes come in, until it ends. */
export interface Client {
  send(text: string): void;
  /** What waits to be read by the client, bytes. */
  readonly backlog: number;
  /** Resolves once more may be sent: at once, unless the client is slow to read. */
  drained(): Promise<void> | undefined;
  destroy(): void;
}

export interface Handler {
  /** Bytes came in. Resolves once the next ones may come. */
  data(chunk: Uint8Array): Promise<void>;
  closed(): void;
}

/** Beyond the one that is served; more are turned away. */
const MOST_WAITING = 16;

export class Listener {
  readonly address: QmpAddress;
  readonly #onClient: (client: Client) => Handler;
  readonly #server: Server;
  readonly #waiting: Socket[] = [];
  #current: Socket | null = null;

  constructor(address: QmpAddress, onClient: (client: Client) => Handler) {
    this.address = address;
    this.#onClient = onClient;
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#admit(socket));
  }

  /** @throws UsageError when it cannot be listened there */
  async listen(): Promise<void> {
    if (this.address.kind === 'unix') await freePath(this.address.path);
    try {
      await this.#bind();
    } catch (error) {
      throw new UsageError(`cannot listen at ${qmpAddressText(this.address)}: ${reasonOf(error)}`);
    }
  }

  /** Ends its clients. The socket's file goes with it. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of [...this.#waiting.splice(0), this.#current]) socket?.destroySoon();
    await closed;
  }

  async #bind(): Promise<void> {
    const { address } = this;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const done = (): void => {
        this.#server.off('error', reject);
        resolve();
      };
      if (address.kind === 'tcp') this.#server.listen(address.port, address.host, done);
      else inPrivate(() => this.#server.listen(address.path, done), address.path);
    });
  }

  #admit(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#current === null) return this.#serve(socket);
    if (this.#waiting.length >= MOST_WAITING) return void socket.destroy();
    this.#waiting.push(socket);
  }

  #serve(socket: Socket): void {
    this.#current = socket;
    const client: Client = {
      send: (text) => void (socket.writable && socket.write(text)),
      get backlog() {
        return socket.writableLength;
      },
      drained: () => (socket.writableNeedDrain ? drained(socket) : undefined),
      destroy: () => void socket.destroy(),
    };
    const handler = this.#onClient(client);
    socket.on('data', (chunk: Uint8Array) => {
      socket.pause();
      void handler.data(chunk).then(() => {
        if (!socket.destroyed) socket.resume();
      });
    });
    socket.on('close', () => {
      handler.closed();
      this.#current = null;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#serve(next);
    });
    socket.resume();
  }
}

/** Resolves when what was written to it has left, or no longer can. */
export function drained(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

/**
 * Binds a Unix socket that only its owner may connect to: the umask of this moment makes the file so. In a worker thread,
 * which has no umask of its own to set, the mode is changed as soon as it is bound.
 */
function inPrivate(bind: () => void, path: string): void {
  let before: number;
  try {
    before = process.umask(0o177);
  } catch {
    bind();
    return chmodSync(path, 0o600);
  }
  try {
    bind();
  } finally {
    process.umask(before);
  }
}

/** Nothing may be there but a socket without a listener, which is removed. Throws `UsageError`. */
async function freePath(path: string): Promise<void> {
  if (statusOf(dirname(path))?.isDirectory() !== true)
    throw new UsageError(`${dirname(path)} is not a folder; expected one in which ${path} can be made`);
  const found = linkStatusOf(path);
  if (found === undefined) return;
  if (!found.isSocket())
    throw new UsageError(
      `${path} is no socket; expected a path at which nothing is, and nothing was changed`,
    );
  if (await answers(path))
    throw new UsageError(`something listens at ${path} already; expected a path that is not in use`);
  unlinkSync(path);
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  return await new Promise<boolean>((resolve, reject) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', (error) => {
      if (errorCode(error) === 'ECONNREFUSED') resolve(false);
      else reject(new UsageError(`cannot listen at ${path}: ${reasonOf(error)}`));
    });
  }).finally(() => void socket.destroy());
}

function reasonOf(error: unknown): string {
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return 'the address is in use';
    case 'EACCES':
    case 'EPERM':
      return 'it is not allowed';
    case 'ENOENT':
      return 'there is no such folder';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine has no such address';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
