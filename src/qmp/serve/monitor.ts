/** One client of a monitor: greeting, negotiation, commands, replies and events, as docs/interop/qmp-spec.rst has them. */
import { UsageError } from '../../errors.js';
import { commandNamed, versionOf, type QmpCommand } from './commands.js';
import { QmpError, refused, type QmpErrorClass } from './errors.js';
import type { JsonFound } from './json/reader.js';
import { textOf, type JsonValue } from './json/parser.js';
import { jsonText } from './json/text.js';
import type { Machine, MachineEvent } from './machine.js';
import { checkArguments, enumOf, isObject, listOf, optional } from './qapi.js';

/** What a session needs of the world around it. */
export interface Surroundings {
  readonly machine: Machine;
  /** Time of the host at an instant of the machine, µs since 1970. */
  hostTimeUs(machineUs: number): number;
  /** A command is about to be carried out; `polls`: it asks for something that changes with time. */
  beforeCommand(session: Session, name: string, polls: boolean): void;
  send(text: string): void;
}

const notFound = (words: string): QmpError => new QmpError('CommandNotFound', words);

/** A command's members apart from `arguments` and `id`. */
interface Request {
  readonly name: string;
  readonly isOob: boolean;
  readonly args: Readonly<Record<string, JsonValue>>;
}

export class Session {
  readonly #around: Surroundings;
  #isNegotiated = false;
  #allowsOob = false;

  constructor(around: Surroundings) {
    this.#around = around;
    const version = versionOf(around.machine.version);
    this.#send({ QMP: { version, capabilities: ['oob'] } });
  }

  /** A value, or what was no JSON. */
  take(found: JsonFound): void {
    if ('error' in found) return this.#fail('GenericError', found.error, undefined);
    const { value } = found;
    const id = isObject(value) && Object.hasOwn(value, 'id') ? value['id'] : undefined;
    try {
      const result = this.#execute(this.#read(value));
      this.#send({ return: result ?? {}, ...(id === undefined ? {} : { id }) });
    } catch (error) {
      // What a simulation refuses, such as values that were drawn and do not go together.
      if (error instanceof UsageError) this.#fail('GenericError', `migsim: ${error.message}`, id);
      else if (error instanceof QmpError) this.#fail(error.errorClass, error.message, id);
      else throw error;
    }
  }

  /** Nothing before the negotiation. */
  tell({ event, atUs, data }: MachineEvent): void {
    if (!this.#isNegotiated) return;
    const us = Math.round(this.#around.hostTimeUs(atUs));
    const seconds = Math.floor(us / 1e6);
    this.#send({
      timestamp: { seconds, microseconds: us - seconds * 1e6 },
      event,
      ...(data === undefined ? {} : { data }),
    });
  }

  /** qmp_dispatch_check_obj: members in the order in which they were written. */
  #read(value: JsonValue): Request {
    if (!isObject(value)) throw refused('QMP input must be a JSON object');
    let key: string | undefined;
    for (const [name, member] of Object.entries(value)) {
      const isCommand = name === 'execute' || (name === 'exec-oob' && this.#allowsOob);
      if (isCommand) {
        if (typeof member !== 'string') throw refused(`QMP input member '${name}' must be a string`);
        if (key !== undefined) throw refused(`QMP input member '${name}' clashes with '${key}'`);
        key = name;
      } else if (name === 'arguments') {
        if (!isObject(member)) throw refused("QMP input member 'arguments' must be an object");
      } else if (name !== 'id') throw refused(`QMP input member '${name}' is unexpected`);
    }
    if (key === undefined) throw refused("QMP input lacks member 'execute'");
    const args = value['arguments'];
    return { name: textOf(value[key]), isOob: key === 'exec-oob', args: isObject(args) ? args : {} };
  }

  #execute(request: Request): JsonValue | undefined {
    const { machine } = this.#around;
    const { name, isOob, args } = request;
    if (name === 'qmp_capabilities') return this.#negotiate(args);
    if (!this.#isNegotiated) throw notFound("Expecting capabilities negotiation with 'qmp_capabilities'");
    const command = commandNamed(name, machine.version);
    if (command === undefined) throw notFound(`The command ${name} has not been found`);
    if (isOob && command.oob !== true) throw refused(`The command ${name} does not support OOB`);
    checkArguments(membersOf(command, machine), args);
    this.#around.beforeCommand(this, name, command.polls === true);
    return command.run(machine, args);
  }

  #negotiate(args: Request['args']): undefined {
    if (this.#isNegotiated) throw notFound('Capabilities negotiation is already complete, command ignored');
    checkArguments({ enable: optional(listOf(enumOf(['oob']))) }, args);
    const { enable } = args;
    this.#allowsOob = Array.isArray(enable) && enable.includes('oob');
    this.#isNegotiated = true;
    return undefined;
  }

  #fail(errorClass: QmpErrorClass, desc: string, id: JsonValue | undefined): void {
    this.#send({ error: { class: errorClass, desc }, ...(id === undefined ? {} : { id }) });
  }

  #send(message: unknown): void {
    this.#around.send(`${jsonText(message)}\r\n`);
  }
}

function membersOf(
  command: QmpCommand,
  { version }: Machine,
): ReturnType<NonNullable<QmpCommand['members']>> {
  return command.members?.(version) ?? {};
}
