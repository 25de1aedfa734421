/** A row a strategy: a bar with its interval and its figure in words. */
import { nth } from '../../../lists.js';
import * as Plot from '@observablehq/plot';
import { fitting } from './axes.js';
import { lineHeight } from './labels.js';
import { linesOf, type Name, widthOf } from './names.js';
import { type Axis, type Box, panel, shortNumber } from './panel.js';
import type { Sheet } from './sheet.js';
import { text } from './svg.js';
import { largest } from '../../../stats/extremes.js';

export interface Bar {
  readonly value: number;
  readonly interval: readonly [number, number] | null;
  /** Not a value, but what it is at least. */
  readonly bound: boolean;
  /** Default: the value. */
  readonly words?: string;
}

export interface BarPanel {
  readonly title: string;
  /** Default: what fits the values. */
  readonly axis?: Axis;
  /** One a row; null: no value. */
  readonly bars: readonly (Bar | null)[];
  /** Where there is no value. */
  readonly without: string;
}

/** Height of a row, and room for the names of the rows to the left of the frames. */
export function rowSizes(
  names: readonly Name[],
  font: number,
): { readonly height: number; readonly left: number } {
  const lines = names.map(rowLines);
  const most = largest(lines.map((one) => one.length));
  return { height: most * lineHeight(font) + 0.5 * font, left: widthOf(lines, font) + 1.0 * font };
}

export function rowNames(names: readonly Name[], box: Box, font: number): string {
  const height = box.height / names.length;
  return names
    .flatMap((name, row) => {
      const lines = rowLines(name);
      const top = box.y + (row + 0.5) * height - (lines.length * lineHeight(font)) / 2;
      return lines.map((one, index) =>
        text(box.x - 0.6 * font, top + (index + 0.8) * lineHeight(font), one, { anchor: 'end' }),
      );
    })
    .join('\n');
}

function rowLines(name: Name): string[] {
  return linesOf(name, 20);
}

export function barPanel(spec: BarPanel, names: readonly Name[], box: Box, sheet: Sheet): string {
  const { font } = sheet;
  const rows = spec.bars.flatMap((bar, row) =>
    bar === null ? [] : [{ ...bar, row, color: nth(names, row).look.color }],
  );
  const ends = rows.flatMap(({ value, interval }) => [value, ...(interval ?? [])]);
  const x = spec.axis ?? fitting(ends, box.width / (4.5 * font));
  const drawn = panel(sheet, {
    box,
    x,
    y: { domain: [names.length, 0], ticks: [] },
    grid: 'x',
    title: spec.title,
    marks: marksOf(rows, x),
  });
  const baseOf = (row: number): number => box.y + ((row + 0.5) * box.height) / names.length + 0.35 * font;
  const figures = rows.map(({ value, interval, bound, words, row }) => {
    const at = drawn.px(Math.min(Math.max(value, interval?.[1] ?? value), x.domain[1])) + 4;
    return text(at, baseOf(row), words ?? `${bound ? '> ' : ''}${shortNumber(threeDigits(value))}`);
  });
  const gaps = spec.bars.flatMap((bar, row) =>
    bar === null ? [text(box.x + 4, baseOf(row), spec.without, { opacity: 0.7 })] : [],
  );
  return drawn.svg + [...figures, ...gaps].join('\n');
}

interface Placed extends Bar {
  readonly row: number;
  readonly color: string;
}

function marksOf(rows: readonly Placed[], x: Axis): Plot.Markish[] {
  const [start, end] = x.domain;
  const placed = rows.map((bar) => ({
    ...bar,
    start,
    top: bar.row + 0.18,
    bottom: bar.row + 0.82,
    middle: bar.row + 0.5,
  }));
  const solid = placed.filter(({ bound }) => !bound);
  const hollow = placed.filter(({ bound }) => bound);
  const whiskers = placed.flatMap(({ interval, middle }) =>
    interval === null
      ? []
      : [
          {
            low: Math.max(start, interval[0]),
            high: Math.min(end, interval[1]),
            middle,
            top: middle - 0.15,
            bottom: middle + 0.15,
          },
        ],
  );
  // A bar on a logarithmic axis has no length that means anything: there, a dot marks the value.
  const values =
    x.log === true
      ? [
          Plot.dot(solid, { x: 'value', y: 'middle', r: 3.5, fill: 'color', ariaDescription: 'value' }),
          Plot.dot(hollow, { x: 'value', y: 'middle', r: 3.5, stroke: 'color', ariaDescription: 'bound' }),
        ]
      : [
          Plot.rect(solid, { ...RECTANGLE, fill: 'color', fillOpacity: 0.75, ariaDescription: 'value' }),
          Plot.rect(hollow, {
            ...RECTANGLE,
            stroke: 'color',
            strokeDasharray: '3,2',
            ariaDescription: 'bound',
          }),
        ];
  return [
    ...values,
    Plot.link(whiskers, { ...WHISKER, x1: 'low', x2: 'high', ariaDescription: 'interval' }),
    Plot.link(whiskers, { ...UPRIGHT, x1: 'low', x2: 'low' }),
    Plot.link(whiskers, { ...UPRIGHT, x1: 'high', x2: 'high' }),
  ];
}

const RECTANGLE = { x1: 'start', x2: 'value', y1: 'top', y2: 'bottom' } as const;
const WHISKER = { y1: 'middle', y2: 'middle', strokeWidth: 1.2 } as const;
const UPRIGHT = { y1: 'top', y2: 'bottom', strokeWidth: 1.2 } as const;

function threeDigits(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
