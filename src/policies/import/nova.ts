/** From the [libvirt] section of nova.conf to a policy. Source: nova/conf/libvirt.py, nova/virt/libvirt/driver.py. */
import * as z from 'zod/mini';
import { transformed } from '../../options/zod.js';
import { choice } from './forms.js';
import { amountOf, given, timeoutOf, type ImportedPolicy } from './imported.js';
import { TIMEOUT_ACTIONS } from '../nova.js';
import { MIB } from '../../units.js';

/** oslo.config reads all values from text. */
function wholeText(what: string, min: number) {
  return z.optional(
    transformed(z.string(), (text, refuse) => {
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      if (value >= min && Number.isSafeInteger(value)) return value;
      return refuse(`expected ${what} as a whole number from ${min}, got ${JSON.stringify(text)}`);
    }),
  );
}

function flagText() {
  return z.optional(
    transformed(z.string(), (text, refuse) => {
      if (/^(true|1|on|yes)$/i.test(text)) return true;
      if (/^(false|0|off|no)$/i.test(text)) return false;
      return refuse(`expected True or False, got ${JSON.stringify(text)}`);
    }),
  );
}

const anything = z.optional(z.string());

/** The options that begin with live_migration_, by their text. */
export const novaOptions = z.strictObject({
  live_migration_bandwidth: wholeText('MiB/s', 0),
  live_migration_downtime: wholeText('ms', 100),
  live_migration_downtime_steps: wholeText('steps', 3),
  live_migration_downtime_delay: wholeText('seconds per GiB', 3),
  live_migration_completion_timeout: wholeText('seconds per GiB', 0),
  live_migration_timeout_action: z.optional(choice(TIMEOUT_ACTIONS)),
  live_migration_permit_post_copy: flagText(),
  live_migration_permit_auto_converge: flagText(),
  live_migration_parallel_connections: wholeText('connections', 1),
  live_migration_with_native_tls: flagText(),
  live_migration_tunnelled: flagText(),
  live_migration_progress_timeout: wholeText('seconds', 0),
  live_migration_flag: anything,
  live_migration_inbound_addr: anything,
  live_migration_scheme: anything,
  live_migration_uri: anything,
});

function unusedOf(options: z.output<typeof novaOptions>): string[] {
  const unused: string[] = [];
  if ((options.live_migration_parallel_connections ?? 1) > 1)
    unused.push('live_migration_parallel_connections');
  if (options.live_migration_with_native_tls === true) unused.push('live_migration_with_native_tls');
  if (options.live_migration_tunnelled === true) unused.push('live_migration_tunnelled');
  if ((options.live_migration_progress_timeout ?? 0) > 0) unused.push('live_migration_progress_timeout');
  const postCopy = options.live_migration_permit_post_copy === true;
  // driver.py:_handle_live_migration_auto_converge: where post-copy is permitted auto-converge is not used.
  if (postCopy && options.live_migration_permit_auto_converge === true) {
    unused.push('live_migration_permit_auto_converge');
  }
  return unused;
}

export function importNova(options: z.output<typeof novaOptions>): ImportedPolicy {
  const postcopy = options.live_migration_permit_post_copy === true;
  const autoConverge = options.live_migration_permit_auto_converge === true && !postcopy;
  return {
    name: 'nova',
    options: given({
      downtime: amountOf(options.live_migration_downtime, 'ms'),
      'downtime-steps': options.live_migration_downtime_steps,
      'downtime-delay': amountOf(options.live_migration_downtime_delay, 's'),
      'completion-timeout': timeoutOf(options.live_migration_completion_timeout),
      'timeout-action': options.live_migration_timeout_action,
      'permit-post-copy': options.live_migration_permit_post_copy,
    }),
    title: null,
    migration: { maxBandwidth: (options.live_migration_bandwidth ?? 0) * MIB, postcopy },
    strategy: autoConverge ? 'auto-converge' : 'none',
    unused: unusedOf(options),
  };
}
