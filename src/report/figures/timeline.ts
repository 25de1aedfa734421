/** One migration over time, as KubeVirt's and QEMU's own reports show it: memory, rates, implied downtime, and the brakes. */
import * as Plot from '@observablehq/plot';
import { PAGE_BYTES } from '../../guest/spec.js';
import { groupBy, numberIn, type Row, textIn } from '../files/rows.js';
import { exact, fromZero, logarithmic } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { textWidth } from './kit/font.js';
import { type EndLabel, endLabels } from './kit/labels.js';
import { type Name, smallPrint } from './kit/names.js';
import { type Axis, BELOW_WITH_TITLE, type Box, type Panel, panel, tickRoom } from './kit/panel.js';
import { BLUE, GREEN, INK, PURPLE, type Sheet, VERMILLION } from './kit/sheet.js';
import { column } from './kit/statistics.js';
import { line, picture, text } from './kit/svg.js';
import { type Point, thin } from './data/thin.js';
import { type NonEmpty, nth, zip } from '../../lists.js';
import { largest, smallest } from '../../stats/extremes.js';
import { MIB, GIB } from '../../units.js';

/** Phases in which a switchover is still to come. */
const GUEST_RUNS: ReadonlySet<string> = new Set(['setup', 'active']);

export const timeline: Figure = {
  name: 'timeline',
  summary: 'one run over time: remaining, sent, rates, implied downtime, what holds the guest back',
  needs: 'timeline.csv, and syncs.csv for the marks',
  draw(results, sheet, names) {
    const syncs = groupBy(results.syncs, 'strategy');
    const runs = groupBy(results.runs, 'strategy');
    return [...groupBy(results.timeline, 'strategy')].flatMap(([label, rows]) => {
      if (rows.length < 2) return [];
      const own = runs.get(label)?.find((row) => numberIn(row, 'run') === numberIn(rows[0], 'run'));
      const firstMs = own === undefined ? null : numberIn(own, 'first_throttle_ms');
      return [drawing({ rows, syncs: syncs.get(label) ?? [], firstMs }, names.of(label), sheet)];
    });
  },
};

interface Run {
  /** Its timeline, and its bitmap syncs. */
  readonly rows: NonEmpty<Row>;
  readonly syncs: readonly Row[];
  /** When it was first held back; null: never, or not known. */
  readonly firstMs: number | null;
}

function drawing(own: Run, name: Name, sheet: Sheet): Drawing {
  const { rows } = own;
  const run = numberIn(rows[0], 'run');
  const heading = run === null ? name.short : `${name.short}, run ${run}`;
  return {
    name: `timeline-${name.slug}`,
    caption: `${name.label}, run ${run ?? 1}: what remains and what was sent, the rates, the downtime that a switchover at that moment would take, and what holds the guest back. Ticks on top are bitmap syncs, triangles are steps of a throttle.`,
    svg: draw(own, heading, name, sheet),
  };
}

interface Series {
  readonly name: string;
  readonly color: string;
  readonly dash?: string;
  readonly points: readonly Point[];
  /** Holds its value until the next point. */
  readonly steps?: boolean;
}

interface Strip {
  readonly title: string;
  readonly series: readonly Series[];
  readonly log?: boolean;
  /** Instead of what fits the values. */
  readonly axis?: Axis;
}

function draw({ rows, syncs, firstMs }: Run, heading: string, name: Name, sheet: Sheet): string {
  const { font, width } = sheet;
  const endS = largest(rows.map((row) => numberIn(row, 'time_ms') ?? 0)) / 1e3;
  const strips = stripsOf(rows, syncs);
  const axes = strips.map(valueAxis);
  const left = largest(axes.map((axis) => tickRoom(axis, font)));
  const labelled = strips.filter((strip) => strip.series.length > 1).flatMap(({ series }) => series);
  const marks = eventsOf({ rows, syncs, firstMs });
  const words = [...labelled.map((series) => series.name), 'syncs', marks.unit];
  const right = largest(words.map((word) => textWidth(word, font))) + 8;
  const box = { x: left, width: width - left - right, height: 7.2 * font };
  const x: Axis = exact(0, endS, box.width / (6 * font));

  const top = 1.5 * font;
  const eventsHeight = (marks.steps.length > 0 ? 3.4 : 1.9) * font;
  const gap = 2.1 * font;
  let y = top + (syncs.length > 0 ? eventsHeight : 0) + gap;
  const postcopy = postcopyOf(rows);
  const panels: Panel[] = [];
  const names: string[] = [];
  for (const [strip, axis] of zip(strips, axes)) {
    const frame: Box = { ...box, y };
    const labels = strip === strips.at(-1);
    const drawn = stripPanel(strip, frame, { x: { ...x, labels }, y: axis }, sheet, postcopy);
    panels.push(drawn);
    if (strip.series.length > 1) names.push(seriesLabels(strip, drawn, font));
    y += box.height + gap;
  }
  const first = nth(panels, 0);
  const bottom = y - gap + BELOW_WITH_TITLE * font;
  const notes = smallPrint([name.note], bottom, sheet);
  return picture(sheet, bottom + notes.height + 2, `Migration timeline of ${name.label}`, [
    text(left, 1.1 * font, heading),
    syncs.length > 0 ? eventStrip(marks, first, top, y - gap, font) : '',
    ...panels.map(({ svg }) => svg),
    ...names,
    postcopy === null ? '' : postcopyName(first, postcopy, font),
    notes.svg,
  ]);
}

/** Over the shade in the first frame, to the left of its end. */
function postcopyName(first: Panel, [, endS]: readonly [number, number], font: number): string {
  return text(first.px(endS), first.box.y - 0.6 * font, 'post-copy', { anchor: 'end', fill: VERMILLION });
}

/** A value over time; rows without it are left out. */
function curve(rows: readonly Row[], value: (row: Row) => number | null): Point[] {
  return rows.flatMap((row) => {
    const time = numberIn(row, 'time_ms');
    const y = value(row);
    return time === null || y === null ? [] : [{ x: time / 1e3, y }];
  });
}

/** The pause that sending `of` at the bandwidth of that moment would take, ms. */
function impliedMs(row: Row, of: string): number | null {
  const bandwidth = numberIn(row, 'bandwidth_bytes_per_s') ?? 0;
  const bytes = numberIn(row, of) ?? 0;
  return bandwidth > 0 && bytes > 0 ? (bytes / bandwidth) * 1e3 : null;
}

function stripsOf(rows: readonly Row[], syncs: readonly Row[]): Strip[] {
  const most = largest(rows.map((row) => numberIn(row, 'remaining_bytes') ?? 0));
  const [unit, scale] = most >= GIB ? (['GiB', GIB] as const) : (['MiB', MIB] as const);
  const limit = curve(syncs, (row) => impliedMs(row, 'threshold_bytes'));
  const running = rows.filter((row) => GUEST_RUNS.has(textIn(row, 'phase')));
  const implied = curve(running, (row) => impliedMs(row, 'remaining_bytes'));
  const throttle = curve(rows, column('throttle_percent', 1));
  const sleep = curve(brakesIn(rows, syncs), column('max_ring_full_sleep_us', 1e3));
  const all: Strip[] = [
    {
      title: `Remaining (${unit})`,
      series: [{ name: 'remaining', color: BLUE, points: curve(rows, column('remaining_bytes', scale)) }],
    },
    {
      title: `Sent (${unit})`,
      series: [{ name: 'sent', color: BLUE, points: curve(rows, column('sent_bytes', scale)) }],
    },
    {
      title: 'Rates (MiB/s)',
      series: [
        { name: 'bandwidth', color: BLUE, points: curve(rows, column('bandwidth_bytes_per_s', MIB)) },
        {
          name: 'dirty rate',
          color: VERMILLION,
          points: curve(rows, column('dirty_pages_per_s', MIB / PAGE_BYTES)),
        },
      ],
    },
    {
      title: 'Implied downtime (ms)',
      log: true,
      series: [
        { name: 'implied', color: BLUE, points: implied },
        { name: 'limit', color: INK, dash: '4,2', points: limit, steps: true },
      ].filter(({ points }) => points.length > 0),
    },
    {
      title: 'CPU throttle (%)',
      axis: { domain: [0, 100], ticks: [0, 50, 100] },
      series: [{ name: 'throttle', color: PURPLE, points: throttle, steps: true }],
    },
    {
      title: 'Sleep at a full ring (ms)',
      series: [{ name: 'sleep', color: GREEN, points: sleep, steps: true }],
    },
  ];
  return all.filter(({ series, title }) => {
    const brake = /throttle|Sleep/.test(title);
    return series.some(({ points }) => points.some(({ y }) => !brake || y > 0));
  });
}

function valueAxis({ series, log, axis }: Strip): Axis {
  const values = series.flatMap(({ points }) => points.map((point) => point.y));
  return axis ?? (log === true ? logarithmic(values, 6) : fromZero(values, 3));
}

function stripPanel(
  strip: Strip,
  box: Box,
  { x, y }: { readonly x: Axis; readonly y: Axis },
  sheet: Sheet,
  postcopy: readonly [number, number] | null,
): Panel {
  const bins = Math.ceil(0.6 * box.width);
  return panel(sheet, {
    box,
    x,
    y,
    title: strip.title,
    ...(x.labels === true ? { xTitle: 'Time since migrate (s)' } : {}),
    marks: [
      postcopy === null
        ? null
        : Plot.rect([postcopy], {
            x1: '0',
            x2: '1',
            y1: y.domain[0],
            y2: y.domain[1],
            fill: VERMILLION,
            fillOpacity: 0.1,
          }),
      ...strip.series.map((series) =>
        Plot.line(thin(heldUntil(series, x.domain[1]), bins), {
          x: 'x',
          y: 'y',
          stroke: series.color,
          strokeWidth: 1.2,
          curve: series.steps === true ? 'step-after' : 'linear',
          ...(series.dash === undefined ? {} : { strokeDasharray: series.dash }),
          ariaDescription: series.name,
        }),
      ),
    ],
  });
}

/** The last value of a stepwise curve holds to the end. */
function heldUntil({ points, steps }: Series, end: number): readonly Point[] {
  const last = points.at(-1);
  return steps === true && last !== undefined && last.x < end ? [...points, { x: end, y: last.y }] : points;
}

function seriesLabels(strip: Strip, drawn: Panel, font: number): string {
  const end = drawn.box.x + drawn.box.width;
  const labels = strip.series.flatMap((series): EndLabel[] => {
    const last = series.points.at(-1);
    if (last === undefined) return [];
    // A curve may fall to its end in one step: what it is called by is where it was before.
    const place = typical(series.points);
    return [{ lines: [series.name], fill: series.color, x: end - 4, y: drawn.py(place) }];
  });
  return endLabels(labels, end + 5, drawn.box, font);
}

/** Of the last tenth of a curve, its median. */
function typical(points: readonly Point[]): number {
  const tail = points.slice(Math.floor(points.length * 0.9)).map(({ y }) => y);
  return nth(
    tail.sort((a, b) => a - b),
    Math.floor(tail.length / 2),
  );
}

interface Events {
  readonly syncs: readonly number[];
  readonly steps: readonly { readonly timeS: number; readonly words: string }[];
  /** What the words of the steps are. */
  readonly unit: string;
}

/** Rows that have the sleeps at full rings: samples, or syncs of a folder whose samples lack them. */
function brakesIn(rows: readonly Row[], syncs: readonly Row[]): readonly Row[] {
  return rows.some((row) => numberIn(row, 'max_ring_full_sleep_us') !== null) ? rows : syncs;
}

/**
 * A step: the throttle is another than at the sample before, or vCPUs began or ceased to sleep at full rings. The first
 * one has the instant that runs.csv has; others that of the sample that shows them.
 */
function eventsOf({ rows, syncs, firstMs }: Run): Events {
  const steps: { timeS: number; words: string }[] = [];
  let throttle = 0;
  let sleeping = false;
  const brakes = brakesIn(rows, syncs);
  const throttled = brakes.some((row) => (numberIn(row, 'throttle_percent') ?? 0) > 0);
  for (const row of brakes) {
    const percent = numberIn(row, 'throttle_percent') ?? 0;
    const sleeps = (numberIn(row, 'max_ring_full_sleep_us') ?? 0) > 0;
    const isFirst = steps.length === 0 && firstMs !== null;
    const timeS = (isFirst ? firstMs : (numberIn(row, 'time_ms') ?? 0)) / 1e3;
    if (percent !== throttle) steps.push({ timeS, words: String(Math.round(percent)) });
    else if (sleeps !== sleeping) steps.push({ timeS, words: sleeps ? 'on' : 'off' });
    throttle = percent;
    sleeping = sleeps;
  }
  const times = syncs.map((sync) => (numberIn(sync, 'time_ms') ?? 0) / 1e3);
  return { syncs: times, steps, unit: throttled ? 'throttle %' : 'ring limit' };
}

/** Ticks for syncs, triangles for steps with as many of their values as have room. */
function eventStrip(
  { syncs, steps, unit }: Events,
  under: Panel,
  top: number,
  bottom: number,
  font: number,
): string {
  const right = under.box.x + under.box.width + 5;
  const parts: string[] = [];
  const rugY = top + 0.4 * font;
  for (const sync of syncs) {
    const x = under.px(sync);
    parts.push(line(x, rugY, x, rugY + 0.8 * font, 'stroke-width="0.8" stroke-opacity="0.7"'));
  }
  parts.push(text(right, rugY + 0.75 * font, 'syncs'));
  if (steps.length > 0) {
    const stepY = rugY + 2.3 * font;
    let free = -Infinity;
    for (const { timeS, words } of steps) {
      const x = under.px(timeS);
      parts.push(triangle(x, stepY - 0.75 * font, 0.33 * font));
      if (steps.length <= 12) parts.push(line(x, stepY, x, bottom, STEP_RULE));
      const width = textWidth(words, 0.88 * font);
      // To the right of its triangle, or where there is no room to the left.
      const start = [x + 0.5 * font, x - 0.5 * font - width].find((from) => {
        const to = from + width;
        const clear = steps.every((other) => {
          const otherX = under.px(other.timeS);
          return otherX === x || otherX - 0.4 * font > to || otherX + 0.4 * font < from;
        });
        return clear && from >= free && to <= right - 8;
      });
      if (start === undefined) continue;
      parts.push(text(start, stepY, words, { size: 0.88 * font }));
      free = start + width + 0.4 * font;
    }
    parts.push(text(right, stepY, unit));
  }
  return parts.join('\n');
}

const STEP_RULE = 'stroke-width="0.6" stroke-opacity="0.35" stroke-dasharray="1,2"';

function triangle(x: number, y: number, size: number): string {
  const points = [
    [x - size, y],
    [x + size, y],
    [x, y + 1.8 * size],
  ];
  return `<polygon points="${points.map((point) => point.map((value) => value.toFixed(2)).join(',')).join(' ')}" fill="${PURPLE}"/>`;
}

function postcopyOf(rows: readonly Row[]): readonly [number, number] | null {
  const times = rows
    .filter((row) => textIn(row, 'phase') === 'postcopy')
    .map((row) => (numberIn(row, 'time_ms') ?? 0) / 1e3);
  return times.length === 0 ? null : [smallest(times), largest(times)];
}
