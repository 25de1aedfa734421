/** One frame with its axes, drawn by Observable Plot in the coordinates of the whole figure. */
import * as Plot from '@observablehq/plot';
import { chart } from './chart.js';
import { textWidth } from './font.js';
import type { Sheet } from './sheet.js';
import { text } from './svg.js';
import { largest } from '../../../stats/extremes.js';

/** Of the frame, without the words around it. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Axis {
  readonly domain: readonly [number, number];
  readonly log?: boolean;
  readonly ticks: readonly number[];
  /** Default: as short as can be. */
  readonly format?: (value: number) => string;
  /** false: the ticks have no numbers. */
  readonly labels?: boolean;
}

/** Panels of both kinds stand side by side, and their slopes must not be compared. */
function titleOf(title: string, { log }: Axis): string {
  return log === true ? `${title}, log scale` : title;
}

export interface PanelSpec {
  readonly box: Box;
  readonly x: Axis;
  readonly y: Axis;
  /** Above the frame, at its left end. */
  readonly title?: string;
  /** Below the frame. */
  readonly xTitle?: string;
  readonly grid?: 'x' | 'y' | 'both' | 'none';
  readonly marks: readonly Plot.Markish[];
}

export interface Panel {
  readonly svg: string;
  readonly box: Box;
  /** From values to places in the figure. */
  px(value: number): number;
  py(value: number): number;
}

/** Room that the words around a frame take, in multiples of the text size. */
export const BELOW = 2.0;
export const BELOW_WITH_TITLE = 3.3;

export function panel(sheet: Sheet, spec: PanelSpec): Panel {
  const { box, x, y, marks, grid = 'y' } = spec;
  const height = box.y + box.height + 100;
  const drawn = chart({
    width: sheet.width,
    height,
    marginLeft: box.x,
    marginRight: sheet.width - box.x - box.width,
    marginTop: box.y,
    marginBottom: height - box.y - box.height,
    x: scale(x),
    y: scale(y),
    axis: null,
    marks: [
      grid === 'y' || grid === 'both' ? Plot.gridY(y.ticks, { strokeOpacity: 0.12 }) : null,
      grid === 'x' || grid === 'both' ? Plot.gridX(x.ticks, { strokeOpacity: 0.12 }) : null,
      ...marks,
      Plot.axisX(x.ticks, { ...axisLook(x), anchor: 'bottom' }),
      Plot.axisY(y.ticks, { ...axisLook(y), anchor: 'left' }),
      Plot.ruleY([y.domain[0]], { strokeOpacity: 0.6, strokeWidth: 0.8 }),
      Plot.ruleX([x.domain[0]], { strokeOpacity: 0.6, strokeWidth: 0.8 }),
    ],
  });
  const { font } = sheet;
  const titles = [
    spec.title === undefined ? '' : text(box.x, box.y - 0.6 * font, titleOf(spec.title, spec.y)),
    spec.xTitle === undefined
      ? ''
      : text(box.x + box.width / 2, box.y + box.height + (BELOW_WITH_TITLE - 0.6) * font, spec.xTitle, {
          anchor: 'middle',
        }),
  ];
  return {
    svg: `<g text-anchor="middle">${drawn.svg}</g>${titles.join('')}`,
    box,
    px: (value) => drawn.place('x', value),
    py: (value) => drawn.place('y', value),
  };
}

function scale(axis: Axis): Plot.ScaleOptions {
  return { type: axis.log === true ? 'log' : 'linear', domain: [...axis.domain] };
}

function axisLook(axis: Axis): Plot.AxisXOptions & Plot.AxisYOptions {
  const { labels = true, format = shortNumber } = axis;
  return {
    label: null,
    tickSize: 3,
    tickPadding: 2,
    // Unlike tickFormat, from which Plot takes a choice of its own on logarithmic axes.
    text: (value: number) => (labels ? format(value) : ''),
    strokeWidth: 0.8,
  };
}

/** What the numbers of a y axis need to the left of the frame. */
export function tickRoom({ ticks, format = shortNumber }: Axis, font: number): number {
  return largest(ticks.map((tick) => textWidth(format(tick), font))) + 0.9 * font;
}

/** `0.5`, `12`, `1 200`, `1e6`: the least that says it. */
export function shortNumber(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(0).replace('e-', 'e−');
  if (Math.abs(value) >= 1e6) {
    const [mantissa = '', exponent = ''] = value.toExponential(2).split('e+');
    return `${Number(mantissa)}e${exponent}`.replace('-', '−');
  }
  const digits = String(Number(value.toPrecision(4))).replace('-', '−');
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, (found, _group, offset: number, whole: string) =>
    whole.includes('.') && offset > whole.indexOf('.') ? found : '\u2009',
  );
}
