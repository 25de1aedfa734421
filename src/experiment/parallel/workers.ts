/** Tasks that do not depend on each other, spread over the machine's cores. */
import { availableParallelism } from 'node:os';
import { Tinypool } from 'tinypool';

/**
 * Hands each task to the function that the module at `worker` exports by default. Results are in the order of the tasks,
 * so that results do not depend on the number of workers. Tasks and results must be plain data.
 */
export async function inWorkers<Task, Result>(
  worker: URL,
  tasks: readonly Task[],
  onDone: (index: number) => void,
): Promise<Result[]> {
  const threads = Math.min(tasks.length, availableParallelism());
  const pool = new Tinypool({ filename: worker.href, minThreads: threads, maxThreads: threads });
  try {
    return await Promise.all(
      tasks.map(async (task, index) => {
        const result = (await pool.run(task)) as Result;
        onDone(index);
        return result;
      }),
    );
  } finally {
    await pool.destroy();
  }
}
