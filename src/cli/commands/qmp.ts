/** `migsim qmp`: a QEMU that does not exist, for the tests of programs that drive migrations. */
import { UsageError } from '../../errors.js';
import type { QmpServer } from '../../qmp/serve/serve.js';
import { defineOptions, type Command, type Given } from '../command.js';
import { EXIT, leave } from '../exit.js';
import {
  experimentOptions,
  readMemory,
  readScenario,
  readSeed,
  readStrategy,
  scenarioFile,
} from '../options/experiment-options.js';
import { read } from '../options/values.js';

const AS_ASKED = 'as-fast-as-asked';
const MOST_COPIES = 1000;

const options = defineOptions({
  listen: {
    kind: 'text',
    summary: 'unix:/run/x.sock, a path, or tcp:localhost:4444; repeatable, each for one client at a time',
    value: 'ADDRESS',
    repeatable: true,
  },
  speed: {
    kind: 'text',
    summary: `Times faster than the clock; ${AS_ASKED}: time passes only as clients ask`,
    value: 'FACTOR',
    default: '1',
    completions: () => [AS_ASKED],
  },
  step: {
    kind: 'duration',
    max: '1h',
    summary: `With --speed ${AS_ASKED}: time from one answer of a question to the next`,
    value: 'TIME',
    default: '1s',
  },
  copies: {
    kind: 'count',
    min: 1,
    max: MOST_COPIES,
    default: 1,
    summary: 'Guests, each with sockets of its own: x.sock becomes x-1.sock, x-2.sock, ...',
    value: 'N',
  },
  strategy: {
    ...experimentOptions.strategy,
    summary: 'What QEMU does by itself, as a name, "name: {option: value}" or ./file.js',
  },
  memory: {
    ...experimentOptions.memory,
    summary: 'Memory model: page (exact, as auto) or fluid (fast, for large or many guests)',
  },
  seed: experimentOptions.seed,
  set: experimentOptions.set,
  'allow-remote': { kind: 'flag', summary: 'Take TCP addresses that other machines can reach' },
});

export const qmpCommand: Command = {
  positional: scenarioFile,
  options,
  hearsSignals: true,
  examples: [
    ['qmp guest.yaml --listen unix:/run/x.sock', 'a guest in step with the clock'],
    ['qmp guest.yaml --listen x.sock --speed 10', 'ten times faster'],
    [`qmp guest.yaml --listen x.sock --speed ${AS_ASKED}`, 'the same answers each time'],
    ['qmp guest.yaml --listen x.sock --copies 50', '50 guests, x-1.sock to x-50.sock'],
  ],
  async run(given) {
    const listen = given.values('listen');
    if (listen.length === 0) throw new UsageError('qmp needs an address: --listen unix:/run/x.sock');
    const scenario = await readScenario(given);
    const { serveQmp } = await import('../../qmp/serve/serve.js');
    const { label } = scenario.policy;
    if (label !== 'wait') given.warn(`the client decides in place of the policy ${label}`);
    const text = given.value('strategy');
    const server = await serveQmp({
      scenario,
      listen,
      speed: readSpeed(given),
      stepMs: readStep(given),
      copies: read(given, options, 'copies'),
      ...(text === undefined ? {} : { strategy: await readStrategy(text, scenario) }),
      memory: readMemory(given),
      seed: readSeed(given),
      allowRemote: given.flag('allow-remote'),
      onNotice: given.warn,
    });
    await untilEnded(given, server);
  },
};

function readSpeed(given: Given): number | typeof AS_ASKED {
  const text = given.value('speed');
  if (text === AS_ASKED) return AS_ASKED;
  const speed = Number(text);
  if (speed > 0 && speed < Infinity) return speed;
  throw new UsageError(`--speed: expected a number above 0, or ${AS_ASKED}; got ${JSON.stringify(text)}`);
}

function readStep(given: Given): number {
  if (given.has('step') && given.value('speed') !== AS_ASKED)
    throw new UsageError(`--step goes with --speed ${AS_ASKED}: otherwise time passes by the clock`);
  return read(given, options, 'step') / 1000;
}

/** Until all guests have quit, or a signal arrives. */
async function untilEnded(given: Given, server: QmpServer): Promise<void> {
  let stopped: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    stopped ??= signal;
    void server.close();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    for (const address of server.addresses) given.print(`listening at ${address}\n`);
    await server.closed;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
  if (stopped !== undefined) leave(stopped === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
}
