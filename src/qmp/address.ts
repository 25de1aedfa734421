/** Where a QMP server listens: a Unix socket or a TCP port. */
import { nth } from '../lists.js';
import { UsageError } from '../errors.js';

/** A Unix socket by its path, or a TCP host and port. */
export type QmpAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export const PORT_LIMIT = 65_535;
/** sun_path of Linux: 108 bytes with the closing zero. */
const SOCKET_PATH_BYTES = 107;

/**
 * `unix:/run/vm.sock`, a bare path, `tcp:localhost:4444`, or `localhost:4444`; IPv6 addresses stand in brackets.
 * Options behind a comma, as QEMU's `-qmp` takes them (`,server=on,wait=off`), are QEMU's own and are left out.
 *
 * @throws UsageError when the text is none of these
 */
export function parseQmpAddress(text: string): QmpAddress {
  const [place = ''] = text.split(',');
  if (place.startsWith('unix:')) return unixAddress(place.slice('unix:'.length), text);
  const tcp = /^(?:tcp:)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d+)$/.exec(place);
  if (tcp !== null) return tcpAddress(nth(tcp, 1), Number(tcp[2]), text);
  if (place.startsWith('tcp:') || !/[/.]/.test(place)) throw badAddress(text);
  return unixAddress(place, text);
}

function unixAddress(path: string, text: string): QmpAddress {
  if (path === '') throw badAddress(text);
  if (new TextEncoder().encode(path).length > SOCKET_PATH_BYTES) {
    throw new UsageError(
      `the path of a Unix socket has at most ${SOCKET_PATH_BYTES} bytes; expected a shorter path than ${JSON.stringify(path)}`,
    );
  }
  return { kind: 'unix', path };
}

function tcpAddress(host: string, port: number, text: string): QmpAddress {
  if (port < 1 || port > PORT_LIMIT) throw badAddress(text);
  return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port };
}

function badAddress(text: string): UsageError {
  return new UsageError(
    `${JSON.stringify(text)} is not the address of a QMP server; expected such as unix:/run/vm.sock or tcp:localhost:4444`,
  );
}

/** As `parseQmpAddress` reads it back. */
export function qmpAddressText(address: QmpAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `tcp:${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
