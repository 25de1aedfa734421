/** The built program, as sources have no worker threads to start: more threads change nothing but the time. */
import { expect, test } from '@jest/globals';
import { pathToFileURL } from 'node:url';
import type * as Parallel from '../../src/experiment/parallel/compare.js';
import type * as Compare from '../../src/experiment/compare.js';
import type * as Parse from '../../src/scenario/parse.js';

const built = async <Module>(file: string): Promise<Module> =>
  (await import(pathToFileURL(`dist/${file}`).href)) as Module;

/** Done within a second or two, and drawn for each run. */
const QUICK = `
guest: { memory: 128MiB, vcpus: [{ count: 2, workload: { write: 15MiB/s, working-set: 8MiB } }] }
link: { bandwidth: 1Gbit/s }
migration: { downtime-limit: 50ms }
strategies: [none, auto-converge]
`;

test.each([{ keep: 'scalars' as const }, { keep: 'everything' as const, timelineMs: 1000, trace: true }])(
  'a comparison in three threads is that of one: %j',
  async (more) => {
    const { compareInThreads } = await built<typeof Parallel>('experiment/parallel/compare.js');
    const { compare } = await built<typeof Compare>('experiment/compare.js');
    const { parseScenario } = await built<typeof Parse>('scenario/parse.js');
    const scenario = parseScenario(QUICK, 'quick.yaml');
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
