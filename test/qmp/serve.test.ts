/** What a stand-in promises of itself: the simulated migration, its commands, events and errors, over a real socket. */
import { describe, expect, test } from '@jest/globals';
import { chooseStrategy } from '../../src/experiment/choice.js';
import { simulate } from '../../src/experiment/simulate.js';
import { connectQmp } from '../../src/qmp/client.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { type Message, negotiated, type RawClient, smallGuest, standingIn } from './standin.js';

const MIGRATE = { uri: 'tcp:192.0.2.1:4444' };

interface Info {
  readonly status?: string;
  readonly 'total-time'?: number;
  readonly ram?: Readonly<Record<string, number>>;
  readonly [key: string]: unknown;
}

const info = (message: Message): Info => message.return as Info;

async function poll(
  client: RawClient,
  until: (seen: Info) => boolean,
  events: Message[] = [],
): Promise<Info> {
  for (let polls = 0; polls < 5000; polls += 1) {
    const seen = info(await client.execute('query-migrate', undefined, events));
    if (until(seen)) return seen;
  }
  throw new Error('the migration did not come to that');
}

const hasEnded = ({ status }: Info): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

async function setCapabilities(client: RawClient, ...names: readonly string[]): Promise<Message> {
  const capabilities = names.map((capability) => ({ capability, state: true }));
  return await client.execute('migrate-set-capabilities', { capabilities });
}

const CASES: readonly (readonly [string, Scenario, string])[] = [
  ['plain pre-copy', smallGuest(), 'none'],
  ['auto-converge', smallGuest('', '45MiB/s', 'strategies: [auto-converge]'), 'auto-converge'],
  [
    'the dirty limit',
    smallGuest(
      '',
      '90MiB/s',
      'strategies: [{ dirty-limit: { vcpu-dirty-limit: 10MiB/s } }]',
      'dirty-ring-size: 1024,',
    ),
    'dirty-limit',
  ],
  ['multifd', smallGuest('stream: { multifd: { channels: 4 } }'), 'none'],
  ['XBZRLE', smallGuest('stream: { xbzrle: { cache-size: 64MiB } }'), 'none'],
  ['another version', smallGuest('return-path: false', '20MiB/s', '', '', '7.2'), 'none'],
];

describe('a client that changes nothing sees the run that `migsim run` shows', () => {
  test.each(CASES)('%s', async (_name, scenario, strategy) => {
    for (const memory of ['page', 'fluid'] as const) {
      const chosen = scenario.strategies.find(({ definition }) => definition.name === strategy);
      const expected = simulate(scenario, chosen ?? chooseStrategy('none'), { memory });
      expect(expected.status).toBe('completed');
      await standingIn({ scenario, memory, stepMs: 130 }, async ({ addresses }) => {
        const client = await negotiated(addresses[0]!);
        await client.execute('migrate', MIGRATE);
        const end = await poll(client, hasEnded);
        expect(end).toMatchObject({
          status: 'completed',
          'total-time': expected.totalTimeMs,
          downtime: expected.downtimeMs,
          ram: {
            transferred: expected.sentBytes,
            total: expected.totalRamBytes,
            duplicate: expected.zeroPages,
            normal: expected.normalPages,
            'dirty-sync-count': expected.dirtySyncCount,
            'downtime-bytes': expected.downtimeBytes,
          },
        });
      });
    }
  });
});

test('the same commands have the same bytes, and another seed has others', async () => {
  const talk = async (seed: number): Promise<string> => {
    let text = '';
    await standingIn({ seed, memory: 'page', stepMs: 200 }, async ({ addresses }) => {
      const client = await negotiated(addresses[0]!);
      await setCapabilities(client, 'events');
      await client.execute('migrate', MIGRATE);
      await poll(client, hasEnded);
      text = client.text;
    });
    return text;
  };
  const first = await talk(1);
  expect(await talk(1)).toBe(first);
  expect(await talk(2)).not.toBe(first);
});

test('time stands still until a question is asked again, whoever asks', async () => {
  await standingIn({ stepMs: 500 }, async ({ addresses }) => {
    const client = await negotiated(addresses[0]!);
    await client.execute('migrate', MIGRATE);
    expect(info(await client.execute('query-migrate'))).toEqual({ status: 'setup' });
    // Another question of the same poll, and commands, take no time.
    await client.execute('query-status');
    await client.execute('migrate-set-parameters', { 'max-bandwidth': 2 ** 25 });
    const second = info(await client.execute('query-migrate'));
    expect(second['total-time']).toBe(500);
    await client.execute('query-status');
    expect(info(await client.execute('query-migrate'))['total-time']).toBe(1000);
  });
});

test('events come in their order, with their time, before the reply that shows what they tell', async () => {
  await standingIn({ stepMs: 100 }, async ({ addresses }) => {
    const client = await negotiated(addresses[0]!);
    await setCapabilities(client, 'events');
    const events: Message[] = [];
    await client.execute('migrate', MIGRATE, events);
    await poll(client, hasEnded, events);
    const told = events.map(({ event, data }) => data?.['status'] ?? data?.['pass'] ?? event);
    const passes = told.filter((one) => typeof one === 'number');
    expect(passes).toEqual(passes.map((_, index) => index + 1));
    expect(told.filter((one) => typeof one === 'string')).toEqual([
      'setup',
      'active',
      'STOP',
      'device',
      'completed',
    ]);
    const times = events.map(({ timestamp }) => {
      const { seconds, microseconds } = timestamp as { seconds: number; microseconds: number };
      return seconds * 1e6 + microseconds;
    });
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(info(await client.execute('query-status'))).toEqual({ status: 'postmigrate', running: false });
  });
});

test('parameters count from the moment they are set, as in the scenario’s own `migration.at`', async () => {
  const scheduled = smallGuest('at: [{ after: 2s, set: { downtime-limit: 5s } }]', '200MiB/s');
  const expected = simulate(scheduled, chooseStrategy('none'), { memory: 'fluid' });
  await standingIn({ scenario: smallGuest('', '200MiB/s'), stepMs: 1000 }, async ({ addresses }) => {
    const client = await negotiated(addresses[0]!);
    await client.execute('migrate', MIGRATE);
    await poll(client, (seen) => seen['total-time'] === 2000);
    await client.execute('migrate-set-parameters', { 'downtime-limit': 5000 });
    const end = await poll(client, hasEnded);
    expect(end).toMatchObject({
      status: 'completed',
      'total-time': expected.totalTimeMs,
      downtime: expected.downtimeMs,
    });
  });
});

test('a hopeless migration goes on until it is cancelled; the next one draws anew and can go another way', async () => {
  await standingIn({ scenario: smallGuest('', '500MiB/s'), stepMs: 60_000 }, async ({ addresses }) => {
    const client = await negotiated(addresses[0]!);
    await setCapabilities(client, 'events');
    await client.execute('migrate', MIGRATE);
    const hour = await poll(client, (seen) => (seen['total-time'] ?? 0) >= 3600e3);
    expect(hour.status).toBe('active');
    const events: Message[] = [];
    expect(await client.execute('migrate', MIGRATE)).toMatchObject({
      error: { class: 'GenericError', desc: "There's a migration process in progress" },
    });
    await client.execute('migrate_cancel', undefined, events);
    const end = await poll(client, hasEnded, events);
    expect(end).toEqual({ status: 'cancelled' });
    expect(events.map(({ data }) => data?.['status'])).toEqual(['cancelling', 'cancelled']);
    expect(info(await client.execute('query-status'))).toMatchObject({ running: true });
    await client.execute('migrate-set-parameters', { 'downtime-limit': 30_000 });
    await client.execute('migrate', MIGRATE);
    expect(await poll(client, hasEnded)).toMatchObject({ status: 'completed' });
  });
});

test('post-copy: start, break, resume, end', async () => {
  await standingIn(
    { scenario: smallGuest('postcopy-ram: true', '500MiB/s'), stepMs: 100 },
    async (server) => {
      const client = await negotiated(server.addresses[0]!);
      await setCapabilities(client, 'events', 'postcopy-ram');
      const events: Message[] = [];
      await client.execute('migrate', MIGRATE);
      await poll(client, (seen) => (seen['total-time'] ?? 0) >= 1000);
      await client.execute('migrate-start-postcopy');
      await poll(client, ({ status }) => status === 'postcopy-active', events);
      await client.execute('migrate-pause', undefined, events);
      const paused = await poll(client, () => true);
      expect(paused.status).toBe('postcopy-paused');
      const later = await poll(client, (seen) => seen['total-time'] === (paused['total-time'] ?? 0) + 1000);
      expect(later.ram).toEqual(paused.ram);
      await client.execute('migrate', { ...MIGRATE, resume: true }, events);
      const end = await poll(client, hasEnded, events);
      expect(end).toMatchObject({ status: 'completed' });
      expect(end.ram!['postcopy-bytes']).toBeGreaterThan(0);
      const statuses = events.flatMap(({ data }) => data?.['status'] ?? []);
      expect(statuses).toEqual([
        'device',
        'postcopy-active',
        'postcopy-paused',
        'postcopy-recover',
        'postcopy-active',
        'completed',
      ]);
    },
  );
});

test('pre-switchover waits for the client, who continues or cancels', async () => {
  await standingIn({ scenario: smallGuest('pause-before-switchover: true') }, async ({ addresses }) => {
    const client = await negotiated(addresses[0]!);
    const events: Message[] = [];
    for (const ends of ['cancelled', 'completed']) {
      await client.execute('migrate', MIGRATE);
      await poll(client, ({ status }) => status === 'pre-switchover', events);
      expect(info(await client.execute('query-status'))).toMatchObject({ status: 'finish-migrate' });
      expect(await client.execute('cont')).toMatchObject({
        error: { desc: 'Migration is not finalized yet' },
      });
      expect(await client.execute('migrate-continue', { state: 'device' })).toMatchObject({
        error: { desc: 'Migration not in expected state: pre-switchover' },
      });
      if (ends === 'cancelled') await client.execute('migrate_cancel');
      else await client.execute('migrate-continue', { state: 'pre-switchover' });
      expect((await poll(client, hasEnded, events)).status).toBe(ends);
    }
    expect(events.map(({ event }) => event)).toEqual(['STOP', 'RESUME', 'STOP']);
  });
});

test('stop and cont: a guest that stands still dirties nothing', async () => {
  await standingIn({ scenario: smallGuest('', '500MiB/s'), stepMs: 1000 }, async ({ addresses }) => {
    const client = await negotiated(addresses[0]!);
    const events: Message[] = [];
    await client.execute('migrate', MIGRATE);
    await poll(client, (seen) => (seen['total-time'] ?? 0) >= 5000, events);
    await client.execute('stop', undefined, events);
    await client.execute('stop', undefined, events);
    await client.execute('cont', undefined, events);
    await client.execute('stop', undefined, events);
    expect((await poll(client, hasEnded, events)).status).toBe('completed');
    expect(events.map(({ event }) => event)).toEqual(['STOP', 'RESUME', 'STOP']);
    expect(info(await client.execute('query-status')).status).toBe('postmigrate');
    expect(await client.execute('migrate', MIGRATE)).toMatchObject({
      error: { desc: "Can't migrate the vm that was paused due to previous migration" },
    });
    await client.execute('cont');
    expect(info(await client.execute('query-status')).status).toBe('running');
  });
});

test('works for migsim’s own client, and by a clock', async () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, epochUs: 1.7e15 };
  await standingIn({ speed: 10, clock, scenario: smallGuest('', '500MiB/s') }, async ({ addresses }) => {
    const client = await connectQmp(addresses[0]!);
    await client.execute('migrate', MIGRATE);
    nowMs = 30;
    expect(await client.execute('query-migrate')).toMatchObject({ 'total-time': 300 });
    nowMs = 150;
    expect(await client.execute('query-migrate')).toMatchObject({ 'total-time': 1500 });
    client.close();
  });
});
