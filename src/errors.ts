/** An error that the user reads as one line. Everything else that is thrown is a defect of migsim and keeps its stack. */

/** A place in a text that a user wrote. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** `file:line:column`, as editors and compilers print it. */
export function formatPlace(place: Place): string {
  let text = place.file;
  if (place.line !== undefined) text += `:${place.line}`;
  if (place.line !== undefined && place.column !== undefined) text += `:${place.column}`;
  return text;
}

/** Bad input: one line, exit status 2. `message` says what is wrong and what was expected; `place` where. */
export class UsageError extends Error {
  readonly place: Place | undefined;

  constructor(message: string, place?: Place, options?: ErrorOptions) {
    super(place === undefined ? message : `${formatPlace(place)}: ${message}`, options);
    this.name = 'UsageError';
    this.place = place;
  }
}

/** Values that are right each by itself and cannot be together: a sweep may leave such a cell out. */
export class InfeasibleError extends UsageError {
  /** What is wrong, in one line without a place. */
  readonly reason: string;

  constructor(message: string, place?: Place, reason = message.replace(/\n.*/s, '')) {
    super(message, place);
    this.reason = reason;
  }
}

/** One error of several, a line for each with its own place. Not for an empty list. */
export function allOf(errors: readonly UsageError[]): UsageError {
  const [first, ...others] = errors;
  const all = new UsageError('', first?.place);
  all.message = [first, ...others].map((error) => error?.message ?? '').join('\n');
  return all;
}

/** A stated expectation did not hold: exit status 1. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError';
}

/** No remedy keeps what was wanted: exit status 3. */
export class NoRemedyError extends Error {
  override readonly name = 'NoRemedyError';
}

/** The code of an error of Node's, such as `ENOENT`; undefined for one without. */
export function errorCode(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}

/** What an error says. Errors of other threads are no instances of this thread's Error. */
export function errorMessage(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}

/** The first line of what was thrown, which in a program of the user's can be anything. */
export function thrownText(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : `it threw ${String(thrown)}`;
  return text.replace(/\n.*/s, '');
}

const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g;

/** What a terminal would obey, such as an escape that renames its window, as `\\x1b`; line breaks stay. */
export function visibleControls(text: string): string {
  return text.replace(CONTROLS, (code) => `\\x${code.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
