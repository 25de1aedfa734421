/** Sockets, and clients that mean harm or do not care. */
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { connectQmp } from '../../src/qmp/client.js';
import { JsonReader, LONGEST_VALUE_BYTES } from '../../src/qmp/serve/json/reader.js';
import { drained } from '../../src/qmp/serve/listener.js';
import { serveQmp } from '../../src/qmp/serve/serve.js';
import { inProcess } from '../cli/migsim.js';
import { negotiated, rawClient, smallGuest, standingIn } from './standin.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const errors = (found: ReturnType<JsonReader['push']>): string[] =>
  found.map((one) => ('error' in one ? one.error : 'a value'));

/** Nothing listens there now, and hardly anything behind it. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

describe('JSON', () => {
  test('is the same however the stream is cut', () => {
    const text = '{"a": [1, -2.5e3, "é\\n", {}]} \'x\' nul {"b"}\u0001 [true]\r\n{"half":';
    const whole = new JsonReader().push(bytes(text));
    const reader = new JsonReader();
    expect([...bytes(text)].flatMap((byte) => reader.push(Uint8Array.of(byte)))).toEqual(whole);
    expect(whole).toHaveLength(6);
  });

  test('of 100 MB is one error, takes no more memory than the limit, and what follows is read', () => {
    const reader = new JsonReader();
    const chunk = bytes('x'.repeat(2 ** 16));
    const found = reader.push(bytes('{"execute": "'));
    for (let sent = 0; sent < 100e6; sent += chunk.length) found.push(...reader.push(chunk));
    found.push(...reader.push(bytes('"}\n{"execute": "query-status"}')));
    expect(errors(found)).toEqual(['JSON token size limit exceeded', 'a value']);
  });

  test('that is too deep, too long in small parts, or has too many parts is an error', () => {
    expect(errors(new JsonReader().push(bytes('['.repeat(1025))))).toEqual([
      'JSON nesting depth limit exceeded',
    ]);
    expect(errors(new JsonReader().push(bytes(`[${'1,'.repeat(40_000)}`)))).toEqual([
      'JSON token count limit exceeded',
    ]);
    const long = `"${'x'.repeat(1000)}",`.repeat(LONGEST_VALUE_BYTES / 1000);
    expect(errors(new JsonReader().push(bytes(`[${long}`)))).toEqual(['JSON token size limit exceeded']);
  });

  test('keeps QEMU’s difference between integers and other numbers', () => {
    const found = new JsonReader().push(bytes('[18446744073709551615, 1.0, -0]'));
    expect(found).toEqual([{ value: [18446744073709551615n, { value: 1 }, 0] }]);
  });
});

test('garbage, half a line and a long line leave the monitor as it was', async () => {
  await standingIn({}, async ({ addresses }) => {
    const client = await negotiated(addresses[0]!);
    expect(await client.ask('{'.repeat(2000))).toMatchObject({
      error: { class: 'GenericError', desc: 'JSON nesting depth limit exceeded' },
    });
    client.socket.write('\n}\u0000');
    for (const letter of '{"execute":"query-kvm","id":7}') {
      client.socket.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (;;) {
      const message = await client.next();
      if (message?.['id'] !== 7) continue;
      expect(message.return).toEqual({ enabled: true, present: true });
      return;
    }
  });
});

test('a client that asks without reading is not read from, and harms nobody', async () => {
  await standingIn({ copies: 2 }, async ({ addresses }) => {
    const greedy = await rawClient(addresses[0]!);
    greedy.socket.pause();
    greedy.socket.write('{"execute":"qmp_capabilities"}');
    const command = '{"execute":"query-migrate-parameters"}'.repeat(20_000);
    greedy.socket.write(command);
    const other = await negotiated(addresses[1]!);
    for (let i = 0; i < 20; i += 1) await other.execute('query-status');
    // Some 20 MB of replies would come; the rest of the commands waits in sockets.
    expect(greedy.socket.writableLength).toBeGreaterThan(0);
    greedy.socket.destroy();
  });
});

test('a client that is waited for again and again has no more listeners for it', async () => {
  const stream = new EventEmitter();
  for (const event of ['drain', 'drain', 'close']) {
    const waiting = drained(stream);
    stream.emit(event);
    await waiting;
    expect(stream.eventNames()).toEqual([]);
  }
});

test('a client that does not read events is dropped, with a word', async () => {
  const notices: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'migsim-standin-'));
  const listen = ['a.sock', 'b.sock'].map((name) => join(folder, name));
  const server = await serveQmp({ scenario: smallGuest(), listen, onNotice: (text) => notices.push(text) });
  try {
    const deaf = await rawClient(listen[0]!);
    await deaf.next();
    await deaf.execute('qmp_capabilities');
    deaf.socket.pause();
    const busy = await negotiated(listen[1]!);
    for (let i = 0; notices.length === 0 && i < 100; i += 1) {
      busy.socket.write(
        `${'{"execute":"stop"}{"execute":"cont"}'.repeat(1000)}{"execute":"query-kvm","id":${i}}`,
      );
      while ((await busy.next())?.['id'] !== i);
    }
    expect(notices).toEqual([`unix:${listen[0]}: dropped a client that does not read`]);
    // Its monitor serves the next one.
    (await connectQmp(listen[0]!)).close();
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});

test('a monitor serves one client at a time; a second monitor shows the same guest', async () => {
  await standingIn({}, async (server, folder) => {
    const first = await negotiated(server.addresses[0]!);
    await expect(connectQmp(server.addresses[0]!, { timeoutMs: 100 })).rejects.toThrow(
      /another client may hold/,
    );
    const waiting = connectQmp(server.addresses[0]!);
    await first.execute('migrate-set-parameters', { 'downtime-limit': 1234 });
    first.socket.destroy();
    const second = await waiting;
    expect(await second.execute('query-migrate-parameters')).toMatchObject({ 'downtime-limit': 1234 });
    second.close();
    expect(folder).not.toBe('');
  });
  const folder = mkdtempSync(join(tmpdir(), 'migsim-standin-'));
  const listen = ['a.sock', 'b.sock'].map((name) => join(folder, name));
  const server = await serveQmp({ scenario: smallGuest(), listen, speed: 'as-fast-as-asked' });
  const [a, b] = [await negotiated(listen[0]!), await negotiated(listen[1]!)];
  const events: unknown[] = [];
  await a.execute('stop');
  expect((await b.next())?.event).toBe('STOP');
  expect((await b.execute('query-status')).return).toMatchObject({ status: 'paused' });
  expect(events).toEqual([]);
  await server.close();
  rmSync(folder, { recursive: true });
});

describe('a socket', () => {
  test('is for its owner only, and goes with the server', async () => {
    await standingIn({ copies: 2 }, async ({ addresses, close }, folder) => {
      expect(addresses).toEqual([1, 2].map((copy) => `unix:${join(folder, `x-${copy}.sock`)}`));
      for (const copy of [1, 2]) expect(statSync(join(folder, `x-${copy}.sock`)).mode & 0o777).toBe(0o600);
      await close();
      for (const copy of [1, 2]) expect(existsSync(join(folder, `x-${copy}.sock`))).toBe(false);
    });
  });

  test('takes no place of a file, of a link, of a folder that is not there, or of another server', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'migsim-standin-'));
    const at = (name: string): string => join(folder, name);
    const listen = async (name: string): Promise<unknown> =>
      await serveQmp({ scenario: smallGuest(), listen: at(name) });
    writeFileSync(at('file'), 'kept');
    symlinkSync(at('file'), at('link'));
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(at('used'), resolve));
    await expect(listen('file')).rejects.toThrow(/file is no socket; expected a path/);
    await expect(listen('link')).rejects.toThrow(/link is no socket/);
    await expect(listen('used')).rejects.toThrow(/something listens at .*used already/);
    await expect(listen('none/x')).rejects.toThrow(/none is not a folder/);
    expect(readFileSync(at('file'), 'utf8')).toBe('kept');
    await new Promise((resolve) => other.close(resolve));
    rmSync(folder, { recursive: true });
  });

  test('is on this machine unless something else is asked for', async () => {
    const scenario = smallGuest();
    await expect(serveQmp({ scenario, listen: 'tcp:0.0.0.0:40404' })).rejects.toThrow(
      /can be reached from other machines; expected localhost, or --allow-remote/,
    );
    await expect(serveQmp({ scenario, listen: 'unix:/tmp/x.sock', allowRemote: true })).rejects.toThrow(
      /--allow-remote is for TCP/,
    );
    const port = await freePort();
    const server = await serveQmp({ scenario, listen: `tcp:127.0.0.1:${port}`, copies: 2 });
    expect(server.addresses).toEqual([port, port + 1].map((each) => `tcp:127.0.0.1:${each}`));
    const client = await connectQmp(server.addresses[1]!);
    expect(client.version.package).toBe('migsim');
    client.close();
    await server.close();
  });
});

describe('migsim qmp', () => {
  test('says where it listens, and ends with its guest', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'migsim-standin-'));
    const path = join(folder, 'x.sock');
    const running = inProcess([
      'qmp',
      'test/cli/small.yaml',
      '--listen',
      path,
      '--speed',
      'as-fast-as-asked',
    ]);
    while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
    const client = await connectQmp(path);
    await client.execute('quit');
    await client.closed;
    expect(await running).toEqual({ status: 0, stdout: `listening at unix:${path}\n`, stderr: '' });
    expect(existsSync(path)).toBe(false);
    rmSync(folder, { recursive: true });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it, and its socket goes', async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'migsim-standin-'));
    const path = join(folder, 'x.sock');
    const child = spawn(process.execPath, ['bin/migsim.js', 'qmp', 'test/cli/small.yaml', '--listen', path]);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const client = await connectQmp(path);
    child.kill(signal);
    await client.closed;
    expect(await ended).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(existsSync(path)).toBe(false);
    rmSync(folder, { recursive: true });
  });

  test.each([
    [['qmp', 'test/cli/small.yaml'], /qmp needs an address: --listen unix:\/run\/x.sock/],
    [['qmp', 'test/cli/small.yaml', '--listen', 'vm'], /"vm" is not the address of a QMP server/],
    [
      ['qmp', 'test/cli/small.yaml', '--listen', '/x', '--speed', 'fast'],
      /--speed: expected a number above 0/,
    ],
    [['qmp', 'test/cli/small.yaml', '--listen', '/x', '--step', '1s'], /--step goes with --speed/],
    [
      ['qmp', 'test/cli/small.yaml', '--listen', 'tcp:localhost:65530', '--copies', '10'],
      /: 10 copies need ports up to 65539, and 65535 is the last; expected a lower port$/m,
    ],
    [['qmp', 'test/cli/small.yaml', '--listen', '/x', '--copies', '0'], /--copies: expected a whole number/],
    [['qmp', 'none.yaml', '--listen', '/x'], /none\.yaml/],
  ])('%j is refused in one line', async (words, message) => {
    const { status, stdout, stderr } = await inProcess(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
