/** Work that takes long, in a thread of its own: this one stays free for signals. */
import { Worker } from 'node:worker_threads';
import { usageErrorFrom } from '../experiment/parallel/refusal.js';
import { longTasks, type LongTasks, type LongWorkMessage } from './long-tasks.js';

/** Hands plain data to one of the tasks, and returns what it returns. Throws `UsageError` as it does. */
export async function longWork<Name extends keyof LongTasks>(
  name: Name,
  args: Parameters<LongTasks[Name]>[0],
  onStep: () => void,
): Promise<ReturnType<LongTasks[Name]>> {
  const task: (args: Parameters<LongTasks[Name]>[0], onStep: () => void) => unknown = longTasks[name];
  // Sources that were not built have no worker to start.
  if (!import.meta.url.endsWith('.js')) return task(args, onStep) as ReturnType<LongTasks[Name]>;
  const worker = new Worker(new URL('./long-worker.js', import.meta.url), { workerData: { name, args } });
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (message: LongWorkMessage<ReturnType<LongTasks[Name]>>) => {
        if ('step' in message) onStep();
        else if ('refusal' in message) reject(usageErrorFrom(message));
        else resolve(message.result);
      });
      worker.once('error', reject);
    });
  } finally {
    await worker.terminate();
  }
}
