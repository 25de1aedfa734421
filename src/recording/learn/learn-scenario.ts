/** A learned guest as the text of a scenario file: what was learned, from what, how sure it is, and what was assumed. */
import { dirtyPagesIn, type DirtyPoint, type UniformSet } from '../../guest/dirty-curve.js';
import { fileName } from '../../formats/text.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { formatBytes, formatBytesPerSecond, formatDurationMs, formatPercent } from '../../units.js';
import {
  CPU_SPREAD,
  DEFAULT_QEMU,
  leastLink,
  wasThrottled,
  type CurveReading,
  type Learned,
  type LearnedGuest,
} from './learned.js';
import { autoConvergeOf, PLACING_IN_RATE_NS } from '../validate/replay.js';
import { fittingRoom, LONGEST_POINT_US } from './room.js';
import { comment, exactRate, exactSize } from './answer/scenario-text.js';
import { postcopyLimit, type SelfCheck } from './answer/self-check.js';
import type { Understood } from './answer/understood.js';

const { ceil, floor, log, max, min, round } = Math;

/** Points that the curve is written with; the scenario's own fit finds the same sets in them. */
const CURVE_POINTS = 12;

const SOURCES = {
  log: 'the log of its migration',
  totals: 'the totals of its migration',
  readings: 'readings of its dirty curve',
};

/** The file's text, ending with a line break. `check`: the comparison with the log, when one was made. */
export function learnedScenario(learned: Learned, check: SelfCheck | null, words: Understood): string {
  const { guest, migration } = learned;
  const lines = [
    '# yaml-language-server: $schema=../schema/scenario.schema.json',
    ...comment(
      `Shows: the guest of ${fileName(learned.file)} under other strategies, learned from ${SOURCES[learned.from]}.`,
    ),
    ...(learned.from === 'log'
      ? comment(`Expect: under ${strategyName(learned)} what the log shows: ${whatHappened(learned)}.`)
      : []),
    ...comment(''),
    ...words.lines.flatMap(([label, text]) => comment(`${label}: ${text}.`, '', '', '  ')),
    ...learnedComments(learned, check),
    ...comment(`What would show more: ${words.next}.`),
    'guest:',
    `  memory: ${exactSize(guest.ramPages * PAGE_BYTES)}`,
    ...comment(zeroComment(guest), '  '),
    ...zeroLines(guest),
    `  hidden: ${exactSize(guest.hiddenPages * PAGE_BYTES)}`,
    `  dirty-ring-size: ${guest.dirtyRingSize} # dirty-limit and dirty-restraint need a ring, such as 4096`,
    '  vcpus:',
    ...(guest.classes.length === 0 ? [] : comment(cpuComment(guest), '    ')),
    ...Array.from({ length: guest.vcpus }, (_, part) => vcpuLines(guest, part)).flat(),
    ...hostLines(learned),
    ...linkLines(learned),
    'migration:',
    ...(migration.qemu === DEFAULT_QEMU ? [] : [`  qemu: '${migration.qemu}'`]),
    ...bandwidthLines(learned),
    `  downtime-limit: ${migration.downtimeLimitMs}ms`,
    ...(migration.manualDirtyLogProtect ? [] : ['  manual-dirty-log-protect: false']),
    ...postcopyLines(learned),
    '  give-up-after: 10min',
    ...comment(
      wasThrottled(learned)
        ? 'auto-converge was on in the log: what it left to the guest is in what was learned'
        : 'the first is what the log shows',
    ),
    'strategies:',
    ...(wasThrottled(learned)
      ? ['  - none']
      : byLog(learned, '  - none', `  - ${autoConvergeLine(learned)}`)),
    ...(guest.dirtyRingSize > 0 ? ['  - dirty-limit: { vcpu-dirty-limit: 50MiB/s }'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function strategyName({ migration }: Learned): string {
  return autoConvergeOf(migration.throttleSteps).strategy;
}

function byLog(learned: Learned, none: string, autoConverge: string): string[] {
  return strategyName(learned) === 'none' ? [none, autoConverge] : [autoConverge, none];
}

/** With the steps that the log shows, else QEMU's. */
function autoConvergeLine({ migration }: Learned): string {
  const options = Object.entries(autoConvergeOf(migration.throttleSteps).options);
  if (options.length === 0) return 'auto-converge';
  return `auto-converge: { ${options.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
}

function whatHappened({ migration, plateau, loadEndedUs }: Learned): string {
  if (loadEndedUs !== null && plateau !== null) {
    return `a plateau of ${formatDurationMs(plateau.passUs / 1000)} per pass (in the log until the load ended, after ${formatDurationMs(loadEndedUs / 1000)})`;
  }
  if (migration.completed) return `it completes after about ${formatDurationMs(migration.totalTimeMs)}`;
  if (plateau === null) return 'passes that still shrink where the log ends';
  return `a plateau of ${formatDurationMs(plateau.passUs / 1000)} per pass`;
}

// -------------------------------------------------------------------------------------------------------- comments

function learnedComments(learned: Learned, check: SelfCheck | null): string[] {
  const { guest, passes } = learned;
  return [
    ...(guest.readings.length === 0
      ? []
      : comment(
          learned.from === 'log'
            ? `Learned from ${passes.length} passes. What came back at the syncs (length of the pass: newly dirty memory):`
            : guest.intensity !== undefined
              ? 'The middle of what the log leaves open (period: dirtied memory):'
              : 'Readings (period: dirtied memory):',
        )),
    ...guest.readings.flatMap((reading) => comment(readingText(reading), '', '  ')),
    ...(guest.readings.length === 0
      ? []
      : comment(
          `${guest.pattern === 'sequential' ? 'The loop' : 'The sets'} below ${guest.pattern === 'sequential' ? 'fits' : 'fit'} the curve behind that to ${formatPercent(guest.residual)} (root mean square).`,
        )),
    ...(check === null ? [] : comment(checkText(check))),
    ...comment('Assumed:'),
    ...learned.assumptions.flatMap((assumption) => comment(assumption, '', '  - ', '    ')),
  ];
}

function readingText({ durationUs, pages, passes, low, high }: CurveReading): string {
  const size = `${formatDurationMs(durationUs / 1000)}: ${formatBytes(pages * PAGE_BYTES)}`;
  if (passes.length === 0) return size;
  if (passes.length === 1) return `${size}, one pass`;
  const spread =
    low === high
      ? ''
      : `, 5 % to 95 %: ${formatBytes(low * PAGE_BYTES)} to ${formatBytes(high * PAGE_BYTES)}`;
  return `${size}, ${passes.length} passes${spread}`;
}

function checkText({ passes, plateau, medianDeviation, largestDeviation }: SelfCheck): string {
  if (medianDeviation === null || largestDeviation === null)
    return 'Simulated again under the rules of the log, it has no pass that can be compared with the log.';
  const settled =
    plateau === null
      ? ''
      : `; plateau ${formatDurationMs(plateau.logged.passMs)} per pass in the log, ${formatDurationMs(plateau.simulated.passMs)} simulated`;
  const median = formatPercent(medianDeviation);
  return (
    `Simulated again under the log's rules, pass lengths and what remains after the syncs differ from the log by ${median} ` +
    `(median), ${formatPercent(largestDeviation)} at most, over ${passes.length === 1 ? 'one pass' : `${passes.length} passes`}${settled}.`
  );
}

function zeroComment(guest: LearnedGuest): string {
  const { zeroPages, zeroExtents, hiddenPages } = guest;
  if (zeroPages === 0) return 'no zero pages are known of';
  const hidden =
    hiddenPages > 0
      ? `, of which ${formatBytes(hiddenPages * PAGE_BYTES)} are taken for ROMs and video memory`
      : '';
  if (zeroExtents.length === 0) return `${zeroPages} zero pages${hidden}; where they lie is assumed`;
  const where = zeroExtents.length === 1 ? 'one stretch' : `${zeroExtents.length} stretches`;
  return `${zeroPages} zero pages in ${where}${hidden}; short stretches are put together`;
}

function zeroLines({ layout }: LearnedGuest): string[] {
  if (layout.zero.length === 0) return ['  zero-pages: 0%'];
  return [
    '  zero-pages:',
    ...layout.zero.map(
      ({ firstPage, pages }) =>
        `    - { at: ${exactSize(firstPage * PAGE_BYTES)}, size: ${exactSize(pages * PAGE_BYTES)} }`,
    ),
  ];
}

function cpuComment(guest: LearnedGuest): string {
  const spread = 2 * CPU_SPREAD * guest.cpu;
  const known = guest.cpuAssumed
    ? `cpu: an assumption, the log does not say it. With --runs every run draws it, mostly between ` +
      `${formatPercent(guest.cpu - spread)} and ${formatPercent(guest.cpu + spread)}, as one throttled database leaves open. `
    : "cpu: as given, or as the syncs under the log's throttles say. ";
  return (
    known +
    `The load needs ${formatPercent(guest.cpu)} of its vCPU's run time; what it does not ` +
    'need (waiting for clients or a disk) absorbs the cost of dirty tracking, and with catch-up makes up for throttles: ' +
    'a throttle of f costs nothing while 1 - f is at least cpu. At 100% a throttle takes its share of the work.'
  );
}

// ---------------------------------------------------------------------------------------------------------- values

function vcpuLines(guest: LearnedGuest, part: number): string[] {
  if (guest.classes.length === 0)
    return part > 0 ? [] : [`    - { name: load, count: ${guest.vcpus}, workload: idle }`];
  const { roomFirstPage, roomPages } = guest.layout;
  const partPages = floor(roomPages / guest.vcpus);
  const [loop] = guest.classes;
  const workload =
    guest.pattern === 'sequential' && loop !== undefined
      ? loopLines(loop, guest.vcpus)
      : part > 0
        ? [
            `      workload: { dirty-curve: { points: *curve${guest.intensity === undefined ? '' : ', intensity: *intensity'} } }`,
          ]
        : [
            '      workload:',
            '        dirty-curve:',
            ...intensityLines(guest),
            '          points: &curve',
            ...curveLines(guest).map((line) => `            - ${line}`),
          ];
  return [
    '    - name: load',
    `      at: ${exactSize((roomFirstPage + part * partPages) * PAGE_BYTES)}`,
    `      cpu: ${cpuText(guest, part)}`,
    '      catch-up: true',
    ...(part === 0 && guest.vcpus > 1
      ? comment(
          `one ${ordinalPart(guest.vcpus)} of the whole load${guest.pattern === 'sequential' ? '' : "'s curve"}`,
          '      ',
        )
      : []),
    ...workload,
  ];
}

/** Values of a quantity of which only the ends are known: as many to each factor. Half of the runs take the largest, which a promise rests on. */
const STEPS = 7;

/** One quantity for all parts of the load: an anchor. */
function intensityLines({ intensity, vcpus }: LearnedGuest): string[] {
  if (intensity === undefined) return [];
  const { low, high } = intensity;
  const values = Array.from({ length: STEPS }, (_, at) => low * (high / low) ** (at / (STEPS - 1)));
  const text = values.map((factor) => `${(factor * 100).toFixed(1)}%`).join(', ');
  const weights = values.map((_, at) => (at < STEPS - 1 ? 1 : STEPS - 1));
  return [
    ...comment(
      'from the shortest passes that the log allows to the longest, which half of the runs draw',
      '          ',
    ),
    `          intensity: ${vcpus > 1 ? '&intensity ' : ''}{ any-of: [${text}], weights: [${weights.join(', ')}] }`,
  ];
}

/** Likewise. */
function cpuText({ cpu, cpuAssumed, vcpus }: LearnedGuest, part: number): string {
  if (!cpuAssumed) return exactShare(cpu);
  if (part > 0) return '*cpu';
  return `${vcpus > 1 ? '&cpu ' : ''}{ normal: [${exactShare(cpu)}, ${exactShare(CPU_SPREAD)}] }`;
}

function loopLines({ pages, writesPerSecond }: UniformSet, vcpus: number): string[] {
  const write = exactRate(max(1, round((writesPerSecond * PAGE_BYTES) / vcpus)));
  const size = exactSize(max(1, floor(pages / vcpus)) * PAGE_BYTES);
  return [`      workload: { write: ${write}, working-set: ${size}, pattern: sequential }`];
}

function ordinalPart(vcpus: number): string {
  return vcpus === 2 ? 'half' : vcpus === 4 ? 'quarter' : `${vcpus}th`;
}

function curveLines(guest: LearnedGuest): string[] {
  return curvePoints(guest).map(
    ({ durationUs, pages }) => `[${durationUs}us, ${(pages * PAGE_BYTES) / 1024}KiB]`,
  );
}

/** What a scenario takes at most, less room for what `fittingRoom` puts behind it. */
const LONGEST_US = LONGEST_POINT_US - 1e6;

/**
 * The fitted curve of one vCPU's part, at times evenly spaced in logarithms from the shortest reading to the longest. Where
 * the sets that a scenario finds in these points would need more than the part's room, points far behind say where they end.
 */
function curvePoints(guest: LearnedGuest): readonly DirtyPoint[] {
  const known = guest.readings.length === 1 ? guest.curve : guest.readings;
  const shortest = min(known[0]?.durationUs ?? 1e6, LONGEST_US / 2);
  const last = min(known.at(-1)?.durationUs ?? 0, LONGEST_US);
  const longest = max(last, shortest * 1.01, shortest + CURVE_POINTS);
  const partPages = floor(guest.layout.roomPages / guest.vcpus);
  const points: DirtyPoint[] = [];
  let before = 0;
  for (let at = 0; at < CURVE_POINTS; at += 1) {
    const spaced = round(shortest * Math.exp((at / (CURVE_POINTS - 1)) * log(longest / shortest)));
    const durationUs = max(spaced, (points.at(-1)?.durationUs ?? 0) + 1);
    const pages = max(before, round(dirtyPagesIn(guest.classes, durationUs) / guest.vcpus), 1);
    before = pages;
    points.push({ durationUs, pages: min(pages, partPages) });
  }
  return fittingRoom(points, longest, partPages);
}

function hostLines({ from, migration }: Learned): string[] {
  if (migration.postcopy?.bytesPerSecond != null)
    return [
      ...comment("placing pages at the destination is in the link's rate, which post-copy itself reached"),
      `host: { postcopy-per-page: ${PLACING_IN_RATE_NS}ns }`,
    ];
  if (from !== 'log') return [];
  return [
    ...comment('what zero pages cost in the log'),
    `host: { zero-per-page: ${migration.zeroNsPerPage}ns }`,
  ];
}

function linkLines({ from, migration }: Learned): string[] {
  const rate = migration.switchoverBytesPerSecond;
  if (from !== 'readings' && migration.maxBandwidth === 0) {
    const carried = migration.bytesPerSecond;
    return [
      ...comment(`what the log's windows carried, ${formatBytesPerSecond(carried)}: the link was the limit`),
      `link: { bandwidth: ${linkRate(carried, round)}, latency: 0us, efficiency: 100% }`,
    ];
  }
  if (from === 'readings') {
    const assumed = round(max(migration.bytesPerSecond, 1.25e9) / 1e6);
    return [...comment('an assumption'), `link: { bandwidth: ${assumed}MB/s, efficiency: 100% }`];
  }
  if (rate === null) {
    return [
      ...comment(
        'an assumption: the log does not show what flows without max-bandwidth. A link that carries more shortens the downtime ' +
          'and leaves room for a larger max-bandwidth',
      ),
      `link: { bandwidth: ${linkRate(leastLink(migration), ceil)}, latency: 0us, efficiency: 100% }`,
    ];
  }
  return [
    ...comment(`what the log's switchover reached, ${formatBytesPerSecond(rate)}`),
    `link: { bandwidth: ${linkRate(rate, round)}, latency: 0us, efficiency: 100% }`,
  ];
}

/** In whole MB/s, or kB/s where half a MB/s would be more than 5 % of it: the time of a migration goes by it. */
function linkRate(bytesPerSecond: number, whole: (value: number) => number): string {
  return bytesPerSecond < 1e7
    ? `${max(1, whole(bytesPerSecond / 1000))}kB/s`
    : `${whole(bytesPerSecond / 1e6)}MB/s`;
}

function bandwidthLines({ from, migration }: Learned): string[] {
  if (from === 'readings' || (migration.maxBandwidth !== 0 && from === 'totals'))
    return [`  max-bandwidth: ${exactRate(migration.maxBandwidth)}`];
  const seen = `the log's windows carried ${formatBytesPerSecond(migration.bytesPerSecond)}`;
  if (migration.maxBandwidth === 0)
    return [...comment(`${seen}, each another: the link was the limit`, '  '), '  max-bandwidth: unlimited'];
  return [...comment(`${seen}, all alike`, '  '), `  max-bandwidth: ${exactRate(migration.maxBandwidth)}`];
}

/** The log's own switch to post-copy, at its time; a phase that was slower than what came before was limited. */
function postcopyLines({ migration }: Learned): string[] {
  const { postcopy } = migration;
  if (postcopy === null) return [];
  const limit = postcopyLimit(migration);
  return [
    ...comment('as in the log; without these two lines it stays in pre-copy', '  '),
    '  postcopy-ram: true',
    `  at: [{ after: ${round(postcopy.atUs / 1000)}ms, do: start-postcopy }]`,
    ...(limit > 0 ? [`  max-postcopy-bandwidth: ${exactRate(limit)}`] : []),
  ];
}

/** For values: no page is lost in rounding. */
function exactShare(share: number): string {
  return `${Number((share * 100).toFixed(6))}%`;
}
