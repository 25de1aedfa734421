/** One run in detail, for people. */
import { lastOf, nth } from '../../lists.js';
import { show } from '../../experiment/expect/measure.js';
import type { MigrationResult, SyncRecord, VcpuResult } from '../../migration/result.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Scenario } from '../../scenario/scenario.js';
import { mean } from '../../stats/summary.js';
import { timelineColumns } from '../columns/timeline.js';
import { decisionsText } from './decisions-text.js';
import { type HowRun, heading } from './kit/heading.js';
import { sparkline } from './kit/sparkline.js';
import { type Page, plainPage } from './kit/style.js';
import { grid } from './kit/grid.js';
import { outcomeText } from './kit/outcome.js';
import { reasonsOf } from './kit/reasons.js';
import { counted, wrap } from './kit/text.js';
import { largest } from '../../stats/extremes.js';

const LABEL_WIDTH = 11;
/** Of a long list of syncs, this many of the first and of the last are shown. */
const SYNCS_AT_ENDS = 8;
const GROUP_WIDTH = 12;

/** Ends without a line break. `verbose`: every decision with the rule that took it. */
export function runReport(
  scenario: Scenario,
  result: MigrationResult,
  how: HowRun,
  verbose: boolean,
  page: Page = plainPage,
): string {
  const parts = [
    heading(scenario, how, [result], `run ${result.run}`, page),
    `${page.style.strong(result.strategy)}: ${(result.converged ? page.style.good : page.style.bad)(outcomeText(result))}`,
    summary(result, page),
    curves(result, page),
    syncTable(result.syncs),
    groupTable(result.vcpus),
    verbose ? decisionsText(result.decisions, page) : '',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function summary(result: MigrationResult, page: Page): string {
  const lines: [string, string][] = [];
  if (result.downtimeMs !== null) {
    const blackout =
      result.blackoutMs === null ? '' : `; the guest was stopped for ${show('ms', result.blackoutMs)}`;
    lines.push(['downtime', `${show('ms', result.downtimeMs)} as QEMU reports it${blackout}`]);
  }
  const times = (result.sentBytes / result.totalRamBytes).toFixed(2);
  lines.push([
    'data sent',
    `${show('bytes', result.sentBytes)}, ${times} x RAM, in ${counted(result.dirtySyncCount, 'bitmap sync')}`,
  ]);
  if (result.firstThrottleMs !== null) {
    const peaks = [
      result.maxThrottlePercent > 0 ? `CPU throttle up to ${show('percent', result.maxThrottlePercent)}` : '',
      result.maxRingFullSleepUs > 0
        ? `sleeps at a full ring up to ${show('us', result.maxRingFullSleepUs)}`
        : '',
    ].filter((text) => text !== '');
    const work = [
      result.writersWorkHeld === null ? '' : `writers did ${show('share', result.writersWorkHeld)}`,
      result.readersWorkHeld === null ? '' : `readers ${show('share', result.readersWorkHeld)}`,
    ].filter((text) => text !== '');
    const meanwhile = work.length === 0 ? [] : [`in which ${work.join(', ')} of their work`];
    const held = `from ${show('ms', result.firstThrottleMs)} on, for ${show('ms', result.heldTimeMs)}`;
    lines.push(['held back', [held, ...meanwhile, ...peaks].join(', ')]);
  }
  if (result.postcopyTimeMs > 0) {
    const asked = counted(result.postcopyRequests, 'page');
    lines.push(['post-copy', `${show('ms', result.postcopyTimeMs)}, in which the guest asked for ${asked}`]);
  }
  lines.push(['price', price(result)]);
  const reasons = reasonsOf(result);
  if (reasons !== null) lines.push(['why', reasons]);
  return lines.flatMap(([label, text]) => labelled(label, text, page)).join('\n');
}

/** Of both hosts; a part is named where it is a tenth of its side or more. */
function price(result: MigrationResult): string {
  const of = (side: string, allMs: number, memory: number, parts: readonly [string, number][]): string => {
    const named = parts
      .filter(([, ms]) => ms >= allMs / 10 && ms < allMs)
      .map(([what, ms]) => `${show('ms', ms)} ${what}`);
    const of = named.length < 2 ? '' : ` (${named.join(', ')})`;
    return `${side} ${show('ms', allMs)} of CPU time${of} and up to ${show('bytes', memory)} of memory`;
  };
  const sender = of('source', result.senderCpuMs, result.senderMemoryBytes, [
    ['sending', result.sendCpuMs],
    ['encoding', result.encodeCpuMs],
    ['looking for zeros', result.zeroTestCpuMs],
    ['syncing', result.syncCpuMs],
  ]);
  const receiver = of('destination', result.receiverCpuMs, result.receiverMemoryBytes, [
    ['receiving', result.receiveCpuMs],
    ['decoding', result.decodeCpuMs],
    ['at page faults', result.faultCpuMs],
  ]);
  return `${sender}; ${receiver}`;
}

function labelled(label: string, text: string, page: Page): string[] {
  const indent = ' '.repeat(LABEL_WIDTH);
  const [first = '', ...rest] = wrap(text, page.width - LABEL_WIDTH);
  return [label.padEnd(LABEL_WIDTH) + first, ...rest.map((line) => indent + line)];
}

/** The timeline as one line of blocks a curve, all over the same time. */
function curves(result: MigrationResult, page: Page): string {
  if (result.timeline.length < 2) return '';
  const notes = [
    curve('remaining_bytes', 'remaining', result, (top) => `of ${show('bytes', top)}`),
    curve('throttle_percent', 'throttle', result, (top) => `of ${show('percent', top)}`, 100),
    curve('writers_work_share', 'writers', result, (top) => `of ${show('share', top)} work`, 1),
    curve('readers_work_share', 'readers', result, (top) => `of ${show('share', top)} work`, 1),
  ].filter((one) => one !== null);
  const width = page.width - LABEL_WIDTH - 2 - largest(notes.map(({ note }) => note.length));
  const used = Math.min(width, result.timeline.length);
  const end = show('ms', lastOf(result.timeline).timeMs);
  const axis = `0 s${end.padStart(Math.max(used - 3, end.length + 1))}`;
  return [
    ...notes.map(({ label, values, top, note }) => {
      const line = sparkline(values, width, top).padEnd(used);
      return `${label.padEnd(LABEL_WIDTH)}${line}  ${page.style.faint(note)}`;
    }),
    page.style.faint(' '.repeat(LABEL_WIDTH) + axis),
  ].join('\n');
}

interface Curve {
  readonly label: string;
  readonly values: readonly number[];
  readonly top: number;
  readonly note: string;
}

/** null where there is nothing to draw. */
function curve(
  name: string,
  label: string,
  result: MigrationResult,
  note: (top: number) => string,
  fixedTop?: number,
): Curve | null {
  const column = timelineColumns.find((candidate) => candidate.name === name);
  const points = result.timeline.map((point) => column?.get({ result, point }) ?? null);
  if (points.every((value) => value === null || value === 0)) return null;
  const values = points.map(Number);
  const top = fixedTop ?? largest(values);
  return { label, values, top, note: note(top) };
}

function syncTable(syncs: readonly SyncRecord[]): string {
  if (syncs.length === 0) return '';
  const columns = ['sync', 'at', 'cause', 'remaining', 'dirtied', 'bandwidth', 'detector', 'brake'];
  const head = columns.map((column) => ({ head: column, align: leftAligned(column) }));
  const rows = syncs.map((sync) => [
    String(sync.n),
    `${(sync.timeMs / 1e3).toFixed(1)} s`,
    sync.cause,
    show('bytes', sync.remainingBytes),
    show('bytes', sync.newDirtyPages * PAGE_BYTES),
    sync.bandwidthBytesPerSecond === 0 ? '' : show('bytes/s', sync.bandwidthBytesPerSecond),
    sync.detector === 'not-eligible' ? '' : sync.detector,
    brake(sync),
  ]);
  if (rows.length <= 2 * SYNCS_AT_ENDS + 1) return grid(head, rows);
  const skipped = columns.map((_, index) => (index === 0 ? '...' : ''));
  return grid(head, [...rows.slice(0, SYNCS_AT_ENDS), skipped, ...rows.slice(-SYNCS_AT_ENDS)]);
}

function leftAligned(column: string): 'left' | 'right' {
  return column === 'cause' || column === 'detector' || column === 'group' ? 'left' : 'right';
}

/** What holds the guest back after this sync: a throttle in percent, or the longest sleep at a full ring. */
function brake(sync: SyncRecord): string {
  const sleepUs = Math.max(0, largest(sync.vcpuSleepUs));
  if (sync.throttlePercent > 0) return show('percent', sync.throttlePercent);
  return sleepUs > 0 ? show('us', sleepUs) : '';
}

/** Where run time went, by vCPU; a column of zeros is left out. */
const LOSSES: readonly (readonly [string, (vcpu: VcpuResult) => number])[] = [
  ['faults', (vcpu) => vcpu.faultMs],
  ['throttle', (vcpu) => vcpu.throttledMs],
  ['ring', (vcpu) => vcpu.ringSleepMs + vcpu.ringExitMs],
  ['post-\ncopy', (vcpu) => vcpu.postcopyBlockedMs],
  ['blackout', (vcpu) => vcpu.blackoutMs],
];

function groupTable(vcpus: readonly VcpuResult[]): string {
  const losses = LOSSES.filter(([, get]) => vcpus.some((vcpu) => show('ms', get(vcpu)) !== show('ms', 0)));
  const rows = [...new Set(vcpus.map((vcpu) => vcpu.group))].map((group) => {
    const members = vcpus.filter((vcpu) => vcpu.group === group);
    const work = members.map((vcpu) => vcpu.workDone).filter((value) => value !== null);
    return [
      clipped(group),
      String(members.length),
      show('share', work.length === 0 ? null : mean(work)),
      show('ms', largest(members.map((vcpu) => vcpu.longestStallMs))),
      ...losses.map(([, get]) => show('ms', mean(members.map(get)))),
    ];
  });
  const heads = ['group', 'vCPUs', 'work', 'longest\nstall', ...losses.map(([head]) => head)];
  const table = grid(
    heads.map((head) => ({ head, align: leftAligned(head) })),
    rows,
  );
  const note = losses.length === 0 ? '' : ` From ${nth(losses, 0)[0]} on: time lost, mean of the group.`;
  return `${table}\n\nWork: against an unmigrated run.${note}`;
}

function clipped(name: string): string {
  return name.length <= GROUP_WIDTH ? name : `${name.slice(0, GROUP_WIDTH - 1)}…`;
}
