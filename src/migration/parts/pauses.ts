/** Virtual time that passes with pauses, at which the world outside looks at a migration and acts on it. */
import type { Clock } from './clock.js';

/** Something that takes virtual time: it yields at each instant at which the clock is to pause, and goes on from there. */
export type Run<Value> = Generator<void, Value, void>;

/** The pauses that are due before `toUs`, inside a turn of the loop. */
export function* pauses(clock: Clock, toUs: number): Run<void> {
  while (clock.pausesBefore(toUs)) {
    clock.pass(clock.pauseUs);
    yield;
  }
}

/** `clock.pass` with the pauses on the way. */
export function* pass(clock: Clock, toUs: number): Run<void> {
  yield* pauses(clock, toUs);
  clock.pass(toUs);
}

/** The same outside a turn, where an observer sees each of them. */
export function* waits(clock: Clock, toUs: number): Run<void> {
  while (clock.pausesBefore(toUs)) {
    clock.advance(clock.pauseUs);
    yield;
  }
}

/** `clock.advance` likewise. */
export function* advance(clock: Clock, toUs: number): Run<void> {
  yield* waits(clock, toUs);
  clock.advance(toUs);
}
