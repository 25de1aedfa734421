/** Errors lose their class on the way from a thread: a `UsageError` travels as plain data. */
import { UsageError, type Place } from '../../errors.js';

export interface Refusal {
  readonly refusal: string;
  /** Of what the user's own code threw; empty where nothing did. */
  readonly stack: string;
  /** Which `refusal` begins with. */
  readonly place?: Place;
}

export function refusalOf(error: UsageError): Refusal {
  const { message, cause, place } = error;
  const stack = cause instanceof Error ? (cause.stack ?? '') : '';
  return { refusal: message, stack, ...(place === undefined ? {} : { place }) };
}

/** In the thread that hears of it. */
export function usageErrorFrom({ refusal, stack, place }: Refusal): UsageError {
  const error = new UsageError('', place, stack === '' ? {} : { cause: { stack } });
  error.message = refusal;
  return error;
}
