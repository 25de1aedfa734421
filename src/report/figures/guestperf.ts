/** A report of guestperf, real or simulated: how long the guest took for each GiB, with the passes of the migration. */
import * as Plot from '@observablehq/plot';
import type { GuestperfReport } from '../../recording/guestperf.js';
import { median } from '../../stats/summary.js';
import { exact, fitting, fromZero } from './axes.js';
import type { Drawing, Figure } from './figure.js';
import { textWidth } from './font.js';
import { endLabels } from './labels.js';
import { frames } from './layout.js';
import { slugOf } from './names.js';
import { BELOW_WITH_TITLE, panel, tickRoom } from './panel.js';
import { type Look, lookOf, type Sheet } from './sheet.js';
import { line, picture, text } from './svg.js';
import { symbolAt } from './symbols.js';
import { type Point, thin } from './thin.js';

export const guestSpeed: Figure = {
  name: 'guestperf',
  summary: 'memory update speed of each thread of the guest, with the passes: what guestperf-plot shows',
  needs: 'a report of guestperf (JSON)',
  draw(results, sheet) {
    return results.guestperf
      .filter((report) => report.guest_timings.length > 1)
      .map((report) => drawing(report, sheet));
  },
};

function drawing(report: GuestperfReport, sheet: Sheet): Drawing {
  const { font } = sheet;
  const { guest_timings: timings, progress_history: history } = report;
  const times = [...timings, ...report.qemu_timings].map(({ timestamp }) => timestamp);
  const startS = Math.min(...times);
  const endS =
    Math.max(...timings.map(({ timestamp }) => timestamp), ...history.map(({ now }) => now)) - startS;
  const values = timings.map(({ value }) => value);
  const y = values.every((value) => value > 0) ? fitting(values, 4) : fromZero(values, 4);
  const threads = threadsOf(report);
  const words = [...threads.map((thread) => thread.words), 'passes'];
  const right = Math.max(...words.map((one) => textWidth(one, font))) + 10;
  const margins = { left: tickRoom(y, font), right, above: 5.6 * font, below: BELOW_WITH_TITLE * font };
  const { boxes, bottom } = frames(1, 14 * font, margins, sheet, { columns: 1 });
  const box = boxes[0]!;
  const drawn = panel(sheet, {
    box,
    x: exact(0, endS, box.width / (6 * font)),
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
    const last = curveOf(report, thread.tids[0]!, startS).at(-1)!;
    return { lines: [thread.words], fill: thread.look.color, x: drawn.px(last.x), y: drawn.py(last.y) };
  });
  const rug = box.y - 2.3 * font;
  const marks = history.map(({ now, status }, index) => {
    const x = drawn.px(now - startS);
    const last = index === history.length - 1;
    const tick = line(x, rug - 0.4 * font, x, rug + 0.4 * font, 'stroke-width="0.8" stroke-opacity="0.7"');
    const at = Math.min(x + 0.7 * font, sheet.width - textWidth(status, font));
    return last ? symbolAt(END, x, rug, 0.35 * font) + text(at, rug - 0.6 * font, status) : tick;
  });
  const { name } = report.scenario;
  return {
    name: `guestperf-${slugOf(name)}`,
    caption: `${name}: time that each thread of the guest took for one GiB of memory, before, during and after the migration; ticks are passes.`,
    svg: picture(sheet, bottom + 2, `Guest memory update speed of ${name}`, [
      text(box.x, 1.1 * font, name),
      text(box.x, box.y - 0.6 * font, 'Memory update speed (ms/GiB)'),
      text(box.x + box.width + 5, rug + 0.35 * font, 'passes'),
      endLabels(labels, box.x + box.width + 6, box, font),
      ...marks,
      drawn.svg,
    ]),
  };
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
  const inARow = tids.every((tid, index) => tid === tids[0]! + index);
  return inARow ? `threads ${tids[0]}–${tids.at(-1)}` : `${tids.length} threads`;
}

function curveOf({ guest_timings: timings }: GuestperfReport, tid: number, startS: number): Point[] {
  const own = timings.filter((timing) => timing.tid === tid).sort((a, b) => a.timestamp - b.timestamp);
  return own.map(({ timestamp, value }) => ({ x: timestamp - startS, y: value }));
}
