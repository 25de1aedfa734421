/** How migsim ends: exit statuses, and what is said on stderr. */
import { undoUnfinished } from '../files.js';
import { keysOf } from '../lists.js';
import { ExpectationError, NoRemedyError, UsageError, thrownText, visibleControls } from '../errors.js';
import type { Output } from './terminal.js';

export const EXIT = {
  done: 0,
  /** A stated requirement did not hold. */
  expectation: 1,
  /** Wrong usage, or a scenario with a mistake. */
  usage: 2,
  /** `advise`: no remedy keeps what is wanted. */
  noRemedy: 3,
  /** A defect of migsim: EX_SOFTWARE of sysexits.h. */
  defect: 70,
  /** 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
  /** The same for SIGTERM. */
  terminated: 143,
} as const;

export interface Ending {
  readonly status: number;
  /** For stderr; ends with a line break. */
  readonly message: string;
}

/** A line for each thing that the user can mend; a defect keeps its stack. */
export function endingOf(error: unknown): Ending {
  if (error instanceof UsageError) {
    const who = error.place === undefined ? 'migsim: ' : '';
    return { status: EXIT.usage, message: `${who}${visibleControls(error.message)}\n${stackOf(error)}` };
  }
  if (error instanceof ExpectationError || error instanceof NoRemedyError) {
    const status = error instanceof NoRemedyError ? EXIT.noRemedy : EXIT.expectation;
    // Where the output says it already, nothing is left to be said.
    return { status, message: error.message === '' ? '' : `${visibleControls(error.message)}\n` };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : thrownText(error);
  return {
    status: EXIT.defect,
    message: `migsim: internal error, a defect of migsim\n${visibleControls(stack)}\n`,
  };
}

/** Of what the user's own code threw, where it was asked for. */
function stackOf({ cause }: UsageError): string {
  const isWanted = (process.env['MIGSIM_DEBUG'] ?? '') !== '';
  const hasStack = typeof cause === 'object' && cause !== null && 'stack' in cause;
  return isWanted && hasStack ? `${visibleControls(String(cause.stack))}\n` : '';
}

/** A reader that has seen enough, such as `head`, is no error; a full disk is. */
export function endQuietlyOnBrokenPipe(stream: Output): void {
  stream.on('error', (error) => {
    if (error.code === 'EPIPE') leave(EXIT.done);
    // What was to be read is lost; the other stream may be as full.
    process.stderr.write(`migsim: cannot write the output: ${error.message}\n`);
    leave(EXIT.usage);
  });
}

/** With the exit status that shells give a program that one of them has ended: 128 and its number. */
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

/**
 * Has a signal end the program in order: no file stays half-written, and a line says what does. `tidy` is called before it.
 * Only for a command that gives signals their turn. Call what this returns once it is done.
 */
export function endOnSignals(stderr: Pick<Output, 'write'>, tidy: () => void): () => void {
  const end = (signal: 'SIGINT' | 'SIGTERM'): void => {
    // One signal is enough: a second must not end it half-way.
    if (isLeaving) return;
    tidy();
    const left = undoUnfinished().filter((text) => text !== '');
    stderr.write(
      `migsim: ended by ${signal}; ${left.length === 0 ? 'nothing is written' : left.join('; ')}\n`,
    );
    leave(SIGNALS[signal]);
  };
  for (const signal of keysOf(SIGNALS)) process.on(signal, end);
  return () => {
    for (const signal of keysOf(SIGNALS)) process.off(signal, end);
  };
}

let isLeaving = false;

/** Ends the program at once, on purpose. */
export function leave(status: number): never {
  isLeaving = true;
  process.exit(status);
}

/**
 * Code of the user's runs in this process: a strategy that calls `process.exit`, or that waits for what never comes, would end
 * the program as if its work were done. Call what this returns once it is.
 */
export function watchEarlyEnd(): () => void {
  const early = (): void => {
    if (isLeaving) return;
    process.stderr.write(
      'migsim: the program ended before the command had; does a strategy of your own call process.exit?\n',
    );
    process.exitCode = EXIT.usage;
  };
  process.once('exit', early);
  return () => void process.off('exit', early);
}
