/** Runs the command line, in a process of its own or, quicker, in this one. */
import { spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { main } from '../../src/cli/main.js';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const SMALL = 'test/cli/small.yaml';

/** The real command: starts what `npm run build` made. */
export function migsim(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Ended {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...others } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/migsim.js', ...words], {
    encoding: 'utf8',
    env: { ...others, ...environment },
    maxBuffer: 2 ** 28,
  });
  return { status, stdout, stderr };
}

/** The same without a process. */
export async function inProcess(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const stdout = new Sink();
  const stderr = new Sink();
  const status = await main(words, { stdout, stderr, env });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
