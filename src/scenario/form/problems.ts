/** From what a schema finds wrong to what a user reads: `file:line:column: guest.memory: expected …, got …`. */
import { nth } from '../../lists.js';
import type * as z from 'zod/mini';
import { InfeasibleError, UsageError, type Place } from '../../errors.js';
import { problemOf, withoutConsequences, type Path, type Problem } from '../../options/read.js';
import type { Wrong } from './forms.js';
import { wording } from './wording.js';

export type { Path, Problem };

/** Notes a problem of what is read: the values at these paths do not go together. */
export type Complain = (path: Path, message: string) => void;

/** Likewise, where the rest of the part cannot be built without. */
export type Fail = (path: Path, message: string) => never;

/** Checks a value against a schema, with this project's words. */
export function check<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
): { readonly value: z.output<Schema> } | { readonly problems: readonly Problem[] } {
  const result = schema.safeParse(value, { error: wording });
  return result.success
    ? { value: result.data }
    : { problems: withoutConsequences(result.error.issues.map(problemOf)) };
}

/** The same for a value inside another that is being read: what `either` wants to hear. */
export function wrongsOf(problems: readonly Problem[], inside: Path): Wrong[] {
  return problems.map((problem) => ({ ...problem, path: [...inside, ...problem.path] }));
}

/** `guest.vcpus.0.workload`, as `--set` takes it. */
export function pathText(path: Path): string {
  return path.map(String).join('.');
}

/** One line a problem, each once, in the order of the file. */
export function usageErrorOf(problems: readonly Problem[], placeOf: (problem: Problem) => Place): UsageError {
  const { message, place } = inOrder(problems, placeOf);
  return new UsageError(message, place);
}

/** The same of a scenario whose values are read, and do not go together. */
export function infeasible(
  problems: readonly Problem[],
  placeOf: (problem: Problem) => Place,
): InfeasibleError {
  const { message, place } = inOrder(problems, placeOf);
  return new InfeasibleError(message, place);
}

function inOrder(
  problems: readonly Problem[],
  placeOf: (problem: Problem) => Place,
): { readonly message: string; readonly place: Place } {
  const placed = problems.map((problem) => ({ problem, place: placeOf(problem) }));
  placed.sort(
    (a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0),
  );
  const lines = placed.map(({ problem, place }) => new UsageError(messageOf(problem), place).message);
  const first = nth(placed, 0);
  const others = [...new Set(lines)].filter((line) => line !== lines[0]);
  return { message: [messageOf(first.problem), ...others].join('\n'), place: first.place };
}

function messageOf({ path, at, message }: Problem): string {
  const where = at === 'key' ? path.slice(0, -1) : path;
  return where.length === 0 ? message : `${pathText(where)}: ${message}`;
}
