/**
 * A QEMU that does not exist: QMP sockets behind which scenarios are migrated in simulated time. For the tests of programs
 * that drive migrations.
 */
import { UsageError } from '../../errors.js';
import { isNonEmpty, nth } from '../../lists.js';
import { loadScenario } from '../../scenario/load.js';
import type { Scenario, StrategyChoice } from '../../scenario/scenario.js';
import { choosePolicy, chooseStrategy } from '../../experiment/choice.js';
import { refuseImpossible } from '../../experiment/simulate.js';
import { parseQmpAddress, PORT_LIMIT, type QmpAddress, qmpAddressText } from '../address.js';
import { JsonReader } from './json/reader.js';
import { Listener, type Client, type Handler } from './listener.js';
import { Machine, type MachineEvent } from './machine.js';
import { Session } from './monitor.js';
import { askedPace, clockPace, type Pace } from './pace.js';

/** How `serveQmp` serves. */
export interface ServeQmpOptions {
  /** A scenario, or the path of its file. */
  readonly scenario: Scenario | string;
  /**
   * Where to listen, as `parseQmpAddress` takes it. Several are several monitors of the same guest, each for one client at a
   * time. With `copies`, guest 3 listens at `/run/x-3.sock` where this says `/run/x.sock`, and two ports above that of guest 1.
   */
  readonly listen: string | readonly string[];
  /**
   * How many times faster than the clock simulated time passes, more than 0; 1 when left out. `as-fast-as-asked`: time stands
   * still until a client asks a question (query-migrate, query-status, query-dirty-rate, query-vcpu-dirty-limit) again; then
   * `stepMs` go by.
   */
  readonly speed?: number | 'as-fast-as-asked';
  /** With `as-fast-as-asked`, ms: more than 0, an hour at most; 1000 when left out. */
  readonly stepMs?: number;
  /** Guests of this scenario, each with random streams of its own; 1 when left out. */
  readonly copies?: number;
  /**
   * What the simulated QEMU does by itself, by name. When left out, the only strategy that the scenario lists, else none.
   * Auto-converge and dirty-limit are capabilities that a client can switch.
   */
  readonly strategy?: string | StrategyChoice;
  /** `page` draws every write, `fluid` counts them; `page` when left out. */
  readonly memory?: 'page' | 'fluid';
  /** Unsigned 32-bit; 1 when left out. */
  readonly seed?: number;
  /** TCP addresses other than those of this machine itself; false when left out. */
  readonly allowRemote?: boolean;
  /** Called with what its user should know: a client that was dropped, a simulation that is too slow. */
  readonly onNotice?: (text: string) => void;
  /** A clock in ms, and µs since 1970 at its beginning: for tests. */
  readonly clock?: {
    /** Time since any instant, ms; never falls. */
    readonly nowMs: () => number;
    /** Time of day at the start, µs since 1970. */
    readonly epochUs: number;
  };
}

/** Sockets that are listened at. */
export interface QmpServer {
  /** As `connectQmp` takes them: all monitors of guest 1, then those of guest 2 and so on. */
  readonly addresses: readonly string[];
  /** Resolves once all guests have quit, or after `close`; rejects where a strategy of one's own went wrong. */
  readonly closed: Promise<void>;
  /** Ends all connections and removes the sockets. */
  close(): Promise<void>;
}

/** A client whose unread replies and events grow beyond this is dropped, bytes. */
const MOST_UNREAD_BYTES = 4 * 2 ** 20;
const TICK_MS = 20;
const MOST_COPIES = 1000;
/** A step is computed at once: an hour. */
const LONGEST_STEP_MS = 3_600_000;

/**
 * Serves QMP as the simulated guest's QEMU of that version would.
 *
 * @throws UsageError when the scenario has a mistake, or an address cannot be listened at
 */
export async function serveQmp(options: ServeQmpOptions): Promise<QmpServer> {
  const scenario = typeof options.scenario === 'string' ? loadScenario(options.scenario) : options.scenario;
  const { copies = 1, onNotice = () => undefined } = options;
  if (!Number.isInteger(copies) || copies < 1 || copies > MOST_COPIES)
    throw new UsageError(`expected 1 to ${MOST_COPIES} copies, got ${copies}`);
  const listen = typeof options.listen === 'string' ? [options.listen] : options.listen;
  if (options.allowRemote === true && listen.every((text) => parseQmpAddress(text).kind === 'unix'))
    throw new UsageError('--allow-remote is for TCP; expected an address such as --listen tcp:0.0.0.0:4444');
  const addresses = listen.map((text) => allowed(parseQmpAddress(text), options.allowRemote === true));
  if (!isNonEmpty(addresses))
    throw new UsageError('no address to listen at; expected one, such as unix:/run/x.sock');
  const strategy = strategyFor(scenario, options.strategy);
  refuseImpossible(scenario, strategy === null ? [] : [strategy], { policy: choosePolicy('wait') });
  const makePace = pacesOf(options, onNotice);
  const guests = Array.from({ length: copies }, (_, index) => {
    const pace = makePace();
    const machine = new SimulatedGuest({
      scenario,
      strategy,
      options,
      pace,
      onNotice,
      copy: index + 1,
      copies,
    });
    return { machine, own: addresses.map((address) => ofCopy(address, index + 1, copies)) };
  });
  return await listenAll(guests);
}

interface GuestAt {
  readonly machine: SimulatedGuest;
  readonly own: readonly QmpAddress[];
}

async function listenAll(guests: readonly GuestAt[]): Promise<QmpServer> {
  const close = async (): Promise<void> => {
    await Promise.allSettled(guests.map(({ machine }) => machine.close()));
  };
  try {
    for (const { machine, own } of guests) for (const address of own) await machine.listen(address);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    addresses: guests.flatMap(({ own }) => own.map(qmpAddressText)),
    closed: Promise.all(guests.map(({ machine }) => machine.closed)).then(() => undefined),
    close,
  };
}

interface GuestOptions {
  readonly scenario: Scenario;
  readonly strategy: StrategyChoice | null;
  readonly options: ServeQmpOptions;
  readonly pace: Pace;
  readonly onNotice: (text: string) => void;
  readonly copy: number;
  readonly copies: number;
}

/** One guest, its monitors and their clients. */
class SimulatedGuest {
  readonly closed: Promise<void>;
  readonly #machine: Machine;
  readonly #pace: Pace;
  readonly #onNotice: (text: string) => void;
  readonly #listeners: Listener[] = [];
  readonly #clients = new Map<Session, Client>();
  readonly #timer: NodeJS.Timeout;
  #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;
  #isClosing = false;

  constructor({ scenario, strategy, options, pace, onNotice, copy, copies }: GuestOptions) {
    const { memory = 'page', seed = 1 } = options;
    const onEvent = (event: MachineEvent): void => this.#tell(event);
    this.#machine = new Machine({ scenario, strategy, memory, seed, copy, copies, onEvent });
    this.#pace = pace;
    this.#onNotice = onNotice;
    this.closed = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.closed.catch(() => undefined);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  async listen(address: QmpAddress): Promise<void> {
    const listener = new Listener(address, (client) => this.#open(client, qmpAddressText(address)));
    await listener.listen();
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    if (this.#isClosing) return await this.closed;
    await this.#end();
    this.#settle?.resolve();
  }

  async #end(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#timer);
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  #tick(): void {
    try {
      if (this.#machine.isBusy) this.#pace.tick(this.#machine);
    } catch (error) {
      void this.#fail(error);
    }
  }

  /** A defect, or a strategy of the user's own that went wrong: the guest is gone. */
  async #fail(error: unknown): Promise<void> {
    if (this.#isClosing) return;
    await this.#end();
    this.#settle?.reject(error);
  }

  #open(client: Client, where: string): Handler {
    const reader = new JsonReader();
    let isDropped = false;
    const session = new Session({
      machine: this.#machine,
      hostTimeUs: (us) => this.#pace.epochUs + us,
      beforeCommand: (who, name, polls) => this.#pace.beforeCommand(this.#machine, who, name, polls),
      send: (text) => {
        if (isDropped) return;
        client.send(text);
        if (client.backlog <= MOST_UNREAD_BYTES) return;
        isDropped = true;
        this.#onNotice(`${where}: dropped a client that does not read`);
        client.destroy();
      },
    });
    this.#clients.set(session, client);
    return {
      data: async (chunk) => {
        try {
          for (const found of reader.push(chunk)) {
            session.take(found);
            const draining = client.drained();
            if (draining !== undefined) await draining;
          }
          if (this.#machine.runState === 'shutdown') await this.close();
        } catch (error) {
          await this.#fail(error);
        }
      },
      closed: () => void this.#clients.delete(session),
    };
  }

  #tell(event: MachineEvent): void {
    for (const session of this.#clients.keys()) session.tell(event);
  }
}

function allowed(address: QmpAddress, allowRemote: boolean): QmpAddress {
  if (address.kind === 'unix' || allowRemote) return address;
  if (/^(?:localhost|127(?:\.\d+){3}|::1)$/.test(address.host)) return address;
  throw new UsageError(
    `${qmpAddressText(address)} can be reached from other machines; expected localhost, or --allow-remote`,
  );
}

/** Guest 3 of several: `x.sock` becomes `x-3.sock`, and the port is two higher than that of guest 1. */
function ofCopy(address: QmpAddress, copy: number, copies: number): QmpAddress {
  if (copies === 1) return address;
  if (address.kind === 'tcp') {
    const port = address.port + copy - 1;
    if (port <= PORT_LIMIT) return { ...address, port };
    throw new UsageError(
      `${copies} copies need ports up to ${address.port + copies - 1}, and ${PORT_LIMIT} is the last; expected a lower port`,
    );
  }
  const dot = /\.[^./]*$/.exec(address.path)?.index ?? address.path.length;
  return parseQmpAddress(`unix:${address.path.slice(0, dot)}-${copy}${address.path.slice(dot)}`);
}

function strategyFor(scenario: Scenario, given: ServeQmpOptions['strategy']): StrategyChoice | null {
  const chosen = typeof given === 'string' ? chooseStrategy(given) : (given ?? onlyOne(scenario.strategies));
  return chosen?.definition.name === 'none' ? null : chosen;
}

function onlyOne(strategies: readonly StrategyChoice[]): StrategyChoice | null {
  return strategies.length === 1 ? nth(strategies, 0) : null;
}

/** Each guest has its own, from the same instant on. */
function pacesOf(options: ServeQmpOptions, onNotice: (text: string) => void): () => Pace {
  const { speed = 1, stepMs = 1000, clock } = options;
  if (speed === 'as-fast-as-asked') {
    if (!(stepMs > 0 && stepMs <= LONGEST_STEP_MS))
      throw new UsageError(`expected a step of more than 0 and at most ${LONGEST_STEP_MS} ms, got ${stepMs}`);
    return () => askedPace(stepMs * 1000);
  }
  if (!(speed > 0 && Number.isFinite(speed)))
    throw new UsageError(`expected a speed of more than 0, got ${speed}`);
  const { nowMs, epochUs } = clock ?? {
    nowMs: () => performance.now(),
    epochUs: (performance.timeOrigin + performance.now()) * 1000,
  };
  let isLate = false;
  const onLate = (): void => {
    if (!isLate) onNotice('the simulation is slower than that speed; time passes as it can be computed');
    isLate = true;
  };
  const startMs = nowMs();
  return () => clockPace(() => nowMs() - startMs, speed, epochUs, options.copies ?? 1, onLate);
}
