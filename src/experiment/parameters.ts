/** Everything that a scenario comes to, defaults included, as a flat list that two versions can be compared by. */
import { PAGE_BYTES, type VcpuSpec, type ZeroExtent } from '../guest/spec.js';
import type { Choice, Scenario } from '../scenario/scenario.js';
import type { StrategyDefinition } from '../strategies/define.js';
import { formatBytes, formatBytesPerSecond, formatDurationMs } from '../units.js';

export type Parameter = string | number | boolean | null;

/** By dotted name, such as `guest.vcpus.writer.count` and `migration.downtimeLimitMs`, in the order of the scenario. */
export type Parameters = Readonly<Record<string, Parameter>>;

export interface ParameterChange {
  readonly name: string;
  /** null: it was not there. */
  readonly before: Parameter;
  readonly after: Parameter;
}

/** What belongs to a run (memory, seed, run, sampling) is not among them, nor are words that change nothing. */
export function parametersOf(scenario: Scenario): Parameters {
  const { guest, host, link } = scenario.setup;
  const { giveUpByDefault: _default, ...migration } = scenario.setup.migration;
  // Where zero pages lie follows from the working sets, as their own places do.
  const { vcpus, zeroExtents, ...memory } = guest;
  const total = (pages: (extent: ZeroExtent) => number): number =>
    zeroExtents.reduce((sum, extent) => sum + pages(extent), 0);
  const zeroPages = total((extent) => extent.zeroPages ?? extent.pages);
  const hintedPages = total((extent) => (extent.hintedZeroPages ?? 0) + (extent.hintedDataPages ?? 0));
  const {
    summary: _summary,
    source: _source,
    residuals: _residuals,
    variabilityOrigins: _origins,
    ...costs
  } = host;
  const flat: Record<string, Parameter> = {};
  flatten('guest', { ...memory, zeroPages, hintedPages }, flat);
  flatten('guest.vcpus', groupsOf(vcpus), flat);
  flatten('host', costs, flat);
  flatten('link', link, flat);
  flatten('migration', migration, flat);
  flatten('policy', named(scenario.policy), flat);
  flatten('strategies', Object.fromEntries(scenario.strategies.map((s) => [s.label, named(s)])), flat);
  return flat;
}

/** Those that differ, in the order of the later list; those that are gone come last. */
export function changedParameters(before: Parameters, after: Parameters): ParameterChange[] {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names
    .map((name) => ({ name, before: before[name] ?? null, after: after[name] ?? null }))
    .filter((change) => change.before !== change.after);
}

/** For people: the unit is in the name, so that the value can be shown in the one that fits. */
export function showParameter(name: string, value: Parameter): string {
  if (typeof value !== 'number') return value === null ? 'nothing' : String(value);
  if (/(writes|reads)PerSecond$/.test(name)) return formatBytesPerSecond(value * PAGE_BYTES);
  if (/Pages$|classes\.\d+\.pages$/.test(name)) return formatBytes(value * PAGE_BYTES);
  if (/Bytes?PerSecond$|Bandwidth$/.test(name)) return value === 0 ? '0' : formatBytesPerSecond(value);
  if (/Bytes$/.test(name)) return formatBytes(value);
  if (/Ms$/.test(name)) return formatDurationMs(value);
  if (/Us$/.test(name)) return formatDurationMs(value / 1e3);
  return String(value);
}

/** vCPUs of one name and one kind stand together. Where in RAM their pages lie follows from the order. */
function groupsOf(vcpus: readonly VcpuSpec[]): Record<string, unknown> {
  const counts = new Map<string, { kind: object; group: string; count: number }>();
  for (const { group, ...spec } of vcpus) {
    const classes = spec.classes.map(({ firstPage: _, ...rest }) => rest);
    const kind = { ...spec, classes };
    const key = JSON.stringify([group, kind]);
    counts.set(key, { kind, group, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const groups: Record<string, unknown> = {};
  for (const { kind, group, count } of counts.values()) {
    const alike = Object.keys(groups).filter((name) => name.replace(/ \d+$/, '') === group).length;
    groups[alike === 0 ? group : `${group} ${alike + 1}`] = { count, ...kind };
  }
  return groups;
}

function named({ definition, options }: Choice<StrategyDefinition>): Record<string, unknown> {
  return { name: definition.name, ...options };
}

function flatten(name: string, value: unknown, into: Record<string, Parameter>): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null) {
    into[name] = value as Parameter;
    return;
  }
  for (const [key, inner] of Object.entries(value)) flatten(`${name}.${key}`, inner, into);
}
