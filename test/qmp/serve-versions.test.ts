/**
 * What each version of QEMU has, held against the names in its QAPI schema (qapi/migration.json and run-state.json of each
 * .0 release); a star marks what may be left out.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { QEMU_VERSIONS, type QemuVersion } from '../../src/migration/rules/versions.js';
import { commandNamed } from '../../src/qmp/serve/commands.js';
import { type Message, negotiated, smallGuest, standingIn } from './standin.js';

type Names = Readonly<Record<string, readonly string[]>>;

const SCHEMAS = JSON.parse(readFileSync('test/qmp/fixtures/qapi-names.json', 'utf8')) as Record<
  string,
  Names
>;
/** Later ones are taken to have what 10.2 has. */
const versions = QEMU_VERSIONS.filter((version) => version in SCHEMAS);

/** What a reply has that it must not, and lacks that it must have. */
function faults(reply: unknown, names: readonly string[]): string[] {
  const given = Object.keys(reply as object);
  const known = names.map((name) => name.replace('*', ''));
  return [
    ...given.filter((name) => !known.includes(name)).map((name) => `has ${name}`),
    ...names.filter((name) => !name.startsWith('*') && !given.includes(name)).map((name) => `lacks ${name}`),
  ];
}

/** As the schema writes them. */
function argumentsOf(command: string, version: QemuVersion): string[] {
  const members = commandNamed(command, version)!.members?.(version) ?? {};
  return Object.entries(members).map(([name, { optional }]) => `${optional === true ? '*' : ''}${name}`);
}

test('all versions but those without a release are here', () => {
  expect(QEMU_VERSIONS.filter((version) => !(version in SCHEMAS))).toEqual(['11.0', '11.1']);
});

describe.each(versions)('QEMU %s', (version) => {
  const schema = SCHEMAS[version]!;

  test('commands take the arguments that it has', () => {
    for (const command of [
      'migrate',
      'migrate-incoming',
      'calc-dirty-rate',
      'query-dirty-rate',
      'set-vcpu-dirty-limit',
    ])
      expect([command, argumentsOf(command, version).sort()]).toEqual([command, schema[command]]);
    const parameters = argumentsOf('migrate-set-parameters', version).map((name) => name.replace('*', ''));
    expect(parameters.sort()).toEqual(schema['parameters']);
    const { state } = commandNamed('migrate-continue', version)!.members!(version);
    expect(state!.type).toMatchObject({ kind: 'enum' });
    expect('values' in state!.type ? [...state!.type.values].sort() : []).toEqual(schema['statuses']);
  });

  test('replies have its members, in every status', async () => {
    const scenario = smallGuest(
      'pause-before-switchover: true, return-path: false',
      '20MiB/s',
      '',
      '',
      version,
    );
    await standingIn({ scenario, stepMs: 1000 }, async ({ addresses }) => {
      const client = await negotiated(addresses[0]!);
      const returned = async (command: string, args?: unknown): Promise<unknown> =>
        (await client.execute(command, args)).return;
      const capabilities = (await returned('query-migrate-capabilities')) as { capability: string }[];
      expect(capabilities.map(({ capability }) => capability).sort()).toEqual(schema['capabilities']);
      expect(faults(await returned('query-status'), schema['status']!)).toEqual([]);
      const parameters = Object.keys((await returned('query-migrate-parameters')) as object);
      expect(parameters.filter((name) => !schema['parameters']!.includes(name))).toEqual([]);
      await returned('calc-dirty-rate', { 'calc-time': 1 });
      await returned('migrate', { uri: 'tcp:192.0.2.1:1' });
      const seen = new Set<string>();
      for (let polls = 0; polls < 100 && !seen.has('completed'); polls += 1) {
        const info = (await returned('query-migrate')) as { status: string; ram?: object };
        seen.add(info.status);
        expect(faults(info, schema['migration']!)).toEqual([]);
        if (info.ram !== undefined) expect(faults(info.ram, schema['ram']!)).toEqual([]);
        if (info.status === 'pre-switchover') await returned('migrate-continue', { state: 'pre-switchover' });
      }
      expect([...seen].sort()).toEqual(
        expect.arrayContaining(['active', 'completed', 'pre-switchover', 'setup']),
      );
      expect([...seen].filter((status) => !schema['statuses']!.includes(status))).toEqual([]);
      expect(faults(await returned('query-dirty-rate'), schema['dirty-rate']!)).toEqual([]);
    });
  });
});

test('an error is shown in the words of the version', async () => {
  const ask = async (version: QemuVersion, command: string, args: unknown): Promise<Message> => {
    let reply: Message = {};
    await standingIn({ scenario: smallGuest('', '1MiB/s', '', '', version) }, async ({ addresses }) => {
      reply = await (await negotiated(addresses[0]!)).execute(command, args);
    });
    return reply;
  };
  const words = async (version: QemuVersion, command: string, args: unknown): Promise<unknown> =>
    (await ask(version, command, args)).error?.desc;
  expect(await words('8.1', 'migrate', { uri: 'x' })).toBe(
    "Parameter 'uri' expects a valid migration protocol",
  );
  expect(await words('8.2', 'migrate', { uri: 'x' })).toBe('unknown migration protocol: x');
  expect(await words('9.0', 'migrate', {})).toBe("need either 'uri' or 'channels' argument");
  expect(await words('8.1', 'calc-dirty-rate', { 'calc-time': 0 })).toBe('calc-time is out of range[1, 60].');
  expect(await words('8.2', 'calc-dirty-rate', { 'calc-time': 0 })).toBe(
    'Calculation time is out of range [50ms, 60000ms].',
  );
  const channels = [
    { 'channel-type': 'main', addr: { transport: 'socket', type: 'inet', host: 'x', port: '1' } },
  ];
  expect(await ask('9.0', 'migrate', { channels })).toEqual({ return: {} });
  expect(await words('8.1', 'migrate', { uri: 'tcp:x:1', channels })).toBe(
    "Parameter 'channels' is unexpected",
  );
});
