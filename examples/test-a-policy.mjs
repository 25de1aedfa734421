// A policy that polls QEMU and raises the downtime limit, under test: against guests that do not exist.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseScenario } from 'migsim';
import { connectQmp, serveQmp } from 'migsim/qmp';

/** The policy: it knows QMP only, and would do the same to a real QEMU. */
async function migrate(qmp, { limitsMs, patience, postcopy }) {
  await qmp.execute('migrate', { uri: 'tcp:192.0.2.1:4444' });
  let polls = 0;
  let step = 0;
  for (;;) {
    const info = await qmp.execute('query-migrate');
    if (['completed', 'failed', 'cancelled'].includes(info.status)) return info;
    polls += 1;
    if (info.status !== 'active' || polls % patience !== 0) continue;
    if (step < limitsMs.length) {
      await qmp.execute('migrate-set-parameters', { 'downtime-limit': limitsMs[step] });
      step += 1;
    } else if (postcopy) await qmp.execute('migrate-start-postcopy');
    else await qmp.execute('migrate_cancel');
  }
}

const policy = { limitsMs: [300, 600, 1200], patience: 10, postcopy: false };

/** The guests: what they write decides how far the policy has to go. */
const guestThatWrites = (rate, migration = '') =>
  parseScenario(
    `
  guest: { memory: 1GiB, vcpus: [{ count: 2, workload: { write: ${rate}, working-set: 96MiB } }] }
  link: { bandwidth: 2.5Gbit/s }
  migration: { qemu: '10.0', max-bandwidth: 256MiB/s, downtime-limit: 50ms, ${migration} }
  `,
    'guest.yaml',
  );

const tests = [
  { name: 'an easy guest', scenario: guestThatWrites('5MiB/s'), policy },
  { name: 'a borderline guest', scenario: guestThatWrites('400MiB/s'), policy },
  {
    name: 'a hopeless guest',
    scenario: guestThatWrites('400MiB/s', 'avail-switchover-bandwidth: 10MiB/s'),
    policy,
  },
  {
    name: 'a guest for post-copy',
    scenario: guestThatWrites('400MiB/s', 'avail-switchover-bandwidth: 10MiB/s, postcopy-ram: true'),
    policy: { ...policy, postcopy: true },
  },
];

const folder = mkdtempSync(join(tmpdir(), 'migsim-example-'));
for (const { name, scenario, policy } of tests) {
  // As fast as asked: half a second goes by from poll to poll, and every run is the same.
  const listen = join(folder, 'qmp.sock');
  const server = await serveQmp({
    scenario,
    listen,
    speed: 'as-fast-as-asked',
    stepMs: 500,
    memory: 'fluid',
  });
  const qmp = await connectQmp(server.addresses[0]);
  const info = await migrate(qmp, policy);
  const { 'downtime-limit': limit } = await qmp.execute('query-migrate-parameters');
  const pause = info.downtime === undefined ? '' : `, stopped for ${info.downtime} ms`;
  console.log(`${name}: ${info.status} at a downtime limit of ${limit} ms${pause}`);
  await server.close();
}
rmSync(folder, { recursive: true });
