/** Errors lose their class on the way from a thread: a `UsageError` travels as plain data. */
import { UsageError } from '../../errors.js';

export interface Refusal {
  readonly refusal: string;
  /** Of what the user's own code threw; empty where nothing did. */
  readonly stack: string;
}

export function refusalOf(error: UsageError): Refusal {
  const { message, cause } = error;
  return { refusal: message, stack: cause instanceof Error ? (cause.stack ?? '') : '' };
}

/** In the thread that hears of it. */
export function usageErrorFrom({ refusal, stack }: Refusal): UsageError {
  return stack === '' ? new UsageError(refusal) : new UsageError(refusal, undefined, { cause: { stack } });
}
