/** What took the vCPUs' time: faults, throttle, sleeps at full rings, the switchover. */
import { got, nth, zip } from '../../lists.js';
import * as Plot from '@observablehq/plot';
import { mean } from '../../stats/summary.js';
import { groupBy, numberIn, type Row, textIn } from '../files/rows.js';
import { optionsOf } from '../terminal/kit/strategy-names.js';
import { fromZero } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { textWidth } from './kit/font.js';
import { frames, legend } from './kit/layout.js';
import { type Name, smallPrint } from './kit/names.js';
import { type Axis, BELOW, type Box, panel } from './kit/panel.js';
import type { Results } from './data/results.js';
import { GREEN, INK, ORANGE, PURPLE, type Sheet, SKY, VERMILLION } from './kit/sheet.js';
import { picture, text } from './kit/svg.js';
import { isSweep } from './data/sweep-keys.js';
import { largest } from '../../stats/extremes.js';

const CAUSES = [
  { column: 'throttled_ms', words: 'CPU throttle', color: PURPLE },
  { column: 'ring_sleep_ms', words: 'sleep at a full ring', color: GREEN },
  { column: 'ring_exit_ms', words: 'exits and kicks', color: ORANGE },
  { column: 'fault_ms', words: 'write faults', color: SKY },
  { column: 'postcopy_blocked_ms', words: 'missing pages', color: VERMILLION },
  { column: 'blackout_ms', words: 'blackout', color: INK },
] as const;

export const vcpuTime: Figure = {
  name: 'vcpu-time',
  summary: 'what took the time of each vCPU: throttle, ring sleeps, faults, blackout',
  needs: 'vcpus.csv and the same runs in runs.csv',
  draw(results, sheet, names) {
    if (isSweep(results.runs)) return [];
    const totals = totalTimes(results);
    const strategies = [...groupBy(results.vcpus, 'strategy')]
      .map(([label, vcpus]) => ({ name: names.of(label), rows: rowsOf(vcpus, totals) }))
      .filter(({ rows }) => rows.length > 0);
    const lost = strategies.some(({ rows }) => rows.some(({ shares }) => shares.some((share) => share > 0)));
    return strategies.length === 0 || !lost ? [] : [drawing(strategies, sheet)];
  },
};

interface VcpuRow {
  readonly label: string;
  /** Percent of the migration, in the order of CAUSES; means over the runs. */
  readonly shares: readonly number[];
}

interface Strategy {
  readonly name: Name;
  readonly rows: readonly VcpuRow[];
}

function totalTimes({ runs }: Results): Map<string, number> {
  return new Map(runs.map((run) => [runOf(run), numberIn(run, 'total_time_ms') ?? 0]));
}

function runOf(row: Row): string {
  return ['strategy', 'policy', 'seed', 'run'].map((key) => textIn(row, key)).join('\n');
}

function rowsOf(vcpus: readonly Row[], totals: ReadonlyMap<string, number>): VcpuRow[] {
  const each = [...groupBy(vcpus, 'vcpu')].flatMap(([id, rows]) => {
    const known = rows.filter((row) => (totals.get(runOf(row)) ?? 0) > 0);
    if (known.length === 0) return [];
    const shares = CAUSES.map(({ column }) =>
      mean(known.map((row) => (100 * (numberIn(row, column) ?? 0)) / got(totals, runOf(row)))),
    );
    return [{ group: textIn(nth(rows, 0), 'group'), first: id, last: id, shares }];
  });
  const rows: (typeof each)[number][] = [];
  for (const vcpu of each) {
    const before = rows.at(-1);
    const same = before?.group === vcpu.group && alike(before.shares, vcpu.shares);
    if (before !== undefined && same) before.last = vcpu.first;
    else rows.push(vcpu);
  }
  return rows.map(({ group, first, last, shares }) => ({
    label: first === last ? `${group} ${first}` : `${group} ${first}–${last}`,
    shares,
  }));
}

/** vCPUs whose bars would look the same share a row. */
function alike(a: readonly number[], b: readonly number[]): boolean {
  return a.every((share, cause) => Math.abs(share - nth(b, cause)) < 0.5);
}

function drawing(strategies: readonly Strategy[], sheet: Sheet): Drawing {
  const { font } = sheet;
  const used = CAUSES.filter((_, cause) =>
    strategies.some(({ rows }) => rows.some(({ shares }) => nth(shares, cause) > 0)),
  );
  const labels = strategies.flatMap(({ rows }) => rows.map(({ label }) => label));
  const left = largest(labels.map((label) => textWidth(label, font))) + font;
  const top = 1.6 * font;
  const key = legend(used, 0.5 * font, top, sheet);
  const margins = { left, right: 10, above: 2.1 * font, below: (BELOW + 0.2) * font };
  const height = largest(strategies.map(({ rows }) => rows.length)) * 1.4 * font;
  const { boxes, width, bottom } = frames(strategies.length, height, margins, sheet, {
    top: top + key.height,
  });
  const sums = strategies.flatMap(({ rows }) => rows.map(({ shares }) => shares.reduce((a, b) => a + b, 0)));
  const x = fromZero(sums, width / (5 * font));
  const panels = zip(strategies, boxes).map(([strategy, box]) => strategyPanel(strategy, x, box, sheet));
  const notes = smallPrint([optionsOf(strategies.map(({ name }) => name))], bottom, sheet);
  return {
    name: 'vcpu-time',
    caption:
      'What took the time of each vCPU, in percent of the migration. A vCPU that does not need all of its time makes up for some of it.',
    svg: picture(sheet, bottom + notes.height + 2, 'What took the time of the vCPUs', [
      text(0.5 * font, 1.1 * font, 'Time taken from each vCPU (% of the migration)'),
      key.svg,
      ...panels,
      notes.svg,
    ]),
  };
}

function strategyPanel({ name, rows }: Strategy, x: Axis, box: Box, sheet: Sheet): string {
  const { font } = sheet;
  const rectangles = rows.flatMap(({ shares }, row) => {
    let from = 0;
    return shares.map((share, cause) => {
      const to = from + share;
      const rectangle = { x1: from, x2: to, y1: row + 0.12, y2: row + 0.88, cause };
      from = to;
      return rectangle;
    });
  });
  const drawn = panel(sheet, {
    box,
    x,
    y: { domain: [rows.length, 0], ticks: [] },
    grid: 'x',
    title: name.short,
    marks: CAUSES.map(({ words, color }, cause) =>
      Plot.rect(
        rectangles.filter((rectangle) => rectangle.cause === cause && rectangle.x2 > rectangle.x1),
        { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', fill: color, fillOpacity: 0.85, ariaDescription: words },
      ),
    ),
  });
  const words = rows.map(({ label }, row) =>
    text(box.x - 0.5 * font, box.y + ((row + 0.5) * box.height) / rows.length + 0.35 * font, label, {
      anchor: 'end',
    }),
  );
  return drawn.svg + words.join('\n');
}
