/** What devices write into guest RAM: found by every sync, by no ring, and held back by nothing. */
import { describe, expect, test } from '@jest/globals';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import type { GuestMemory, Tracking } from '../../src/guest/memory/memory.js';
import { PageMemory } from '../../src/guest/memory/page/page-memory.js';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { PLAIN_STREAM } from '../../src/migration/rules/stream.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { GIB, MIB, freeHost, migrate, setupOf, writer, type SetupFields } from '../migration/setups.js';

const { abs, exp } = Math;
const DMA = { firstPage: 32 * MIB, pages: 16 * MIB, writesPerSecond: 8 * MIB };

/** Pages of n writes to any of w. */
const touched = (n: number, w = DMA.pages): number => w * (1 - exp(-n / w));

function sendAll(memory: GuestMemory): void {
  for (;;) {
    const run = memory.nextRun();
    if (run > 0) memory.take(run);
    else if (memory.clearNeeded) memory.clearChunk(0);
    else return;
  }
}

describe.each(['page', 'fluid'] as const)('%s memory', (memory) => {
  const made = (tracking: Tracking) =>
    new { page: PageMemory, fluid: FluidMemory }[memory](
      setupOf({ guest: { dma: DMA, dirtyRingSize: tracking === 'ring' ? 4096 : 0 } }).guest,
      freeHost,
      tracking,
      18,
      1,
      1,
    );

  // 8 and then 4 pages a page-set in a second: e^-0.5 and e^-0.25 of the pages are missed.
  test.each(['bitmap', 'bitmap-manual', 'ring'] as const)(
    'is found by a sync, and counted once: %s',
    (tracking) => {
      const bytes = made(tracking);
      bytes.startLogging();
      sendAll(bytes);
      bytes.writeByDevices(1e6);
      expect(bytes.dirtyPages()).toBeLessThan(1e-3);
      const first = bytes.harvest();
      expect(abs(first / touched(8 * MIB) - 1)).toBeLessThan(0.03);
      expect(abs(bytes.harvest())).toBeLessThan(1e-6);
      bytes.writeByDevices(5e5);
      // Of the pages that these write, those that are set already are not new.
      const second = bytes.harvest();
      expect(abs((first + second) / touched(12 * MIB) - 1)).toBeLessThan(0.03);
      // Sent while it is written: the log keeps what came since the sync.
      bytes.writeByDevices(1e6);
      sendAll(bytes);
      expect(abs(bytes.harvest() / touched(8 * MIB) - 1)).toBeLessThan(0.03);
    },
  );

  /** A pass of t s leaves what the devices wrote in it, at any throttle and under any dirty limit. */
  const run = (
    strategy: 'none' | 'auto-converge' | 'dirty-limit',
    fields: SetupFields['guest'] = {},
  ): MigrationResult =>
    migrate(
      setupOf({
        memory,
        guest: {
          ramPages: GIB / 2,
          dirtyRingSize: 4096,
          dma: { firstPage: 0, pages: GIB / 4, writesPerSecond: 300 * MIB },
          vcpus: [writer({ firstPage: GIB / 4, pages: 16 * MIB, writesPerSecond: 20 * MIB })],
          ...fields,
        },
        link: { bandwidthBytesPerSecond: 2e8 },
        migration: { giveUpAfterUs: 30e6, downtimeLimitMs: 100 },
      }),
      strategy,
      strategy === 'dirty-limit' ? { 'vcpu-dirty-limit': 1 } : {},
    );

  test.each(['none', 'auto-converge', 'dirty-limit'] as const)('%s does not hold it back', (strategy) => {
    const { status, syncs, why } = run(strategy);
    expect(status).toBe('gave-up');
    const [before, last] = syncs.slice(-2);
    const seconds = (last!.timeMs - before!.timeMs) / 1000;
    expect(last!.newDirtyPages).toBeGreaterThan(0.9 * touched(seconds * 300 * MIB, GIB / 4) - 16 * MIB);
    expect(why!.text).toContain('devices write 300 MiB/s of it, which nothing holds back');
  });

  test('is in no ring', () => {
    const silent = [writer({ firstPage: GIB / 4, pages: 1, writesPerSecond: 0 })];
    const { vcpus, maxRingFullSleepUs } = run('dirty-limit', { vcpus: silent });
    expect(vcpus[0]!.ringFullExits).toBe(0);
    expect(maxRingFullSleepUs).toBe(0);
  });

  test('stops with the guest', () => {
    const setup = setupOf({
      memory,
      guest: { ramPages: GIB / 2, dma: { firstPage: 0, pages: GIB / 4, writesPerSecond: 300 * MIB } },
      link: { bandwidthBytesPerSecond: 2e8 },
      migration: { giveUpAfterUs: 30e6, downtimeLimitMs: 100 },
    });
    const stopped = migrate(setup, 'none', {}, (controls) => controls.after(5000, () => controls.pause()));
    expect(stopped.status).toBe('completed');
    expect(stopped.syncs.at(-1)!.newDirtyPages).toBe(0);
  });

  /** A vCPU without manual protect leaves its writes in a log that each sync empties, as devices do. */
  test('is encoded under XBZRLE as what a vCPU writes', () => {
    const written = { firstPage: 0, pages: 32 * MIB, writesPerSecond: 20 * MIB };
    const [device, vcpu] = [{ dma: written }, { vcpus: [writer(written)] }].map((guest) =>
      migrate(
        setupOf({
          memory,
          guest: { ramPages: GIB / 4, ...guest },
          link: { bandwidthBytesPerSecond: 1e8 },
          migration: {
            manualDirtyLogProtect: false,
            giveUpAfterUs: 10e6,
            downtimeLimitMs: 1,
            stream: { ...PLAIN_STREAM, kind: 'xbzrle', xbzrleCacheBytes: 2 ** 30, xbzrleEncodedBytes: 512 },
          },
        }),
      ),
    );
    expect(device!.xbzrlePages).toBeGreaterThan(1000);
    expect(abs(device!.xbzrlePages / vcpu!.xbzrlePages - 1)).toBeLessThan(0.05);
    expect(abs(device!.xbzrleBytes / vcpu!.xbzrleBytes - 1)).toBeLessThan(0.05);
  });
});

test('both memories send as much', () => {
  const [page, fluid] = (['page', 'fluid'] as const).map((memory) =>
    migrate(
      setupOf({
        memory,
        guest: { ramPages: GIB / 2, dma: { firstPage: 64, pages: GIB / 4, writesPerSecond: 40 * MIB } },
        link: { bandwidthBytesPerSecond: 2e8 },
        migration: { downtimeLimitMs: 10 },
      }),
    ),
  );
  expect(page!.status).toBe('completed');
  expect(abs(fluid!.sentBytes / page!.sentBytes - 1)).toBeLessThan(0.005);
  expect(fluid!.syncs).toHaveLength(page!.syncs.length);
});

const scenario = (guest: string, migration = ''): string => `
guest: { memory: 1GiB, ${guest} vcpus: [{ workload: { write: 10MiB/s, working-set: 300MiB } }] }
link: { bandwidth: 1Gbit/s }
migration: { qemu: '10.0', ${migration} }
`;

test('its buffers lie where no working set is', () => {
  const { setup } = parseScenario(
    scenario('zero-pages: 30%, dma: { write: 40MiB/s, working-set: 200MiB },'),
    'g.yaml',
  );
  expect(setup.guest.dma).toEqual({ firstPage: 300 * MIB, pages: 200 * MIB, writesPerSecond: 40 * MIB });
  expect(setup.guest.zeroExtents.every(({ firstPage }) => firstPage >= 500 * MIB)).toBe(true);
});

test.each([
  ['dma: { write: 40MiB/s, working-set: 2GiB },', '', 'there is no room for 2 GiB in one piece'],
  ['dma: { write: 40MiB/s, working-set: 20MiB },', 'postcopy-ram: true', 'expected postcopy-ram: false'],
])('%s %s is refused', (guest, migration, message) => {
  expect(() => parseScenario(scenario(guest, migration), 'guest.yaml')).toThrow(message);
});

/** A device with 200 MiB of state at 1 Gbit/s, where 300 ms are 32 MiB, and less when syncs take most of a window. */
test('more state of devices than may be left is what binds', () => {
  const text = scenario('devices: [{ stop-copy: 200MiB }],', 'give-up-after: 20s');
  const parsed = parseScenario(text, 'guest.yaml');
  const { why } = simulate(parsed, parsed.strategies[0]!, { memory: 'fluid' });
  expect(why).toMatchObject({ binds: 'devices' });
  expect(why!.text).toMatch(/^the devices have 200 MiB of state to send, and only \d+ MiB may be left/);
  const enough = parseScenario(
    scenario('devices: [{ stop-copy: 20MiB }],', 'give-up-after: 20s'),
    'guest.yaml',
  );
  expect(simulate(enough, enough.strategies[0]!, { memory: 'fluid' }).why).toBeNull();
});

/** The sufficient pause leaves room for the devices: with it the same guest converges. */
test('a pause that is enough for RAM and devices', () => {
  const text = (limit: string): string =>
    scenario('devices: [{ stop-copy: 20MiB }],', `give-up-after: 60s, ${limit}`).replace(
      '10MiB/s',
      '200MiB/s',
    );
  const stalled = parseScenario(text(''), 'guest.yaml');
  const { why } = simulate(stalled, stalled.strategies[0]!, { memory: 'fluid' });
  expect(why!.text).toContain('and the devices have 20 MiB of state: together');
  const longer = parseScenario(text(`downtime-limit: ${why!.sufficientPauseMs}ms`), 'guest.yaml');
  expect(simulate(longer, longer.strategies[0]!, { memory: 'fluid' }).status).toBe('completed');
});
