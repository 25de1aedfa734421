/** `migsim measure` and `migsim record` on real QEMU: TCG, a guest that writes memory, and a loopback socket. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readRecorded } from '../../src/experiment/recorded/measured.js';
import { connectQmp, type QmpClient } from '../../src/qmp/client.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { inProcess } from '../cli/migsim.js';
import { NEEDS_QEMU, Qemu, QEMU } from './qemu.js';

/** A guest that writes all of its memory, over and over. */
const MEMTEST = '/boot/memtest86+x64.bin';
const NEEDS_MEMTEST = 'a guest that writes: needs memtest86+ (apt-get install memtest86+)';
const WORDS = ['-m', '64', '-vga', 'std'];
/** At this bandwidth, bytes/s, the migration of an idle guest takes several seconds: its zero pages alone are 0.15 MB. */
const HELD_BACK = 32 * 2 ** 10;

/** Resolves when a recording has that many lines of a kind; 0: when it has begun. */
async function hasLines(file: string, kind: string, count: number): Promise<void> {
  const lines = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []);
  while (lines().length === 0 || lines().filter((line) => line.includes(`"${kind}":`)).length < count)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** It shows a screen until Enter is pressed, and writes from then on. */
async function startMemtest(client: QmpClient): Promise<void> {
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  for (let tries = 0; tries < 8; tries += 1) {
    await wait(500);
    await client.execute('send-key', { keys: [{ type: 'qcode', data: 'ret' }] });
  }
}

if (QEMU === null) {
  test.todo(NEEDS_QEMU);
} else if (!existsSync(MEMTEST)) {
  test.todo(NEEDS_MEMTEST);
} else {
  describe('a guest that writes its memory', () => {
    let qemu: Qemu;
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'migsim-live-'));
      qemu = await new Qemu([...WORDS, '-kernel', MEMTEST]).ready();
      const client = await connectQmp(qemu.socket);
      await startMemtest(client);
      client.close();
    });
    afterAll(async () => {
      await qemu.stop();
      rmSync(folder, { recursive: true });
    });

    test('is measured by what is safe under TCG, and the scenario has its size and its load', async () => {
      const out = join(folder, 'guest.yaml');
      const { status, stdout, stderr } = await inProcess([
        'measure',
        qemu.socket,
        '--periods',
        '1s',
        '--repeat',
        '1',
        '--out',
        out,
      ]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^Mode +page-sampling$/m);
      expect(stdout).toMatch(/^Costs +a thread of QEMU reads 1024 pages twice per measurement/m);
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
      const { setup } = parseScenario(readFileSync(out, 'utf8'), out);
      expect(setup.guest.ramPages).toBe((64 * 2 ** 20) / 4096);
      expect(setup.guest.vcpus.length).toBe(1);
      expect(setup.migration.maxBandwidth).toBe(128 * 2 ** 20);
      // The guest is as it was: nothing measures, nothing migrates, it runs.
      const client = await connectQmp(qemu.socket);
      expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
      expect(await client.execute('query-dirty-rate')).toMatchObject({ status: 'measured' });
      expect(await client.execute('query-migrate')).toEqual({});
      client.close();
    });
  });

  test('a migration is recorded to its end, and predicted from what was measured before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'migsim-live-'));
    const port = join(folder, 'migration.sock');
    const more = join(folder, 'orchestrator.sock');
    // Idle on its first screen; a monitor of its own for who records, as libvirt keeps its one.
    const source = await new Qemu([
      ...WORDS,
      ...['-kernel', MEMTEST, '-qmp', `unix:${more},server=on,wait=off`],
    ]).ready();
    const destination = await new Qemu([...WORDS, '-incoming', `unix:${port}`]).ready();
    try {
      const guest = join(folder, 'guest.yaml');
      const out = join(folder, 'run.jsonl');
      const measure = ['measure', source.socket, '--periods', '1s', '--repeat', '1', '--out', guest];
      expect(await inProcess(measure)).toMatchObject({ status: 0, stderr: '' });
      const orchestrator = await connectQmp(more);
      const record = inProcess(['record', source.socket, '--out', out, '--predict', guest]);
      // On a busy machine the whole migration may pass before the recording has begun, or between two of its looks. It is
      // held back until the recording has seen some of it.
      await hasLines(out, 'format', 1);
      await orchestrator.execute('migrate-set-parameters', { 'max-bandwidth': HELD_BACK });
      await orchestrator.execute('migrate', { uri: `unix:${port}` });
      await hasLines(out, 'query-migrate', 3);
      await orchestrator.execute('migrate-set-parameters', { 'max-bandwidth': 24 * 2 ** 20 });
      const { status, stderr } = await record;
      expect(stderr).toMatch(/^The migration completed in .+, downtime .+; recorded in /m);
      expect(status).toBe(0);
      const { measured, conditions, log } = readRecorded(readFileSync(out, 'utf8'), out);
      // What QEMU itself says at the end, and the settings that were given.
      const reply = (await orchestrator.execute('query-migrate')) as Record<string, number>;
      expect(measured).toMatchObject({
        completed: true,
        totalTimeMs: reply['total-time'],
        downtimeMs: reply['downtime'],
      });
      expect(conditions.parameters['max-bandwidth']).toBe(HELD_BACK);
      expect(log.samples.length).toBeGreaterThan(2);
      orchestrator.close();
      const page = await inProcess(['validate', out, guest, '--runs', '3']);
      expect(page).toMatchObject({ status: 0, stderr: '' });
      expect(page.stdout).toMatch(/^total time +\S/m);
    } finally {
      await source.stop();
      await destination.stop();
      rmSync(folder, { recursive: true });
    }
  });
}
