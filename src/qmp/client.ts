/**
 * A client of QEMU's machine protocol (QMP): JSON objects, one per line, over a Unix socket or TCP.
 * Source: docs/interop/qmp-spec.rst of QEMU; the commands are in qapi/*.json.
 */
import { connect, type Socket } from 'node:net';
import { isMap } from '../lists.js';
import { UsageError } from '../errors.js';
import { parseQmpAddress, qmpAddressText, type QmpAddress } from './address.js';
import { LineSplitter } from './lines.js';

/** What QEMU says of itself in its greeting. */
export interface QmpVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** Of the package that a distribution made; often empty. */
  readonly package: string;
}

/** Something that happened in QEMU: STOP, RESUME, MIGRATION, MIGRATION_PASS, SHUTDOWN and so on. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Time of QEMU's host, µs since 1970; -1 where that clock failed. */
  readonly hostTimeUs: number;
}

/** QEMU refused a command: its error class and its own words. */
export class QmpCommandError extends Error {
  override readonly name = 'QmpCommandError';
  readonly command: string;
  /** `GenericError`, `CommandNotFound`, `DeviceNotActive`, `DeviceNotFound`, `KVMMissingCap`. */
  readonly errorClass: string;
  readonly description: string;

  constructor(command: string, errorClass: string, description: string) {
    super(`QEMU refused ${command}: ${description}`);
    this.command = command;
    this.errorClass = errorClass;
    this.description = description;
  }
}

/** The connection ended, or never answered. Nothing more can be asked of this client. */
export class QmpConnectionError extends UsageError {
  override readonly name = 'QmpConnectionError';
}

/** How `connectQmp` connects. */
export interface QmpConnectOptions {
  /** How long QEMU may take for its greeting and for each reply, ms; 10 s when left out. */
  readonly timeoutMs?: number;
}

/** A connection on which commands can be given. */
export interface QmpClient {
  readonly version: QmpVersion;
  /**
   * Gives a command and resolves to what it returns.
   *
   * @throws QmpCommandError when QEMU refuses it
   * @throws QmpConnectionError when the connection ends first, or nothing comes in time
   */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Calls the listener with each event from now on. */
  onEvent(listener: (event: QmpEvent) => void): void;
  /** Resolves once the connection has ended, for whatever reason. */
  readonly closed: Promise<void>;
  /** Ends the connection. QEMU goes on. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;

interface Waiting {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

type Message = Readonly<Record<string, unknown>>;

/**
 * Connects to a QMP server, waits for its greeting and leaves negotiation (`qmp_capabilities`).
 * A monitor serves one client at a time: while another one is connected, no greeting comes.
 *
 * @param address as `parseQmpAddress` takes it
 * @throws UsageError when there is no such socket, or what listens there is not QMP
 */
export async function connectQmp(address: string, options: QmpConnectOptions = {}): Promise<QmpClient> {
  const target = parseQmpAddress(address);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const socket = await open(target, timeoutMs);
  const connection = new Connection(socket, qmpAddressText(target), timeoutMs);
  try {
    await connection.greeted;
    await connection.execute('qmp_capabilities');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function open(target: QmpAddress, timeoutMs: number): Promise<Socket> {
  const where = qmpAddressText(target);
  return new Promise((resolve, reject) => {
    const socket =
      target.kind === 'unix'
        ? connect({ path: target.path })
        : connect({ host: target.host, port: target.port });
    socket.setTimeout(timeoutMs, () => {
      socket.destroy();
      reject(new QmpConnectionError(`${where}: no server accepted the connection within ${timeoutMs} ms`));
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      reject(new QmpConnectionError(`${where}: ${openingFailure(error.code)}`));
    });
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function openingFailure(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such socket; start QEMU with -qmp unix:PATH,server=on,wait=off';
    case 'ECONNREFUSED':
      return 'nothing listens there; QEMU may have ended';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not connect to it';
    case 'ENOTSOCK':
      return 'this is not a socket';
    case 'ENOTFOUND':
      return 'there is no such host';
    default:
      return `cannot connect (${code ?? 'unknown reason'})`;
  }
}

class Connection implements QmpClient {
  readonly greeted: Promise<void>;
  readonly closed: Promise<void>;
  version: QmpVersion = { major: 0, minor: 0, micro: 0, package: '' };
  readonly #socket: Socket;
  readonly #where: string;
  readonly #timeoutMs: number;
  readonly #lines = new LineSplitter();
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners: ((event: QmpEvent) => void)[] = [];
  #lastId = 0;
  #ended: QmpConnectionError | undefined;
  #onGreeting: ((error?: Error) => void) | undefined;

  constructor(socket: Socket, where: string, timeoutMs: number) {
    this.#socket = socket;
    this.#where = where;
    this.#timeoutMs = timeoutMs;
    this.greeted = this.#awaitGreeting();
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk: Uint8Array) => this.#read(chunk));
    socket.on('error', () => this.#end('the connection broke'));
    socket.on('close', () => this.#end('the connection ended'));
  }

  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new QmpConnectionError(`${this.#where}: no reply to ${command} within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      this.#waiting.set(id, { command, resolve, reject, timer });
      this.#socket.write(
        `${JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }), id })}\n`,
      );
    });
  }

  onEvent(listener: (event: QmpEvent) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#end('this client closed it');
    this.#socket.destroy();
  }

  #awaitGreeting(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#onGreeting?.(
          new QmpConnectionError(
            `${this.#where}: no QMP greeting within ${this.#timeoutMs} ms; another client may hold the monitor, or this is not QMP`,
          ),
        );
      }, this.#timeoutMs);
      this.#onGreeting = (error) => {
        clearTimeout(timer);
        this.#onGreeting = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  }

  #read(chunk: Uint8Array): void {
    for (const line of this.#lines.push(chunk)) {
      const message = 'text' in line ? parseMessage(line.text) : undefined;
      if (message === null) continue;
      if (message === undefined) return this.#notQmp();
      this.#receive(message);
    }
  }

  #notQmp(): void {
    const error = new QmpConnectionError(`${this.#where}: what listens there does not speak QMP`);
    this.#onGreeting?.(error);
    this.#end('it does not speak QMP');
    this.#socket.destroy();
  }

  #receive(message: Message): void {
    if (this.#onGreeting !== undefined) return this.#greet(message);
    if (typeof message['event'] === 'string') {
      const event = eventOf(message);
      for (const listener of this.#listeners) listener(event);
      return;
    }
    const waiting = this.#waiting.get(Number(message['id']));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(message['id']));
    clearTimeout(waiting.timer);
    if ('error' in message) waiting.reject(errorOf(waiting.command, message['error']));
    else waiting.resolve(message['return']);
  }

  #greet(message: Message): void {
    const version = versionOf(message);
    if (version === undefined) return this.#notQmp();
    this.version = version;
    this.#onGreeting?.();
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = new QmpConnectionError(`${this.#where}: ${reason}; a new connection is needed`);
    this.#onGreeting?.(this.#ended);
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#ended);
    }
    this.#waiting.clear();
  }
}

/** The object of a line; null for an empty line, undefined for what is not an object. */
function parseMessage(text: string): Message | null | undefined {
  if (text.trim() === '') return null;
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function versionOf(message: Message): QmpVersion | undefined {
  const qmp = message['QMP'];
  const version = isMap(qmp) ? qmp['version'] : undefined;
  const qemu = isMap(version) ? version['qemu'] : undefined;
  if (!isMap(version) || !isMap(qemu)) return undefined;
  const part = (key: string): number => (typeof qemu[key] === 'number' ? qemu[key] : 0);
  const packaged = version['package'];
  return {
    major: part('major'),
    minor: part('minor'),
    micro: part('micro'),
    package: typeof packaged === 'string' ? packaged : '',
  };
}

function eventOf(message: Message): QmpEvent {
  const { data, timestamp } = message;
  const at = isMap(timestamp) ? timestamp : {};
  const seconds = typeof at['seconds'] === 'number' ? at['seconds'] : -1;
  const micros = typeof at['microseconds'] === 'number' ? at['microseconds'] : -1;
  return {
    event: String(message['event']),
    data: isMap(data) ? data : {},
    hostTimeUs: seconds < 0 || micros < 0 ? -1 : seconds * 1e6 + micros,
  };
}

function errorOf(command: string, error: unknown): QmpCommandError {
  const { class: errorClass, desc } = isMap(error) ? error : {};
  return new QmpCommandError(
    command,
    typeof errorClass === 'string' ? errorClass : 'GenericError',
    typeof desc === 'string' ? desc : 'no reason given',
  );
}
