/** A part of a sweep for one of several machines. */
import { UsageError } from '../../errors.js';

/** A part of a sweep. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

const MOST_SHARDS = 100_000;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `0/4` … `3/4`, or `auto/4` and `auto` where a scheduler says which: a Slurm array by `SLURM_ARRAY_TASK_ID`, `_MIN` and
 * `_COUNT`, a Kubernetes indexed Job by `JOB_COMPLETION_INDEX` (which does not say of how many). Throws `UsageError`.
 */
export function readShard(text: string, environment: Environment): Shard {
  const written = /^(?:(\d+)\/(\d+)|auto(?:\/(\d+))?)$/.exec(text);
  if (written === null) {
    throw new UsageError(
      `--shard: expected i/n with i from 0 to n - 1, or auto, got ${JSON.stringify(text)}`,
    );
  }
  if (written[1] !== undefined) return checked(Number(written[1]), Number(written[2]), text);
  const {
    SLURM_ARRAY_TASK_ID: task,
    SLURM_ARRAY_TASK_MIN: least = '0',
    SLURM_ARRAY_TASK_COUNT: tasks,
    JOB_COMPLETION_INDEX: completion,
  } = environment;
  const count = written[3] ?? (task === undefined ? undefined : tasks);
  if (task === undefined && completion === undefined) {
    throw new UsageError(
      '--shard auto: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set; expected --shard i/n',
    );
  }
  if (count === undefined) {
    throw new UsageError(`--shard auto: the number of shards is not known; expected --shard auto/n`);
  }
  const index = task === undefined ? Number(completion) : Number(task) - Number(least);
  return checked(index, Number(count), text);
}

function checked(index: number, count: number, text: string): Shard {
  if (Number.isInteger(index) && index >= 0 && index < count && count <= MOST_SHARDS) return { index, count };
  throw new UsageError(
    `--shard ${text}: expected an index from 0 to n - 1 and n up to ${MOST_SHARDS}, got ${index}/${count}`,
  );
}
