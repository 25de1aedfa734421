/** How far a long experiment is, on one line of stderr that goes away by itself. */
import { formatDurationMs } from '../units.js';
import type { Environment, Output } from './terminal.js';

const CLEAR_LINE = '\r\u001b[K';
/** Between two changes of a line that shows the rate: a faster line cannot be read. */
const READABLE_MS = 200;

export interface Progress {
  /** One more run is done. */
  step(): void;
  /** More runs are done, of very many: shows the rate and the time left as well. */
  advance(runs: number): void;
  /** There will be no more, though there might have been. */
  end(): void;
}

/** Prints nothing in files, in pipes and under continuous integration. */
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
  const begin = performance.now();
  let shown = begin;
  return {
    step() {
      done += 1;
      show();
    },
    advance(runs) {
      done += runs;
      const now = performance.now();
      if (!watched || (now - shown < READABLE_MS && done < total)) return;
      shown = now;
      const rate = (done * 1e3) / (now - begin);
      const left = formatDurationMs(((total - done) * 1e3) / rate);
      const text = `${done} of ${total} runs, ${Math.round(rate)}/s, at most ${left} left`;
      output.write(CLEAR_LINE + (done < total ? text : ''));
    },
    end() {
      if (watched) output.write(CLEAR_LINE);
    },
  };
}

/** A line of text on stderr that changes, and goes away at the end. */
export interface StatusLine {
  show(text: string): void;
  end(): void;
}

/** Shows nothing outside a terminal, like `startProgress`. */
export function startStatusLine(
  output: Pick<Output, 'isTTY' | 'write'>,
  environment: Environment,
  width: number,
): StatusLine {
  const watched = output.isTTY === true && environment['CI'] === undefined;
  let shown = '';
  const show = (text: string): void => {
    const line = text.slice(0, width - 1);
    if (watched && line !== shown) output.write(CLEAR_LINE + line);
    shown = line;
  };
  return { show, end: () => show('') };
}
