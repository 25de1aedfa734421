/** Where `migrate` is sent. Nothing is connected to: an address only has to be one. */
import { isMap } from '../../lists.js';
import { refused } from './errors.js';
import type { JsonValue } from './json/parser.js';
import type { Machine } from './machine.js';
import { isIn } from './version-facts.js';

const PROTOCOLS = ['tcp:', 'unix:', 'vsock:', 'rdma:', 'exec:', 'fd:'];

/** Throws `QmpError` for what is no address; up to 8.1 the status is `failed` then. */
export function readMigrationUri(machine: Machine, args: Readonly<Record<string, JsonValue>>): void {
  const { uri, channels } = args;
  const readsFirst = isIn(machine.version, { since: '8.2' });
  if ((uri === undefined) === (channels === undefined) && readsFirst)
    throw refused("need either 'uri' or 'channels' argument");
  if (typeof uri !== 'string') return readChannels(channels);
  if (uri.startsWith('file:') && readsFirst) throw refused('migsim does not simulate a migration to a file');
  if (!PROTOCOLS.some((protocol) => uri.startsWith(protocol))) {
    if (readsFirst) throw refused(`unknown migration protocol: ${uri}`);
    machine.failToStart(null);
    throw refused("Parameter 'uri' expects a valid migration protocol");
  }
  const address = uri.slice('tcp:'.length);
  if (!uri.startsWith('tcp:') || /^(?:\[[^\]]*\]|[^:,]*):\d+(?:,|$)/.test(address)) return;
  const words = `error parsing address '${address}'`;
  if (!readsFirst) machine.failToStart(words);
  throw refused(words);
}

function readChannels(channels: JsonValue | undefined): void {
  const list = Array.isArray(channels) ? channels : [];
  const types = list.map((channel) => (isMap(channel) ? channel['channel-type'] : undefined));
  if (types.includes('cpr')) throw refused('migsim does not simulate the channel cpr');
  if (types.filter((type) => type === 'main').length > 1)
    throw refused('Channel list has more than one main entry');
  if (!types.includes('main')) throw refused('Channel list has no main entry');
}
