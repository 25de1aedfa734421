/** How far a long experiment is, on one line of stderr that goes away by itself. */
import type { Environment, Output } from './terminal.js';

const CLEAR_LINE = '\r\u001b[K';

export interface Progress {
  /** One more run is done. */
  step(): void;
}

/** Says nothing where nobody watches: in files and pipes, and under continuous integration. */
export function startProgress(
  output: Pick<Output, 'isTTY' | 'write'>,
  total: number,
  environment: Environment,
): Progress {
  let done = 0;
  const watched = output.isTTY === true && environment['CI'] === undefined;
  const show = (): void => {
    if (watched) output.write(CLEAR_LINE + (done < total ? `${done} of ${total} runs` : ''));
  };
  show();
  return {
    step() {
      done += 1;
      show();
    },
  };
}
