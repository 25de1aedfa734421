/** A stand-in and a client of it, in one process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseScenario } from '../../src/scenario/parse.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { type QmpServer, serveQmp, type ServeQmpOptions } from '../../src/qmp/serve/serve.js';

/** A small guest whose migration is over in a few simulated seconds, unless it writes too fast. */
export function smallGuest(
  migration = '',
  write = '20MiB/s',
  rest = '',
  guest = '',
  qemu = '10.0',
  link = '',
): Scenario {
  return parseScenario(
    `guest: { memory: 256MiB, ${guest} vcpus: [{ count: 2, workload: { write: ${write}, working-set: 40MiB } }] }
link: { bandwidth: 2Gbit/s, ${link} }
migration: { qemu: '${qemu}', max-bandwidth: 64MiB/s, downtime-limit: 300ms, ${migration} }
${rest}`,
    'guest.yaml',
  );
}

export interface Message {
  readonly [key: string]: unknown;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Bytes in, messages out, nothing added: tests see what a monitor really says. */
export class RawClient {
  text = '';
  readonly socket: Socket;
  readonly ended: Promise<void>;
  #seen = 0;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (chunk: string) => {
      this.text += chunk;
      this.#wake?.();
    });
    this.ended = new Promise((resolve) =>
      socket.once('close', () => {
        this.#wake?.();
        resolve();
      }),
    );
  }

  /** The next message; undefined once the connection has ended. */
  async next(): Promise<Message | undefined> {
    for (;;) {
      const end = this.text.indexOf('\n', this.#seen);
      if (end >= 0) {
        const line = this.text.slice(this.#seen, end);
        this.#seen = end + 1;
        return JSON.parse(line) as Message;
      }
      if (this.socket.closed) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Sends a text and returns the next reply; events before it go to `events`. */
  async ask(text: string | Uint8Array, events: Message[] = []): Promise<Message> {
    this.socket.write(text);
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error('the connection has ended');
      if (message.event === undefined) return message;
      events.push(message);
    }
  }

  async execute(command: string, args?: unknown, events: Message[] = []): Promise<Message> {
    return await this.ask(`${JSON.stringify({ execute: command, arguments: args })}\n`, events);
  }
}

export async function rawClient(address: string): Promise<RawClient> {
  const socket = connect(address.replace(/^unix:/, ''));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return new RawClient(socket);
}

/** One that is ready for commands. */
export async function negotiated(address: string): Promise<RawClient> {
  const client = await rawClient(address);
  await client.next();
  await client.execute('qmp_capabilities');
  return client;
}

/** Calls `use` with a server in a folder of its own, and ends it. */
export async function standingIn(
  options: Partial<ServeQmpOptions>,
  use: (server: QmpServer, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'migsim-standin-'));
  const server = await serveQmp({
    scenario: smallGuest(),
    listen: join(folder, 'x.sock'),
    speed: 'as-fast-as-asked',
    memory: 'fluid',
    ...options,
  });
  try {
    await use(server, folder);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
}
