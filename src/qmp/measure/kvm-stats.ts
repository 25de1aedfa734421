/** What KVM counts of a guest (`query-stats`, since QEMU 7.1): how much memory it mapped, and how long its vCPUs waited. */
import type { QmpClient } from '../client.js';
import { askIfKnown, mapsIn, numberIn, textIn } from './ask.js';

const PAGE_SIZES: Readonly<Record<string, number>> = {
  pages_4k: 2 ** 12,
  pages_2m: 2 ** 21,
  pages_1g: 2 ** 30,
};
/** Time for which a vCPU had nothing to do: asleep, and polling before that. */
const HALTS = ['halt_wait_ns', 'halt_poll_success_ns', 'halt_poll_fail_ns'];

/** Bytes of guest memory that KVM has mapped: what the guest used at least once. null where KVM does not say. */
export async function readMappedBytes(client: QmpClient): Promise<number | null> {
  const [provider] = await readStats(client, 'vm', Object.keys(PAGE_SIZES));
  if (provider === undefined || provider.size === 0) return null;
  let bytes = 0;
  for (const [name, count] of provider) bytes += count * (PAGE_SIZES[name] ?? 0);
  return bytes > 0 ? bytes : null;
}

/** Time that all vCPUs together spent halted since the guest started, ns. null where KVM does not say. */
export async function readHaltedNs(client: QmpClient): Promise<number | null> {
  const vcpus = await readStats(client, 'vcpu', HALTS);
  const counted = vcpus.filter((stats) => stats.has('halt_wait_ns'));
  if (counted.length === 0) return null;
  return counted.reduce((sum, stats) => sum + [...stats.values()].reduce((a, b) => a + b, 0), 0);
}

async function readStats(
  client: QmpClient,
  target: 'vm' | 'vcpu',
  names: readonly string[],
): Promise<ReadonlyMap<string, number>[]> {
  const reply = await askIfKnown(client, 'query-stats', { target, providers: [{ provider: 'kvm', names }] });
  return mapsIn(reply).map(
    (one) =>
      new Map(
        mapsIn(one['stats']).flatMap((stat): [string, number][] => {
          const name = textIn(stat, 'name');
          const value = numberIn(stat, 'value');
          return name === undefined || value === undefined ? [] : [[name, value]];
        }),
      ),
  );
}
