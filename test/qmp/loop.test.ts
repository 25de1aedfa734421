/** Measured before, predicted, recorded, compared: the whole way on simulated guests, of which the truth is known. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readRecorded } from '../../src/experiment/recorded/measured.js';
import { validateRecord, type ValidatedRecord } from '../../src/experiment/recorded/validate.js';
import { connectQmp, type QmpClient } from '../../src/qmp/client.js';
import { measureGuest } from '../../src/qmp/measure/measure.js';
import { measuredScenario } from '../../src/qmp/measure/scenario.js';
import { recordMigration } from '../../src/qmp/record/record.js';
import { RemainingPredictor, type RemainingTime } from '../../src/qmp/record/remaining.js';
import { serveQmp } from '../../src/qmp/serve/serve.js';
import { parseScenario } from '../../src/scenario/parse.js';

const STEP_MS = 100;
const LINK = 125e6;

interface Way {
  readonly validated: ValidatedRecord;
  /** What was predicted at each look, and when. */
  readonly left: readonly { readonly totalMs: number; readonly left: RemainingTime }[];
}

async function wholeWay(text: string, before: (client: QmpClient) => Promise<unknown>): Promise<Way> {
  const folder = mkdtempSync(join(tmpdir(), 'migsim-loop-'));
  const server = await serveQmp({
    scenario: parseScenario(text, 'truth.yaml'),
    listen: [join(folder, 'a.sock'), join(folder, 'b.sock')],
    speed: 'as-fast-as-asked',
    stepMs: STEP_MS,
    memory: 'page',
  });
  const [watcher, orchestrator] = await Promise.all(server.addresses.map((address) => connectQmp(address)));
  try {
    const measurement = await measureGuest(watcher!, { repeats: 1, wait: () => Promise.resolve() });
    const guest = measuredScenario(measurement, { from: 'truth', linkBytesPerSecond: LINK });
    await before(orchestrator!);
    let ms = 0;
    let lines = '';
    const predictor = new RemainingPredictor(guest, 'guest.yaml', '10.0.0');
    const left: Way['left'][number][] = [];
    await orchestrator!.execute('migrate', { uri: 'tcp:192.0.2.1:4444' });
    await recordMigration(watcher!, {
      from: 'truth',
      now: () => ms,
      wait(period) {
        ms += period;
        return Promise.resolve();
      },
      onLine: (line) => (lines += `${JSON.stringify(line)}\n`),
      onReply(reply, inForce) {
        predictor.under(inForce);
        const found = predictor.at(reply);
        if (found !== null) left.push({ totalMs: Number(reply['total-time']), left: found });
      },
      onIdle: () => predictor.step(),
    });
    const validated = validateRecord(readRecorded(lines, 'run.jsonl'), { text: guest, file: 'guest.yaml' });
    return { validated, left };
  } finally {
    for (const client of [watcher, orchestrator]) client?.close();
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

const guest = (more: string): string => `
guest: { memory: 2GiB, ${more}, vcpus: [{ name: writer, workload: { write: 60MiB/s, working-set: 512MiB } }, { count: 3, workload: idle }] }
link: { bandwidth: 1Gbit/s }
migration: { qemu: '10.0', max-bandwidth: unlimited }
`;
const nothing = (): Promise<unknown> => Promise.resolve();
const on = (capability: string, parameters: object) => async (client: QmpClient) => {
  await client.execute('migrate-set-capabilities', { capabilities: [{ capability, state: true }] });
  await client.execute('migrate-set-parameters', { ...parameters });
};

// The truth is another random draw of the same guest, measured in whole MiB/s: the bands are made to hold it.
test.each([
  ['with a dirty ring', guest('dirty-ring-size: 4096'), nothing],
  ['without one', guest('dirty-ring-size: 0'), nothing],
  [
    'under auto-converge at a limited rate',
    guest('dirty-ring-size: 0'),
    on('auto-converge', { 'max-bandwidth': 64 * 2 ** 20, 'cpu-throttle-initial': 50 }),
  ],
])('a guest %s is predicted from what was measured before', async (_what, truth, before) => {
  const { validated, left } = await wholeWay(truth, before);
  const { figures, completedShare, recorded } = validated;
  expect(recorded.measured.completed).toBe(true);
  expect(completedShare).toBe(1);
  for (const name of ['totalTimeMs', 'dirtySyncCount', 'transferredBytes'] as const)
    expect([name, figures[name].holds, figures[name]]).toEqual([name, true, figures[name]]);
  // The time that is left, at each look and from what was known then, and what then really was left.
  const endMs = recorded.measured.totalTimeMs!;
  const held = left.filter(({ totalMs, left: { lowMs, highMs } }) => {
    return lowMs <= endMs - totalMs && endMs - totalMs <= highMs;
  });
  expect(left.length).toBeGreaterThan(20);
  expect(held.length / left.length).toBeGreaterThan(0.8);
});
