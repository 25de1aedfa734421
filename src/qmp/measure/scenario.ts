/** A measured guest as the text of a scenario file: each value with where it comes from, and what was assumed. */
import { fittingRoom } from '../../recording/learn/room.js';
import {
  autoConvergeInForce,
  dirtyLimitInForce,
  settingsInForce,
  strategyText,
} from '../../recording/in-force.js';
import { comment, exactRate, exactSize } from '../../recording/learn/answer/scenario-text.js';
import { namedVersion } from '../../migration/rules/version-names.js';
import { QEMU_VERSIONS, type QemuVersion } from '../../migration/rules/versions.js';
import {
  formatBytes,
  formatBytesPerSecond,
  formatDurationMs,
  PAGE_BYTES,
  formatPercent,
} from '../../units.js';
import { weaknessOf } from './calc.js';
import { curveOf, type MeasuredCurve, type MeasuredGroup, type PeriodMean } from './curve.js';
import { release } from './dangers.js';
import type { GuestFacts } from './facts.js';
import type { GuestMeasurement } from './measure.js';

const { floor, max, min, round } = Math;

/** What QEMU cannot say; all have defaults, which the scenario names as assumptions. */
export interface MeasuredScenarioOptions {
  /** How the guest was reached, for the first comment. */
  readonly from: string;
  /** When, for the first comment: such as an ISO date. */
  readonly at?: string;
  /** Entries of each vCPU's dirty ring; default 4096 where the guest has a ring. */
  readonly dirtyRingSize?: number;
  /** Bytes/s between the hosts; default 10 Gbit/s. */
  readonly linkBytesPerSecond?: number;
  /** Share of its time (0..1) that the load needs; default: what KVM counted, else 60 to 100 %. */
  readonly cpu?: number;
}

const DEFAULT_RING = 4096;
const DEFAULT_LINK = '10Gbit/s';
const DEFAULT_CPU = '60..100%';
/** An untouched part smaller than this is noise of the count. */
const LEAST_UNTOUCHED = 0.02;

/** The file's text, ending with a line break. It loads, and runs in `compare` and `advise`. */
export function measuredScenario(measurement: GuestMeasurement, options: MeasuredScenarioOptions): string {
  const { facts, mode } = measurement;
  const curve = curveOf(measurement.readings);
  const ring = mode === 'dirty-ring' ? (options.dirtyRingSize ?? DEFAULT_RING) : 0;
  const settings = settingsInForce(facts.parameters, facts.capabilities);
  const lines = [
    '# yaml-language-server: $schema=../schema/scenario.schema.json',
    ...opening(measurement, options, curve),
    ...(settings.ignored.length === 0
      ? []
      : comment(`In force, but not simulated: ${settings.ignored.join(', ')}.`)),
    'guest:',
    ...guestLines(measurement, options, ring),
    '  vcpus:',
    ...vcpuLines(measurement, options, curve),
    ...linkLines(options),
    'migration:',
    ...versionLines(facts),
    ...comment('query-migrate-parameters and query-migrate-capabilities', '  '),
    ...settings.migration.map(({ key, yaml }) => `  ${key}: ${yaml}`),
    '  give-up-after: 10min',
    ...comment(`the first is in force: ${settings.strategy.name}`),
    'strategies:',
    ...strategyLines(facts, settings.strategy.name, ring),
  ];
  return `${lines.join('\n')}\n`;
}

// -------------------------------------------------------------------------------------------------------- comments

function opening(
  { facts, repeats, mode, plan }: GuestMeasurement,
  { from, at }: MeasuredScenarioOptions,
  { periods, spread }: MeasuredCurve,
): string[] {
  const when = at === undefined ? '' : ` on ${at}`;
  const sampled = mode === 'page-sampling' ? [`at ${plan.samplePages} pages per GiB`] : [];
  return [
    ...comment(`Shows: the guest at ${from}, measured${when} while it was not being migrated.`),
    ...comment(''),
    ...comment(
      `QEMU ${versionText(facts)}, ${facts.hasKvm ? 'KVM' : 'no KVM'}, ${facts.machine ?? 'unknown machine'}.`,
    ),
    ...comment(
      `Measured ${repeats === 1 ? 'once' : `${repeats} times`} in each period by calc-dirty-rate, mode ${[mode, ...sampled].join(' ')}; rates are whole MiB/s, cut off:`,
    ),
    ...periods.flatMap((period) => comment(periodText(period, mode), '', '  ')),
    ...comment(
      `One measurement differs from the next by ${formatPercent(spread)} (standard deviation, cut-off included): the intensity below.`,
    ),
    ...comment(`Weakness: ${weaknessOf(mode)}.`),
  ];
}

function periodText({ periodMs, rates, mode }: PeriodMean, usual: string): string {
  const how = mode === usual ? '' : ` (${mode})`;
  return `${formatDurationMs(periodMs)}: ${rates.join(', ')} MiB/s${how}`;
}

/** `7.2.22 (Debian 1:7.2+dfsg-7)`. */
export function versionText({ version }: Pick<GuestFacts, 'version'>): string {
  const { major, minor, micro, package: packaged } = version;
  return `${major}.${minor}.${micro}${packaged === '' ? '' : ` (${packaged.replace(/^\s*\(|\)\s*$/g, '').trim()})`}`;
}

// ----------------------------------------------------------------------------------------------------------- guest

function guestLines(measurement: GuestMeasurement, options: MeasuredScenarioOptions, ring: number): string[] {
  const { facts } = measurement;
  const hidden = facts.hiddenBytes;
  return [
    `  memory: ${exactSize(facts.memoryBytes)} # query-memory-size-summary`,
    ...zeroLines(measurement),
    ...(facts.balloonBytes >= PAGE_BYTES
      ? [`  balloon: ${exactSize(wholePages(facts.balloonBytes))} # query-balloon`]
      : []),
    ...(hidden === null
      ? []
      : [`  hidden: ${exactSize(wholePages(hidden))} # info ramblock: all that is not RAM`]),
    ...hostPageLines(facts),
    ...ringLines(ring, measurement, options),
  ];
}

function wholePages(bytes: number): number {
  return floor(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** Share of RAM, in whole percent, that KVM has never mapped; 0 where nothing says so. */
function untouchedPercent({ facts, mappedBytes }: GuestMeasurement): number {
  if (mappedBytes === null) return 0;
  const share = 1 - mappedBytes / (facts.memoryBytes - facts.balloonBytes);
  return share < LEAST_UNTOUCHED ? 0 : floor(share * 100);
}

function zeroLines(measurement: GuestMeasurement): string[] {
  const untouched = untouchedPercent(measurement);
  if (untouched === 0)
    return ['  zero-pages: 0% # an assumption: QEMU does not say which pages are zero before it sends them'];
  const mapped = formatBytes(measurement.mappedBytes ?? 0);
  return [
    ...comment(
      `query-stats: KVM has mapped ${mapped}; pages that the guest never touched are zero, unless QEMU filled them`,
      '  ',
    ),
    `  zero-pages: 0..${untouched}%`,
  ];
}

const HOST_PAGES: Readonly<Record<number, string>> = {
  [2 ** 12]: '4KiB',
  [2 ** 21]: '2MiB',
  [2 ** 30]: '1GiB',
};

function hostPageLines({ hostPageBytes, blocks }: GuestFacts): string[] {
  if (blocks.length === 0) return ['  host-page: 4KiB # an assumption: QEMU lists no RAM blocks'];
  const known = HOST_PAGES[hostPageBytes];
  if (known !== undefined) return [`  host-page: ${known} # info ramblock`];
  return comment(`host pages of ${formatBytes(hostPageBytes)} cannot be simulated: 4KiB`, '  ');
}

function ringLines(
  ring: number,
  { facts, plan, mode }: GuestMeasurement,
  { dirtyRingSize }: MeasuredScenarioOptions,
): string[] {
  if (ring === 0) {
    const asked = plan.modes.includes('dirty-ring') && mode !== 'dirty-ring';
    const source = !facts.hasKvm
      ? 'only KVM has one'
      : asked
        ? 'calc-dirty-rate found no dirty ring'
        : 'an assumption: it was not safe to ask';
    return [`  dirty-ring-size: 0 # ${source}`];
  }
  const source =
    dirtyRingSize === undefined
      ? 'an assumption: the guest has a ring, but QEMU does not say of how many entries'
      : 'as given';
  return [`  dirty-ring-size: ${ring} # ${source}`];
}

// ----------------------------------------------------------------------------------------------------------- vCPUs

function vcpuLines(
  measurement: GuestMeasurement,
  options: MeasuredScenarioOptions,
  { groups, spread }: MeasuredCurve,
): string[] {
  const writers = groups.filter(({ points }) => points.length > 0);
  const ramPages = floor(measurement.facts.memoryBytes / PAGE_BYTES);
  const balloonPages = floor(measurement.facts.balloonBytes / PAGE_BYTES);
  const usable = floor((ramPages - balloonPages) * (1 - untouchedPercent(measurement) / 100));
  const all = writers.reduce((sum, group) => sum + lastPages(group), 0);
  const idle =
    measurement.facts.vcpus - (writers[0]?.vcpu === null ? measurement.facts.vcpus : writers.length);
  return [
    ...(writers.length === 0 ? [] : cpuComment(measurement, options)),
    ...writers.flatMap((group) => {
      // Sets are rounded up to whole pages.
      const room = max(1, floor((usable * lastPages(group)) / all) - 64);
      return groupLines(group, measurement, options, room, spread);
    }),
    ...(idle > 0 ? [`    - { name: idle, count: ${idle} } # below 1 MiB/s in every period`] : []),
  ];
}

function lastPages({ points }: MeasuredGroup): number {
  return points.at(-1)?.pages ?? 0;
}

function groupLines(
  group: MeasuredGroup,
  measurement: GuestMeasurement,
  options: MeasuredScenarioOptions,
  roomPages: number,
  spread: number,
): string[] {
  const isWhole = group.vcpu === null;
  const points = group.points.map((point) => ({ ...point, pages: min(point.pages, roomPages) }));
  const longest = points.at(-1)?.durationUs ?? 0;
  const written = fittingRoom(points, longest, roomPages);
  return [
    `    - name: ${isWhole ? 'load' : `vcpu-${group.vcpu}`}`,
    ...(isWhole && measurement.facts.vcpus > 1 ? [`      count: ${measurement.facts.vcpus}`] : []),
    `      cpu: ${cpuText(measurement, options)}`,
    '      workload:',
    '        dirty-curve:',
    `          intensity: { lognormal: [100%, ${spreadText(spread)}] } # how repetitions differ`,
    '          points:',
    ...written.map(
      ({ durationUs, pages }, at) =>
        `            - [${periodOf(durationUs)}, ${(pages * PAGE_BYTES) / 1024}KiB]${at < points.length ? '' : ' # where its memory ends'}`,
    ),
  ];
}

/** Exactly, in ms or s. */
function periodOf(us: number): string {
  if (us % 1e6 === 0) return `${us / 1e6}s`;
  return us % 1000 === 0 ? `${us / 1000}ms` : `${us}us`;
}

function spreadText(spread: number): string {
  return `${max(0.1, round(spread * 1000) / 10)}%`;
}

function cpuText({ busyShare }: GuestMeasurement, { cpu }: MeasuredScenarioOptions): string {
  const share = cpu ?? busyShare;
  return share === null ? DEFAULT_CPU : `${min(100, max(1, round(share * 100)))}%`;
}

function cpuComment({ busyShare }: GuestMeasurement, { cpu }: MeasuredScenarioOptions): string[] {
  const source =
    cpu !== undefined
      ? 'as given'
      : busyShare !== null
        ? 'query-stats: the share of their time for which the vCPUs were not halted'
        : 'an assumption, QEMU does not say it';
  return comment(
    `cpu: ${source}. At 100% a throttle takes its share of the work; below, the load has time to spare.`,
    '    ',
  );
}

// ------------------------------------------------------------------------------------------------------- migration

function linkLines({ linkBytesPerSecond }: MeasuredScenarioOptions): string[] {
  if (linkBytesPerSecond === undefined)
    return [
      ...comment('an assumption: QEMU does not know the link (--link)'),
      `link: { bandwidth: ${DEFAULT_LINK} }`,
    ];
  return [
    `link: { bandwidth: ${exactRate(round(linkBytesPerSecond))} } # ${formatBytesPerSecond(linkBytesPerSecond)}, as given`,
  ];
}

function versionLines({ version, machine }: GuestFacts): string[] {
  const binary = `${version.major}.${version.minor}`;
  const named = machine?.replace(/-machine$/, '') ?? '';
  const [ofBinary, ofMachine] = [namedVersion(binary), /\d/.test(named) ? namedVersion(named) : null];
  // Distributions name machine types in ways of their own: one that looks newer than its QEMU was misread.
  const isKnown = ofBinary !== null && ofMachine !== null && isUpTo(ofMachine.qemu, ofBinary.qemu);
  return [
    `  qemu: '${binary}' # query-version`,
    ...(isKnown ? [`  machine: '${named}' # the machine type of the running guest`] : []),
  ];
}

function isUpTo(version: QemuVersion, other: QemuVersion): boolean {
  return QEMU_VERSIONS.indexOf(version) <= QEMU_VERSIONS.indexOf(other);
}

/** The strategy in force comes first; dirty-limit is a capability since 8.1 and needs a ring. */
function strategyLines({ parameters, version }: GuestFacts, inForce: string, ring: number): string[] {
  const hasLimit = ring > 0 && release(version.major, version.minor) >= release(8, 1);
  const all = [
    'none',
    strategyText(autoConvergeInForce(parameters)),
    ...(hasLimit ? [strategyText(dirtyLimitInForce(parameters))] : []),
  ];
  const first = all.filter((text) => text.startsWith(inForce));
  return [...first, ...all.filter((text) => !first.includes(text))].map((text) => `  - ${text}`);
}
