/** The lines above every report: what was run, on what, and how to run it again. What is shown is what was in force. */
import { show } from '../../../experiment/expect/measure.js';
import { withoutDefaultEnd } from '../../../experiment/simulate.js';
import { compressibilities } from '../../../guest/content.js';
import { type GuestSpec, PAGE_BYTES } from '../../../guest/spec.js';
import { ratioFor } from '../../../migration/rules/compressors.js';
import type { MigrationResult, ParametersInForce } from '../../../migration/result.js';
import type { MigrationSetup, StreamSpec } from '../../../migration/setup.js';
import type { PolicyChoice, Scenario } from '../../../scenario/scenario.js';
import { formatBytesPerSecond } from '../../../units.js';
import type { Page } from './style.js';
import { wrapItems } from './text.js';
import { largest, smallest } from '../../../stats/extremes.js';

export interface HowRun {
  readonly memory: 'page' | 'fluid';
  readonly seed: number;
  readonly policy: PolicyChoice;
}

/** A value that was set so soon after the start is what the migration began with, ms. */
const AT_THE_START_MS = 1000;

export function heading(
  scenario: Scenario,
  how: HowRun,
  results: readonly MigrationResult[],
  runs: string,
  page: Page,
): string {
  const { policy } = how;
  const started = policy.definition.prepare?.(policy.options, scenario.setup) ?? scenario.setup;
  const setup = withoutDefaultEnd(policy, started);
  const { guest, link, migration } = setup;
  const inForce = results.flatMap(({ parameters }) => lasting(parameters));
  const facts = [
    `${show('bytes', guest.ramPages * PAGE_BYTES)} guest with ${vcpus(scenario)}`,
    guest.dirtyRingSize === 0 ? 'dirty bitmap' : `dirty ring of ${guest.dirtyRingSize}`,
    `link ${formatBytesPerSecond(link.bandwidthBytesPerSecond, 'bit')}`,
    capText(inForce.length > 0 ? inForce.map(({ maxBandwidth }) => maxBandwidth) : [migration.maxBandwidth]),
    `downtime-limit ${range(
      inForce.length > 0
        ? inForce.map(({ downtimeLimitMs }) => downtimeLimitMs)
        : [migration.downtimeLimitMs],
      (ms) => show('ms', ms),
    )}`,
    ...streamText(migration.stream, setup.guest),
    ...(migration.postcopy === true ? ['postcopy-ram'] : []),
    `QEMU ${migration.qemu}`,
  ];
  const conditions = [...endText(policy, setup), `${how.memory} memory`, `seed ${how.seed}`, runs];
  const lines = [...wrapItems(facts, page.width), ...wrapItems(conditions, page.width)];
  return [page.style.strong(scenario.name), ...lines.map((line) => page.style.faint(line))].join('\n');
}

/** Without those that were replaced at once, as orchestrators set their own limit when the migration has begun. */
function lasting(parameters: readonly ParametersInForce[]): readonly ParametersInForce[] {
  return parameters.filter((_, index) => (parameters[index + 1]?.timeMs ?? Infinity) > AT_THE_START_MS);
}

/** `100 ms`, or `50 ms to 500 ms` where it was changed on the way, or differs between strategies. */
function range(values: readonly number[], text: (value: number) => string): string {
  const low = smallest(values);
  const high = largest(values);
  return low === high ? text(low) : `${text(low)} to ${text(high)}`;
}

function capText(caps: readonly number[]): string {
  if (caps.every((cap) => cap === 0)) return 'no max-bandwidth';
  const limited = caps.filter((cap) => cap > 0);
  const text = `max-bandwidth ${range(limited, (cap) => show('bytes/s', cap))}`;
  return limited.length < caps.length ? `${text} or none` : text;
}

/** `stream multifd (4 channels, zstd 3.3:1 at 500 MB/s)`; nothing for the plain one. */
function streamText(stream: StreamSpec | undefined, guest: GuestSpec): string[] {
  if (stream === undefined) return [];
  const rate = (bytesPerSecond: number): string => show('bytes/s', bytesPerSecond);
  const tls = stream.tlsBytesPerSecond > 0 ? [`TLS at ${rate(stream.tlsBytesPerSecond)}`] : [];
  const options: string[] = [];
  if (stream.kind === 'multifd') {
    options.push(`${stream.channels} ${stream.channels === 1 ? 'channel' : 'channels'}`);
    if (stream.compression !== 'none') {
      const speed =
        stream.compressionBytesPerSecond > 0 ? ` at ${rate(stream.compressionBytesPerSecond)}` : '';
      const ratios = compressibilities(guest).map((one) => ratioFor(stream.compressionRatio, one));
      const ratio = range(ratios, (one) => `${Number(one.toFixed(2))}:1`);
      options.push(`${stream.compression} ${ratio}${speed}`);
    }
  }
  if (stream.kind === 'xbzrle') options.push(`cache of ${show('bytes', stream.xbzrleCacheBytes)}`);
  for (const one of tls) options.push(one);
  if (stream.kind === 'plain') return tls.length > 0 ? [`stream plain with ${tls.join('')}`] : [];
  return [`stream ${stream.kind}${options.length > 0 ? ` (${options.join(', ')})` : ''}`];
}

/** The policy, and who ends a migration that does not end by itself. */
function endText(policy: PolicyChoice, setup: MigrationSetup): string[] {
  const ends = policy.definition.ends?.(policy.options, setup) ?? null;
  const { giveUpAfterUs } = setup.migration;
  const name = `policy ${policy.label}${ends === null ? '' : ` (${ends})`}`;
  if (giveUpAfterUs > 0) return [name, `given up after ${show('us', giveUpAfterUs)}`];
  return ends === null ? [name, 'never given up'] : [name];
}

/** `2 writer + 6 reader vCPUs`. */
function vcpus(scenario: Scenario): string {
  const counts = new Map<string, number>();
  for (const { group } of scenario.setup.guest.vcpus) counts.set(group, (counts.get(group) ?? 0) + 1);
  const groups = [...counts].map(([group, count]) => `${count} ${group}`).join(' + ');
  return `${groups} ${scenario.setup.guest.vcpus.length === 1 ? 'vCPU' : 'vCPUs'}`;
}
