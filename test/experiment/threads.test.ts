/** The built program, as sources have no worker threads to start: more threads change nothing but the time. */
import { expect, test } from '@jest/globals';
import { pathToFileURL } from 'node:url';
import type * as Parallel from '../../src/experiment/parallel/compare.js';
import type * as Compare from '../../src/experiment/compare.js';
import type * as Load from '../../src/scenario/load.js';

const built = async <Module>(file: string): Promise<Module> =>
  (await import(pathToFileURL(`dist/${file}`).href)) as Module;

test.each([{ keep: 'scalars' as const }, { keep: 'everything' as const, timelineMs: 1000, trace: true }])(
  'a comparison in three threads is that of one: %j',
  async (more) => {
    const { compareInThreads } = await built<typeof Parallel>('experiment/parallel/compare.js');
    const { compare } = await built<typeof Compare>('experiment/compare.js');
    const { loadScenario } = await built<typeof Load>('scenario/load.js');
    const scenario = loadScenario('test/cli/small.yaml');
    const heard: number[] = [];
    // More than the fluid runs for which no threads are started.
    const runs = more.keep === 'scalars' ? 210 : 200;
    const options = { runs, memory: 'fluid', ...more } as const;
    const onResult = ({ run }: { readonly run: number }): void => void heard.push(run);
    const several = await compareInThreads(scenario, { ...options, onResult }, 3);
    const one = compare(scenario, options);
    expect(JSON.stringify(several.strategies)).toBe(JSON.stringify(one.strategies));
    const each = Array.from({ length: runs }, (_, index) => index + 1);
    expect(heard).toEqual([...each, ...each]);
  },
);
