/** How simulated time passes: with a clock, or as the client asks. */
import type { Machine } from './machine.js';
import type { Session } from './monitor.js';

const { floor, max, min } = Math;

export interface Pace {
  /** µs since 1970 at the machine's beginning. */
  readonly epochUs: number;
  /** Before a command is carried out. */
  beforeCommand(machine: Machine, session: Session, name: string, polls: boolean): void;
  /** Every few ms while something happens. */
  tick(machine: Machine): void;
}

/** 2000-01-01: runs of the client's own clock have the same bytes each time. */
const ASKED_EPOCH_US = 946_684_800e6;

/**
 * The client's own clock: time stands still until a client asks a question again. Then a step goes by. So a client that
 * looks once per poll finds that much time between two polls, whatever else it asks.
 */
export function askedPace(stepUs: number): Pace {
  let asked = new WeakMap<Session, Set<string>>();
  return {
    epochUs: ASKED_EPOCH_US,
    beforeCommand(machine, session, name, polls) {
      if (!polls) return;
      if (asked.get(session)?.has(name) === true) {
        asked = new WeakMap();
        machine.advance(machine.nowUs + stepUs);
      }
      const names = asked.get(session) ?? new Set<string>();
      asked.set(session, names.add(name));
    },
    tick: () => undefined,
  };
}

/** Simulated time that is computed at once, µs. */
const SLICE_US = 50_000;
/** How long all guests together may compute before other work gets a turn, ms of the clock; each has its share. */
const LONGEST_MS = 50;
const SHORTEST_SHARE_MS = 1;

/**
 * `speed` times as fast as a clock, which gives ms from 0 on. A simulation that cannot keep up falls behind: what was missed
 * is not made up for, and `onLate` is called. `copies`: guests that share the processor.
 */
export function clockPace(
  clockMs: () => number,
  speed: number,
  epochUs: number,
  copies: number,
  onLate: () => void,
): Pace {
  const longestMs = max(SHORTEST_SHARE_MS, LONGEST_MS / copies);
  let lostUs = 0;
  const advance = (machine: Machine): void => {
    const beganMs = clockMs();
    const dueUs = floor(beganMs * 1000 * speed) - lostUs;
    while (machine.nowUs < dueUs) {
      machine.advance(machine.isBusy ? min(dueUs, machine.nowUs + SLICE_US) : dueUs);
      if (clockMs() - beganMs > longestMs) break;
    }
    if (machine.nowUs >= dueUs) return;
    lostUs += dueUs - machine.nowUs;
    onLate();
  };
  return { epochUs, beforeCommand: advance, tick: advance };
}
