/** The thread of src/cli/long-work.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { UsageError } from '../errors.js';
import { refusalOf } from '../experiment/parallel/refusal.js';
import { longTasks, type LongWorkMessage } from './long-tasks.js';

interface Asked {
  readonly name: keyof typeof longTasks;
  readonly args: never;
}

const { name, args } = workerData as Asked;
const say = (message: LongWorkMessage<unknown>): void => parentPort?.postMessage(message);
try {
  say({ result: await longTasks[name](args, () => say({ step: true })) });
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(refusalOf(error));
}
