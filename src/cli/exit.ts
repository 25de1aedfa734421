/** How migsim ends: exit statuses, and what is said on stderr. */
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
    return { status: EXIT.usage, message: `${who}${visibleControls(error.message)}\n` };
  }
  if (error instanceof ExpectationError)
    return { status: EXIT.expectation, message: `${visibleControls(error.message)}\n` };
  if (error instanceof NoRemedyError)
    return { status: EXIT.noRemedy, message: `${visibleControls(error.message)}\n` };
  const stack = error instanceof Error ? (error.stack ?? error.message) : thrownText(error);
  return {
    status: EXIT.defect,
    message: `migsim: internal error in migsim or in your own strategy\n${visibleControls(stack)}\n`,
  };
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
