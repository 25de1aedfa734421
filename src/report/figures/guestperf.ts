/** A report of guestperf, real or simulated: how long the guest took for each GiB, with the passes of the migration. */
import { lastOf, nth, pairs, zip } from '../../lists.js';
import * as Plot from '@observablehq/plot';
import type { GuestperfReport } from '../../formats/guestperf/read.js';
import { median } from '../../stats/summary.js';
import { exact, fitting, fromZero } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { textWidth } from './kit/font.js';
import { endLabels } from './kit/labels.js';
import { frames } from './kit/layout.js';
import { slugOf } from './kit/names.js';
import { type Axis, BELOW_WITH_TITLE, type Box, panel, tickRoom } from './kit/panel.js';
import { type Look, lookOf, type Sheet } from './kit/sheet.js';
import { line, picture, text } from './kit/svg.js';
import { symbolAt } from './kit/symbols.js';
import { type Point, thin } from './data/thin.js';
import { largest, smallest } from '../../stats/extremes.js';

export const guestSpeed: Figure = {
  name: 'guestperf',
  summary: 'memory update speed of each thread of the guest, with the passes: what guestperf-plot shows',
  needs: 'a report of guestperf (JSON), or a folder with some',
  draw({ guestperf }, sheet) {
    const reports = guestperf.filter((report) => report.guest_timings.length > 1);
    return reports.length === 0 ? [] : [drawing(reports, sheet)];
  },
};

interface Frame {
  readonly x: Axis;
  readonly y: Axis;
  readonly box: Box;
  readonly title: string;
}

/** Reports one below the other, on the same axes. */
function drawing(reports: readonly GuestperfReport[], sheet: Sheet): Drawing {
  const { font } = sheet;
  const values = reports.flatMap((report) => report.guest_timings.map(({ value }) => value));
  const y = values.every((value) => value > 0) ? fitting(values, 4) : fromZero(values, 4);
  const words = [...reports.flatMap(threadsOf).map((thread) => thread.words), 'passes'];
  const right = largest(words.map((one) => textWidth(one, font))) + 10;
  const margins = { left: tickRoom(y, font), right, above: 5.6 * font, below: BELOW_WITH_TITLE * font };
  const { boxes, width, bottom } = frames(reports.length, 14 * font, margins, sheet, { columns: 1 });
  const x = exact(0, largest(reports.map(endOf)), width / (6 * font));
  const names = reports.map((report) => report.scenario.name);
  const [name] = names;
  return {
    name: reports.length === 1 ? `guestperf-${slugOf(name ?? '')}` : 'guestperf',
    caption: `${names.join('; ')}: time that each thread of the guest took for one GiB of memory, before, during and after the migration; ticks are passes.`,
    svg: picture(
      sheet,
      bottom + 2,
      `Guest memory update speed of ${names.join(', ')}`,
      zip(reports, boxes).flatMap(([report, box]) => {
        const { name: own } = report.scenario;
        const title = reports.length > 1 && report.binary === 'migsim' ? `simulated: ${own}` : own;
        return partsOf(report, { x, y, box, title }, sheet);
      }),
    ),
  };
}

function partsOf(report: GuestperfReport, { x, y, box, title }: Frame, sheet: Sheet): string[] {
  const { font } = sheet;
  const { progress_history: history } = report;
  const startS = startOf(report);
  const threads = threadsOf(report);
  const drawn = panel(sheet, {
    box,
    x,
    y,
    xTitle: 'Time (s)',
    marks: threads.flatMap((thread) =>
      thread.tids.map((tid) =>
        Plot.line(thin(curveOf(report, tid, startS), Math.ceil(box.width / 2)), {
          x: 'x',
          y: 'y',
          stroke: thread.look.color,
          strokeWidth: 1,
          ariaDescription: `thread ${tid}`,
        }),
      ),
    ),
  });
  const labels = threads.map((thread) => {
    const last = lastOf(curveOf(report, nth(thread.tids, 0), startS));
    return { lines: [thread.words], fill: thread.look.color, x: drawn.px(last.x), y: drawn.py(last.y) };
  });
  const rug = box.y - 2.3 * font;
  const marks = history.map(({ now, status }, index) => {
    const at = drawn.px(now - startS);
    const last = index === history.length - 1;
    const tick = line(at, rug - 0.4 * font, at, rug + 0.4 * font, 'stroke-width="0.8" stroke-opacity="0.7"');
    const wordsAt = Math.min(at + 0.7 * font, sheet.width - textWidth(status, font));
    return last ? symbolAt(END, at, rug, 0.35 * font) + text(wordsAt, rug - 0.6 * font, status) : tick;
  });
  return [
    text(box.x, box.y - 4.5 * font, shortened(title, sheet.width - box.x, font)),
    text(box.x, box.y - 0.6 * font, 'Memory update speed (ms/GiB)'),
    text(box.x + box.width + 5, rug + 0.35 * font, 'passes'),
    endLabels(labels, box.x + box.width + 6, box, font),
    ...marks,
    drawn.svg,
  ];
}

/** Cut where it is wider than that. */
function shortened(words: string, width: number, font: number): string {
  let kept = words;
  while (kept.length > 1 && textWidth(kept === words ? kept : `${kept}…`, font) > width)
    kept = kept.slice(0, -1);
  return kept === words ? words : `${kept}…`;
}

/** The first sample, s on the report's clock. */
function startOf({ guest_timings: guest, qemu_timings: qemu }: GuestperfReport): number {
  return smallest([...guest, ...qemu].map(({ timestamp }) => timestamp));
}

/** The last reading or record, s after the first sample. */
function endOf(report: GuestperfReport): number {
  const { guest_timings: timings, progress_history: history } = report;
  const times = [...timings.map(({ timestamp }) => timestamp), ...history.map(({ now }) => now)];
  return largest(times) - startOf(report);
}

const END: Look = { symbol: 'star', color: 'currentColor' };

interface Threads {
  readonly tids: readonly number[];
  readonly words: string;
  readonly look: Look;
}

/** Threads that are equally fast most of the time are shown in one colour. */
function threadsOf({ guest_timings: timings }: GuestperfReport): Threads[] {
  const tids = [...new Set(timings.map(({ tid }) => tid))].sort((a, b) => a - b);
  const groups: { tids: number[]; speed: number }[] = [];
  for (const tid of tids) {
    const speed = median(timings.filter((timing) => timing.tid === tid).map(({ value }) => value));
    const like = groups.find((group) => Math.abs(group.speed - speed) <= 0.05 * speed);
    if (like === undefined) groups.push({ tids: [tid], speed });
    else like.tids.push(tid);
  }
  return groups.map((group, index) => ({
    tids: group.tids,
    words: threadWords(group.tids),
    look: lookOf(index),
  }));
}

function threadWords(tids: readonly number[]): string {
  if (tids.length === 1) return `thread ${tids[0]}`;
  const inARow = [...pairs(tids)].every(([before, tid]) => tid === before + 1);
  return inARow ? `threads ${tids[0]}–${tids.at(-1)}` : `${tids.length} threads`;
}

function curveOf({ guest_timings: timings }: GuestperfReport, tid: number, startS: number): Point[] {
  const own = timings.filter((timing) => timing.tid === tid).sort((a, b) => a.timestamp - b.timestamp);
  return own.map(({ timestamp, value }) => ({ x: timestamp - startS, y: value }));
}
