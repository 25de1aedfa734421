/** The stand-in next to a real QEMU: the same commands in the same order, replies and errors compared, and QEMU's schema. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { namedVersion } from '../../src/migration/rules/version-names.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { commandNamed, commandNames } from '../../src/qmp/serve/commands.js';
import { Schema, shapeOf } from './conformity.js';
import { NEEDS_QEMU, Qemu, QEMU } from './qemu.js';
import { type Message, negotiated, type RawClient, standingIn } from './standin.js';

/** Whoever is asked: a real QEMU, or the stand-in. */
interface Peer {
  readonly client: RawClient;
  /** Where the n-th migration goes. */
  readonly uri: (n: number) => string;
  readonly events: Message[];
  readonly said: { readonly asked: string; readonly reply: Message }[];
}

const GUEST = `guest: { memory: 64MiB, vcpus: [{ count: 2, workload: { write: 100KiB/s, working-set: 1MiB } }] }
link: { bandwidth: 10Gbit/s }
`;

const capability = (name: string, state = true): unknown => ({
  capabilities: [{ capability: name, state }],
});

async function ask({ client, said, events }: Peer, command: string, args?: unknown): Promise<Message> {
  const reply = await client.execute(command, args, events);
  said.push({ asked: command, reply });
  return reply;
}

/** Asks until it is so, and notes only the last reply: how often that takes is no matter. */
async function until(
  peer: Peer,
  command: string,
  isSo: (reply: Record<string, unknown>) => boolean,
): Promise<void> {
  for (let polls = 0; polls < 2000; polls += 1) {
    const reply = await peer.client.execute(command, undefined, peer.events);
    if (isSo(reply.return as Record<string, unknown>)) {
      peer.said.push({ asked: command, reply });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${command} never said so`);
}

const status =
  (wanted: string) =>
  (reply: Record<string, unknown>): boolean =>
    reply['status'] === wanted;

/** What is no command, and what takes no time. */
const TEXTS = [
  '{"execute":"nope"}',
  'foo\n',
  '{"execute":1}',
  '{}',
  '[]',
  '{"execute":"query-status","x":1}',
  '{"execute":"query-status","arguments":[]}',
  '{"execute":"query-status","arguments":{"a":1}}',
  "{'execute':'query-status','id':'single \\u00e9 \\ud83d\\ude00'}",
  '{"exec-oob":"migrate-pause"}',
  '{"a":}',
  '}',
  '\u0001',
  '{"execute":"query-status","id":1,"id":2}',
  '{"execute":"x" "y"}',
  '{"execute" "y"}',
  '{1:2}',
  '{"execute":"query-status","id":nul}',
  '{"execute":"query-status","id":"\\x"}',
  '[1,2}',
  '{"execute":"query-status","id":[1,null,true,{},-0,1.50,12345678901234567890,1e3]}',
  '{"execute":"qmp_capabilities"}',
];

const REFUSED: readonly (readonly [string, unknown])[] = [
  ['migrate', {}],
  ['migrate', { uri: 1 }],
  ['migrate', { uri: 'tcp:x', resume: true }],
  ['migrate', { uri: 'tcp:x', foo: 1 }],
  ['migrate', { uri: 'tcp:x' }],
  ['migrate', { uri: 'foo' }],
  ['migrate-set-parameters', { 'downtime-limit': -1 }],
  ['migrate-set-parameters', { 'downtime-limit': 2_000_001 }],
  ['migrate-set-parameters', { 'downtime-limit': 'x' }],
  ['migrate-set-parameters', { 'downtime-limit': 1.5 }],
  ['migrate-set-parameters', { foo: 1 }],
  ['migrate-set-parameters', { 'max-cpu-throttle': 300 }],
  ['migrate-set-parameters', { 'max-cpu-throttle': 100 }],
  ['migrate-set-parameters', { 'max-cpu-throttle': -1 }],
  ['migrate-set-parameters', { 'cpu-throttle-initial': 0 }],
  ['migrate-set-parameters', { 'xbzrle-cache-size': 5000 }],
  ['migrate-set-parameters', { 'multifd-compression': 'foo' }],
  ['migrate-set-parameters', { 'cpu-throttle-tailslow': 1 }],
  ['migrate-set-parameters', { 'multifd-channels': 0 }],
  ['migrate-set-parameters', { 'throttle-trigger-threshold': 0 }],
  ['migrate-set-parameters', { 'tls-creds': 1 }],
  ['migrate-set-parameters', { 'announce-step': 0 }],
  ['migrate-set-capabilities', {}],
  ['migrate-set-capabilities', { capabilities: 1 }],
  ['migrate-set-capabilities', { capabilities: [1] }],
  ['migrate-set-capabilities', capability('foo')],
  ['migrate-set-capabilities', { capabilities: [{ capability: 'xbzrle' }] }],
  ['migrate-set-capabilities', { capabilities: [{ capability: 'xbzrle', state: 1 }] }],
  ['migrate-set-capabilities', { capabilities: [{ capability: 'xbzrle', state: true, z: 1 }] }],
  ['migrate-set-capabilities', capability('postcopy-preempt')],
  ['migrate-set-capabilities', capability('zero-copy-send')],
  ['migrate-start-postcopy', undefined],
  ['migrate-pause', undefined],
  ['migrate-continue', {}],
  ['migrate-continue', { state: 'x' }],
  ['migrate-recover', { uri: 'tcp:x' }],
  ['migrate-incoming', { uri: 'tcp:x' }],
  ['calc-dirty-rate', {}],
  ['calc-dirty-rate', { 'calc-time': 0 }],
  ['calc-dirty-rate', { 'calc-time': 61 }],
  ['calc-dirty-rate', { 'calc-time': 1, 'sample-pages': 1 }],
  ['calc-dirty-rate', { 'calc-time': 1, mode: 'foo' }],
  ['set-vcpu-dirty-limit', {}],
  ['set-vcpu-dirty-limit', { 'dirty-rate': 10 }],
];

const QUERIES = [
  'query-status',
  'query-version',
  'query-kvm',
  'query-name',
  'query-target',
  'query-uuid',
  'query-memory-size-summary',
  'query-cpus-fast',
  'query-migrate',
  'query-migrate-parameters',
  'query-migrate-capabilities',
  'query-dirty-rate',
  'query-vcpu-dirty-limit',
];

async function converse(peer: Peer): Promise<void> {
  const { client, said, events } = peer;
  for (const query of QUERIES) await ask(peer, query);
  for (const text of TEXTS) said.push({ asked: text, reply: await client.ask(text, events) });
  for (const [command, args] of REFUSED) await ask(peer, command, args);
  await ask(peer, 'cancel-vcpu-dirty-limit');
  await ask(peer, 'migrate_cancel');
  await ask(peer, 'query-migrate');
  await cancelled(peer);
  await continued(peer);
  await ask(peer, 'calc-dirty-rate', { 'calc-time': 2 });
  // QEMU's own thread has to start first. Two seconds, so that a busy machine does not miss them.
  await until(peer, 'query-dirty-rate', status('measuring'));
  await ask(peer, 'calc-dirty-rate', { 'calc-time': 2 });
  await until(peer, 'query-dirty-rate', status('measured'));
  await ask(peer, 'quit');
}

async function cancelled(peer: Peer): Promise<void> {
  await ask(peer, 'migrate-set-capabilities', capability('events'));
  await ask(peer, 'migrate-set-parameters', { 'max-bandwidth': 10_000 });
  await ask(peer, 'migrate', { uri: peer.uri(1) });
  await until(peer, 'query-migrate', (reply) => reply['status'] === 'active' && 'ram' in reply);
  await ask(peer, 'query-status');
  await ask(peer, 'migrate', { uri: peer.uri(1) });
  await ask(peer, 'migrate-set-capabilities', capability('xbzrle'));
  await ask(peer, 'migrate-set-parameters', { 'downtime-limit': 1 });
  await ask(peer, 'migrate-continue', { state: 'pre-switchover' });
  await ask(peer, 'stop');
  await ask(peer, 'stop');
  await ask(peer, 'query-status');
  await ask(peer, 'cont');
  await ask(peer, 'cont');
  await ask(peer, 'migrate_cancel');
  await until(peer, 'query-migrate', status('cancelled'));
  await ask(peer, 'query-status');
}

async function continued(peer: Peer): Promise<void> {
  await ask(peer, 'migrate-set-parameters', { 'max-bandwidth': 2 ** 30, 'downtime-limit': 300 });
  for (const name of ['pause-before-switchover', 'xbzrle', 'auto-converge'])
    await ask(peer, 'migrate-set-capabilities', capability(name));
  await ask(peer, 'migrate', { uri: peer.uri(2) });
  await until(peer, 'query-migrate', status('pre-switchover'));
  await ask(peer, 'query-status');
  await ask(peer, 'cont');
  await ask(peer, 'migrate-continue', { state: 'pre-switchover' });
  await until(peer, 'query-migrate', status('completed'));
  await ask(peer, 'query-status');
  await ask(peer, 'migrate', { uri: peer.uri(2) });
  await ask(peer, 'cont');
  await ask(peer, 'query-status');
}

/** What two peers should have in common of a reply: QEMU's words for an error, keys and types of the rest. */
function gist({ asked, reply }: Peer['said'][number]): unknown {
  const { timestamp: _, ...rest } = reply;
  if (rest.error !== undefined) return { asked, ...rest };
  if (asked === 'query-status') return { asked, return: rest.return };
  return { asked, ...(shapeOf(rest) as object) };
}

/** Passes depend on the guest. */
const told = ({ events }: Peer): unknown[] =>
  events
    .filter(({ event }) => event !== 'MIGRATION_PASS')
    .map(({ event, data }) => ({ event, ...(data === undefined ? {} : { data }) }));

async function withRealQemu(use: (peer: Peer) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'migsim-beside-'));
  const uri = (n: number): string => `unix:${join(folder, `migration-${n}`)}`;
  const words = ['-m', '64', '-smp', '2', '-name', 'guest'];
  const source = new Qemu(words);
  const targets = [1, 2].map((n) => new Qemu([...words, '-incoming', uri(n)]));
  try {
    for (const qemu of [source, ...targets]) await qemu.ready();
    await use({ client: await negotiated(source.socket), uri, events: [], said: [] });
  } finally {
    for (const qemu of [source, ...targets]) await qemu.stop();
    rmSync(folder, { recursive: true });
  }
}

if (QEMU === null) {
  test.todo(NEEDS_QEMU);
} else {
  describe('next to a real QEMU', () => {
    test('the same commands have replies of the same form, errors of the same words and the same events', async () => {
      await withRealQemu(async (real) => {
        const version = (await real.client.execute('query-version')).return as {
          readonly qemu: { readonly major: number; readonly minor: number };
        };
        const { qemu } = namedVersion(`${version.qemu.major}.${version.qemu.minor}`)!;
        const schema = new Schema((await real.client.execute('query-qmp-schema')).return);
        const scenario = parseScenario(
          `${GUEST}migration: { qemu: '${qemu}', return-path: false }`,
          'guest.yaml',
        );
        await standingIn({ scenario, stepMs: 100, memory: 'page' }, async ({ addresses }) => {
          const client = await negotiated(addresses[0]!);
          const standin: Peer = { ...real, client, events: [], said: [] };
          await converse(standin);
          await converse(real);
          // TCG is what the tests' QEMU runs with, and its CPUs may be described further.
          expect(standin.said.map(gist)).toEqual(real.said.map(gist));
          expect(told(standin)).toEqual(told(real));
          for (const { asked, reply } of standin.said)
            if (reply.return !== undefined && schema.has(asked))
              expect(schema.faultsOfReply(asked, reply.return)).toEqual([]);
          for (const { event, data } of standin.events)
            expect(schema.faultsOfEvent(event!, data)).toEqual([]);
        });
        // Every command is one of QEMU's, with its arguments.
        for (const name of commandNames(qemu)) {
          if (name === 'qmp_capabilities') continue;
          const members = commandNamed(name, qemu)!.members?.(qemu) ?? {};
          const own = Object.entries(members).map(
            ([key, { optional }]) => `${optional === true ? '*' : ''}${key}`,
          );
          expect([name, own.sort()]).toEqual([name, schema.argumentsOf(name)]);
        }
      });
    });
  });
}
