/** What each pass sent: zero pages, pages sent for the first time, pages sent again; and what was dirtied meanwhile. */
import { lastOf, nth, zip } from '../../lists.js';
import * as Plot from '@observablehq/plot';
import { PAGE_BYTES } from '../../guest/spec.js';
import { type PassBytes, passBytes } from '../../migration/observe/pass-pages.js';
import { groupBy, numberIn, type Row } from '../files/rows.js';
import { exact, fromZero } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { textWidth } from './kit/font.js';
import { frames, legend } from './kit/layout.js';
import { type Name, smallPrint } from './kit/names.js';
import { type Axis, BELOW_WITH_TITLE, type Box, panel, tickRoom } from './kit/panel.js';
import type { Results } from './data/results.js';
import { BLUE, INK, type Sheet, SKY, VERMILLION } from './kit/sheet.js';
import { picture, text } from './kit/svg.js';
import { largest } from '../../stats/extremes.js';
import { MIB, GIB } from '../../units.js';

const KINDS = [
  { key: 'zero', words: 'zero pages', color: SKY },
  { key: 'first', words: 'sent for the first time', color: BLUE },
  { key: 'again', words: 'sent again', color: VERMILLION },
] as const;

/** A first pass this many times as large as any other gets a frame of its own. */
const DWARFS = 4;

export const passes: Figure = {
  name: 'passes',
  summary: 'memory covered by each pass (zero, first time, again) and dirtied meanwhile',
  needs: 'syncs.csv and the same runs in runs.csv',
  draw(results, sheet, names) {
    return [...groupBy(results.syncs, 'strategy')].flatMap(([label, syncs]) => {
      const all = passesOf(syncs, results);
      return all.length === 0 ? [] : [drawing(all, names.of(label), numberIn(syncs[0], 'run') ?? 1, sheet)];
    });
  },
};

interface Pass extends PassBytes {
  readonly n: number;
  /** While it went on, bytes. */
  readonly dirtied: number;
}

function passesOf(syncs: readonly Row[], results: Results): Pass[] {
  const [opening] = syncs;
  const run = results.runs.find((row) =>
    ['strategy', 'run', 'seed'].every((key) => row[key] === opening?.[key]),
  );
  const zeroPages = run === undefined ? null : numberIn(run, 'zero_pages');
  if (run === undefined || zeroPages === null) return [];
  const bytes = passBytes(
    syncs.map((sync) => ({
      remainingBefore: numberIn(sync, 'remaining_before_bytes') ?? 0,
      remaining: numberIn(sync, 'remaining_bytes') ?? 0,
    })),
    {
      totalRam: numberIn(run, 'total_ram_bytes') ?? 0,
      zero: zeroPages * PAGE_BYTES,
      remaining: numberIn(run, 'remaining_bytes') ?? 0,
    },
  );
  return zip(bytes, syncs).map(([pass, sync], index) => {
    const next = syncs[index + 1];
    const dirtied = next === undefined ? 0 : (numberIn(next, 'new_dirty_pages') ?? 0) * PAGE_BYTES;
    return { ...pass, n: numberIn(sync, 'sync') ?? index + 1, dirtied };
  });
}

function drawing(all: readonly Pass[], name: Name, run: number, sheet: Sheet): Drawing {
  const { font } = sheet;
  const key = legend(
    [...KINDS, { words: 'dirtied meanwhile', color: INK, stroke: true }],
    0.5 * font,
    1.8 * font,
    sheet,
  );
  const later = all.slice(1);
  const most = Math.max(0, largest(later.map(totalOf)));
  const apart = later.length > 0 && totalOf(nth(all, 0)) > DWARFS * most;
  const parts = apart ? [all, later] : [all];
  const axes = parts.map((part) => scaleOf(part));
  const margins = {
    left: largest(axes.map(({ axis }) => tickRoom(axis, font))),
    right: 6,
    above: 2 * font,
    below: (BELOW_WITH_TITLE + 0.4) * font,
  };
  const { boxes, bottom } = frames(parts.length, 11 * font, margins, sheet, { top: 1.6 * font + key.height });
  const panels = zip(zip(parts, axes), boxes).map(([[part, axis], box]) => passPanel(part, axis, box, sheet));
  const notes = smallPrint([name.note], bottom, sheet);
  return {
    name: `passes-${name.slug}`,
    caption: `${name.label}, run ${run}: how much memory each pass over it covered, and how much of it was dirtied meanwhile.${apart ? 'The second panel leaves out the first pass.' : ''}`,
    svg: picture(sheet, bottom + notes.height + 2, `Pages per pass of ${name.label}`, [
      text(0.5 * font, 1.1 * font, `${name.short}, run ${run}`),
      key.svg,
      ...panels,
      notes.svg,
    ]),
  };
}

function totalOf({ zero, first, again, dirtied }: Pass): number {
  return Math.max(zero + first + again, dirtied);
}

interface Scale {
  readonly axis: Axis;
  readonly unit: string;
  readonly bytes: number;
}

function scaleOf(part: readonly Pass[]): Scale {
  const most = largest(part.map(totalOf));
  const [unit, bytes] = most >= GIB ? ['GiB', GIB] : ['MiB', MIB];
  return { axis: fromZero([most / bytes], 4), unit, bytes };
}

function passPanel(part: readonly Pass[], { axis, unit, bytes }: Scale, box: Box, sheet: Sheet): string {
  const firstN = nth(part, 0).n;
  const lastN = lastOf(part).n;
  const domain = [firstN - 0.6, lastN + 0.6] as const;
  const rectangles = part.flatMap((pass) => {
    let from = 0;
    return KINDS.map(({ key, color }) => {
      const to = from + pass[key] / bytes;
      const rectangle = { x1: pass.n - 0.38, x2: pass.n + 0.38, y1: from, y2: to, color, key };
      from = to;
      return rectangle;
    }).filter(({ y1, y2 }) => y2 > y1);
  });
  const dirtied = part.filter((pass) => pass.dirtied > 0);
  return panel(sheet, {
    box,
    x: {
      domain,
      ticks: exact(
        ...domain,
        box.width / (textWidth(String(lastN), sheet.font) + 1.2 * sheet.font),
      ).ticks.filter(Number.isInteger),
    },
    y: axis,
    title: firstN > 1 ? `Without the first (${unit})` : `Memory covered (${unit})`,
    xTitle: 'Pass (bitmap sync that opens it)',
    marks: [
      ...KINDS.map(({ key, color, words }) =>
        Plot.rect(
          rectangles.filter((rectangle) => rectangle.key === key),
          { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', fill: color, fillOpacity: 0.85, ariaDescription: words },
        ),
      ),
      Plot.link(dirtied, {
        x1: (pass: Pass) => pass.n - 0.45,
        x2: (pass: Pass) => pass.n + 0.45,
        y1: (pass: Pass) => pass.dirtied / bytes,
        y2: (pass: Pass) => pass.dirtied / bytes,
        strokeWidth: 1.6,
        ariaDescription: 'dirtied meanwhile',
      }),
    ],
  }).svg;
}
