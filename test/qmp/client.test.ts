import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseQmpAddress, qmpAddressText } from '../../src/qmp/address.js';
import { connectQmp, QmpCommandError, QmpConnectionError } from '../../src/qmp/client.js';
import { LineSplitter } from '../../src/qmp/lines.js';

describe('addresses', () => {
  test.each([
    ['unix:/run/vm.sock', { kind: 'unix', path: '/run/vm.sock' }],
    ['/run/vm.sock', { kind: 'unix', path: '/run/vm.sock' }],
    ['./vm.sock', { kind: 'unix', path: './vm.sock' }],
    ['unix:/run/vm.sock,server=on,wait=off', { kind: 'unix', path: '/run/vm.sock' }],
    ['tcp:localhost:4444', { kind: 'tcp', host: 'localhost', port: 4444 }],
    ['127.0.0.1:4444', { kind: 'tcp', host: '127.0.0.1', port: 4444 }],
    ['tcp:[::1]:4444', { kind: 'tcp', host: '::1', port: 4444 }],
  ])('%s', (text, address) => {
    expect(parseQmpAddress(text)).toEqual(address);
    expect(parseQmpAddress(qmpAddressText(parseQmpAddress(text)))).toEqual(address);
  });

  test.each([
    '',
    'unix:',
    'tcp:localhost',
    'tcp:localhost:0',
    'tcp:localhost:65536',
    'vm',
    `unix:/${'x'.repeat(107)}`,
  ])('refuses %j in one line', (text) => {
    expect(() => parseQmpAddress(text)).toThrow(/^[^\n]*expected[^\n]*$/);
  });
});

describe('lines', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test('are the same however the stream is cut', () => {
    const text = '{"a":1}\n\n{"b":"é"}\nrest';
    const whole = new LineSplitter().push(bytes(text));
    const splitter = new LineSplitter();
    const single = [...bytes(text)].flatMap((byte) => splitter.push(Uint8Array.of(byte)));
    expect(single).toEqual(whole);
    expect(whole).toEqual([{ text: '{"a":1}' }, { text: '' }, { text: '{"b":"é"}' }]);
  });

  test('that are too long are reported once and dropped up to their end', () => {
    const splitter = new LineSplitter(4);
    const found = ['abc', 'def', 'gh', 'i\nok\n', '12345\n6'].flatMap((part) => splitter.push(bytes(part)));
    expect(found).toEqual([{ tooLong: true }, { text: 'ok' }, { tooLong: true }]);
  });
});

describe('a client', () => {
  const GREETING =
    '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "Debian"}, "capabilities": ["oob"]}}\r\n';
  let folder: string;
  let path: string;
  let server: Server | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'migsim-qmp-'));
    path = join(folder, 'qmp.sock');
  });
  afterEach(async () => {
    if (server !== undefined) await new Promise((resolve) => server!.close(resolve));
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  /** A server that greets and answers each line by `answer`. */
  async function serve(answer: (line: string, socket: Socket) => void, greeting = GREETING): Promise<void> {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(greeting);
      const lines = new LineSplitter();
      socket.on('data', (chunk: Uint8Array) => {
        for (const line of lines.push(chunk)) if ('text' in line) answer(line.text, socket);
      });
    });
    await new Promise<void>((resolve) => server!.listen(path, resolve));
  }

  const answerAll = (line: string, socket: Socket): void => {
    const { execute, id } = JSON.parse(line) as { execute: string; id: number };
    const reply =
      execute === 'bad'
        ? { error: { class: 'CommandNotFound', desc: 'The command bad has not been found' } }
        : { return: { execute } };
    socket.write(`${JSON.stringify({ ...reply, id })}\n`);
  };

  test('greets, negotiates, and matches replies to commands by their ids, in whatever order they come', async () => {
    const held: string[] = [];
    await serve((line, socket) => {
      if (line.includes('qmp_capabilities')) return answerAll(line, socket);
      held.push(line);
      if (held.length === 2) for (const one of held.reverse()) answerAll(one, socket);
    });
    const client = await connectQmp(path);
    expect(client.version).toEqual({ major: 10, minor: 0, micro: 2, package: 'Debian' });
    const replies = await Promise.all([client.execute('first'), client.execute('second')]);
    expect(replies).toEqual([{ execute: 'first' }, { execute: 'second' }]);
    client.close();
    await client.closed;
  });

  test('hands on events with their time, and QEMU’s refusals with class and words', async () => {
    await serve((line, socket) => {
      const stamp = { seconds: 1700000000, microseconds: 5 };
      socket.write(`${JSON.stringify({ event: 'STOP', timestamp: stamp })}\n`);
      answerAll(line, socket);
    });
    const client = await connectQmp(path);
    const events: unknown[] = [];
    client.onEvent((event) => events.push(event));
    await expect(client.execute('bad')).rejects.toMatchObject({
      name: 'QmpCommandError',
      errorClass: 'CommandNotFound',
      message: 'QEMU refused bad: The command bad has not been found',
    });
    expect(events).toEqual([{ event: 'STOP', data: {}, hostTimeUs: 1700000000000005 }]);
    client.close();
  });

  test('rejects what waits, and all that is asked later, when the connection ends', async () => {
    await serve((line, socket) => {
      if (line.includes('qmp_capabilities')) answerAll(line, socket);
      else socket.destroy();
    });
    const client = await connectQmp(path);
    await expect(client.execute('query-status')).rejects.toThrow(QmpConnectionError);
    await client.closed;
    await expect(client.execute('query-status')).rejects.toThrow(
      /the connection ended; a new connection is needed/,
    );
  });

  test('does not wait longer than it was told', async () => {
    await serve((line, socket) => {
      if (line.includes('qmp_capabilities')) answerAll(line, socket);
    });
    const client = await connectQmp(path, { timeoutMs: 50 });
    await expect(client.execute('query-status')).rejects.toThrow(/no reply to query-status within 50 ms/);
    client.close();
  });

  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH\r\n', /does not speak QMP/],
    ['JSON that is not a greeting', '{"hello": 1}\n', /does not speak QMP/],
    ['silence', '', /no QMP greeting within 50 ms; another client may hold the monitor/],
  ])('refuses %s in one line', async (_what, greeting, message) => {
    await serve(answerAll, greeting);
    await expect(connectQmp(path, { timeoutMs: 50 })).rejects.toThrow(message);
  });

  test('names what is wrong with a socket that cannot be opened', async () => {
    await expect(connectQmp(join(folder, 'none.sock'))).rejects.toThrow(/there is no such socket/);
    const file = join(folder, 'file.sock');
    writeFileSync(file, '');
    await expect(connectQmp(file)).rejects.toThrow(/nothing listens there|not a socket/);
    expect(new QmpCommandError('x', 'GenericError', 'y')).toBeInstanceOf(Error);
  });
});
