/** What QEMU says of a guest without measuring anything: one question each, and nothing is changed by asking. */
import { UsageError } from '../../errors.js';
import { isNonEmpty } from '../../lists.js';
import type { QmpClient, QmpVersion } from '../client.js';
import { askHuman, askIfKnown, mapIn, mapsIn, numberIn, textIn } from './ask.js';
import { parseRamBlocks, type RamBlock } from './ram-blocks.js';

/** A guest as its QEMU describes it. Sizes in bytes. */
export interface GuestFacts {
  readonly version: QmpVersion;
  readonly hasKvm: boolean;
  /** `query-status`: such as `running` or `paused`. */
  readonly status: string;
  /** The machine type of this QEMU, such as `pc-i440fx-7.2-machine`; null where it does not say. */
  readonly machine: string | null;
  /** RAM the guest has, plugged DIMMs and virtio-mem among it. */
  readonly memoryBytes: number;
  /** Everything that migrates as RAM; empty where QEMU lists none. */
  readonly blocks: readonly RamBlock[];
  /** ROMs and video memory; null where no block is listed. */
  readonly hiddenBytes: number | null;
  /** Smallest page on the host behind guest RAM. */
  readonly hostPageBytes: number;
  readonly vcpus: number;
  /** RAM that the guest gave back to a balloon. */
  readonly balloonBytes: number;
  /** Ids or QOM paths of devices passed through by VFIO. */
  readonly vfio: readonly string[];
  /** `query-migrate-parameters`. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Those that are on. */
  readonly capabilities: readonly string[];
  /** Status of the last migration; `none` where there was none. */
  readonly migration: string;
}

/** Statuses of a migration under way (qapi/migration.json, MigrationStatus). */
const NOT_MIGRATING = ['none', 'completed', 'failed', 'cancelled'];

export function isMigrating(status: string): boolean {
  return !NOT_MIGRATING.includes(status);
}

const DEFAULT_PAGE_BYTES = 4096;

/** @throws UsageError when QEMU does not report how much memory the guest has */
export async function readFacts(client: QmpClient): Promise<GuestFacts> {
  const kvm = mapIn(await askIfKnown(client, 'query-kvm'));
  const summary = mapIn(await askIfKnown(client, 'query-memory-size-summary'));
  const memoryBytes = (numberIn(summary, 'base-memory') ?? 0) + (numberIn(summary, 'plugged-memory') ?? 0);
  if (memoryBytes <= 0)
    throw new UsageError('QEMU does not report how much memory the guest has (query-memory-size-summary)');
  const blocks = await readBlocks(client);
  const all = blocks.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  const cpus = mapsIn(await askIfKnown(client, 'query-cpus-fast'));
  const machine = await askIfKnown(client, 'qom-get', { path: '/machine', property: 'type' });
  return {
    version: client.version,
    hasKvm: kvm['enabled'] === true,
    status: textIn(mapIn(await askIfKnown(client, 'query-status')), 'status') ?? 'unknown',
    machine: typeof machine === 'string' ? machine : null,
    memoryBytes,
    blocks,
    hiddenBytes: isNonEmpty(blocks) ? Math.max(0, all - memoryBytes) : null,
    hostPageBytes: hostPage(blocks, memoryBytes),
    vcpus: Math.max(1, cpus.length),
    balloonBytes: await readBalloon(client, memoryBytes),
    vfio: await readVfio(client),
    parameters: mapIn(await askIfKnown(client, 'query-migrate-parameters')),
    capabilities: mapsIn(await askIfKnown(client, 'query-migrate-capabilities')).flatMap((one) =>
      one['state'] === true ? [textIn(one, 'capability') ?? ''] : [],
    ),
    migration: textIn(mapIn(await askIfKnown(client, 'query-migrate')), 'status') ?? 'none',
  };
}

async function readBlocks(client: QmpClient): Promise<RamBlock[]> {
  const listed = textIn(mapIn(await askIfKnown(client, 'x-query-ramblock')), 'human-readable-text');
  return parseRamBlocks(listed ?? (await askHuman(client, 'info ramblock')));
}

/** Blocks of at least this share of RAM are RAM; ROMs are smaller. */
const RAM_SHARE = 1 / 16;

function hostPage(blocks: readonly RamBlock[], memoryBytes: number): number {
  const sizes = blocks
    .filter(({ usedBytes }) => usedBytes >= memoryBytes * RAM_SHARE)
    .map(({ pageBytes }) => pageBytes);
  return sizes.reduce((least, size) => Math.min(least, size), sizes[0] ?? DEFAULT_PAGE_BYTES);
}

/** `query-balloon` says what the guest has left. */
async function readBalloon(client: QmpClient, memoryBytes: number): Promise<number> {
  const actual = numberIn(mapIn(await askIfKnown(client, 'query-balloon')), 'actual');
  return actual === undefined ? 0 : Math.max(0, memoryBytes - actual);
}

/** Devices with an id are below /machine/peripheral, others below /machine/peripheral-anon. */
async function readVfio(client: QmpClient): Promise<string[]> {
  const found: string[] = [];
  for (const path of ['/machine/peripheral', '/machine/peripheral-anon']) {
    for (const entry of mapsIn(await askIfKnown(client, 'qom-list', { path }))) {
      if (/^child<vfio-/.test(textIn(entry, 'type') ?? ''))
        found.push(`${path}/${textIn(entry, 'name') ?? ''}`);
    }
  }
  return found;
}
