/** Work that takes long, in a thread of its own: this one stays free for signals. */
import { Worker } from 'node:worker_threads';
import { usageErrorFrom } from '../experiment/parallel/refusal.js';
import { longTasks, type LongTasks, type LongWorkMessage } from './long-tasks.js';

/** Hands plain data to one of the tasks, and returns what it returns. Throws `UsageError` as it does. */
export async function longWork<Name extends keyof LongTasks>(
  name: Name,
  args: LongTasks[Name][0],
  onStep: () => void = () => undefined,
): Promise<LongTasks[Name][1]> {
  // Sources that were not built have no worker to start.
  if (!import.meta.url.endsWith('.js')) return longTasks[name](args, onStep);
  const worker = new Worker(new URL('./long-worker.js', import.meta.url), { workerData: { name, args } });
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (message: LongWorkMessage<LongTasks[Name][1]>) => {
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
