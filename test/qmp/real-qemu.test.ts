import { describe, expect, test } from '@jest/globals';
import { connectQmp, QmpConnectionError } from '../../src/qmp/client.js';
import { NEEDS_QEMU, Qemu, QEMU } from './qemu.js';

if (QEMU === null) {
  test.todo(NEEDS_QEMU);
} else {
  describe('a client of real QEMU', () => {
    test('negotiates, reads the schema, and reports what QEMU refuses in its words', async () => {
      const qemu = await new Qemu(['-m', '64', '-S']).ready();
      try {
        const client = await connectQmp(qemu.socket);
        expect(client.version.major).toBeGreaterThanOrEqual(7);
        // Some 200 KB in one line, in pieces.
        expect(((await client.execute('query-qmp-schema')) as unknown[]).length).toBeGreaterThan(500);
        await expect(client.execute('no-such-command')).rejects.toMatchObject({
          errorClass: 'CommandNotFound',
        });
        const events: string[] = [];
        client.onEvent(({ event, hostTimeUs }) => {
          expect(hostTimeUs).toBeGreaterThan(1.7e15);
          events.push(event);
        });
        await client.execute('cont');
        expect(events).toContain('RESUME');
        // A monitor of QEMU serves one client; the next one is told what may be the matter.
        await expect(connectQmp(qemu.socket, { timeoutMs: 200 })).rejects.toThrow(/another client may hold/);
        await client.execute('quit');
        await client.closed;
        await expect(client.execute('query-status')).rejects.toThrow(QmpConnectionError);
      } finally {
        await qemu.stop();
      }
    });
  });
}
