/** The timeline as an SVG file: what the page shows, in the look of the report's figures, on white. */
import { escape, line, round, text } from '../report/figures/kit/marks.js';
import { lookOf } from '../report/figures/kit/sheet.js';
import type { Bands } from './bands.js';
import { bottomOf, panelsFor, type PanelSpec } from './panels.js';
import type { StrategyView } from './view.js';

const WIDTH = 900;
const LEFT = 64;
const RIGHT = 16;
const PANEL = 130;
const GAP = 34;
const FONT = "'DejaVu Sans', Verdana, sans-serif";
const TICKS = 6;

interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** `span`: the part of the time to draw, s. */
export function timelineSvg(
  title: string,
  views: readonly StrategyView[],
  bands: Bands | null,
  span: readonly [number, number],
): string {
  const specs = panelsFor(views);
  const keyHeight = 22 * Math.ceil(views.length / 3);
  const top = 34 + keyHeight;
  const x = linear(span, [LEFT, WIDTH - RIGHT], TICKS);
  const panels = specs.map((spec, index) =>
    panel(spec, top + index * (PANEL + GAP), { views, bands, span, x }),
  );
  const height = top + specs.length * (PANEL + GAP) + 22;
  const axis = x.ticks.map((tick) => text(x.place(tick), height - 26, String(tick), { anchor: 'middle' }));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="${FONT}" font-size="12" fill="currentColor" color="black" role="img">`,
    `<title>${escape(title)}</title>`,
    '<rect width="100%" height="100%" fill="white"/>',
    text(LEFT, 20, title, { size: 15 }),
    ...views.map(({ label, outcome }, index) => key(`${label}: ${outcome}`, index)),
    ...panels,
    ...axis,
    text((LEFT + WIDTH - RIGHT) / 2, height - 8, 'time since migrate (s)', { anchor: 'middle' }),
    '</svg>\n',
  ].join('\n');
}

function colorOf(index: number): string {
  const { color } = lookOf(index);
  return color === 'currentColor' ? 'black' : color;
}

function key(words: string, index: number): string {
  const x = LEFT + (index % 3) * ((WIDTH - LEFT - RIGHT) / 3);
  const y = 42 + 22 * Math.floor(index / 3);
  const short = words.length > 44 ? `${words.slice(0, 43)}…` : words;
  return `<rect x="${x}" y="${y - 10}" width="12" height="12" rx="3" fill="${colorOf(index)}"/>${text(x + 18, y, short)}`;
}

interface Drawn {
  readonly views: readonly StrategyView[];
  readonly bands: Bands | null;
  readonly span: readonly [number, number];
  readonly x: Scale;
}

function panel(spec: PanelSpec, top: number, { views, bands, span, x }: Drawn): string {
  const values = views
    .flatMap(({ curves }) => spec.curves.flatMap(({ name }) => curves[name]))
    .filter((value) => value !== null);
  const highest = values.reduce((most, value) => Math.max(most, value), 0);
  const room: readonly [number, number] = [top + PANEL, top];
  const y = spec.log
    ? logarithmic(bottomOf(views), highest, room)
    : linear([0, spec.top ?? (highest > 0 ? highest * 1.08 : 1)], room, 4);
  const clip = `clip-${top}`;
  const { band } = spec;
  const areas =
    bands === null || band === null
      ? []
      : bands.strategies.map((one, index) => area(bands.time, band(one), index, x, y, spec.log));
  const lines = views.flatMap(({ curves }, index) =>
    spec.curves.map(({ name, dashed = false }) => {
      const points = path(curves.time, curves[name], { x, y, span, stepped: spec.stepped, log: spec.log });
      const look = dashed ? 'stroke-width="1" stroke-dasharray="5 4"' : 'stroke-width="1.6"';
      return `<path d="${points}" fill="none" stroke="${colorOf(index)}" ${look}/>`;
    }),
  );
  return [
    text(LEFT, top - 8, spec.title),
    `<clipPath id="${clip}"><rect x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${PANEL}"/></clipPath>`,
    ...y.ticks.map((tick) =>
      line(LEFT, y.place(tick), WIDTH - RIGHT, y.place(tick), 'stroke-opacity="0.15"'),
    ),
    ...y.ticks.map((tick) => text(LEFT - 6, y.place(tick) + 4, String(tick), { anchor: 'end' })),
    `<g clip-path="url(#${clip})">`,
    ...areas,
    ...lines,
    '</g>',
  ].join('\n');
}

function area(
  time: readonly number[],
  { low, high }: { readonly low: readonly (number | null)[]; readonly high: readonly (number | null)[] },
  index: number,
  x: Scale,
  y: Scale,
  log: boolean,
): string {
  if (high.every((value) => value === null)) return '';
  const at = (value: number | null): number => round(y.place(log ? Math.max(value ?? 0, 0.1) : (value ?? 0)));
  const there = time.map((instant, i) => `${round(x.place(instant))},${at(high[i] ?? null)}`);
  const back = time.map((instant, i) => `${round(x.place(instant))},${at(low[i] ?? null)}`).reverse();
  return `<polygon points="${[...there, ...back].join(' ')}" fill="${colorOf(index)}" fill-opacity="0.18"/>`;
}

function path(
  time: readonly number[],
  values: readonly (number | null)[],
  how: Pick<Drawn, 'x' | 'span'> & { readonly y: Scale; readonly stepped: boolean; readonly log: boolean },
): string {
  const { x, y, stepped, log } = how;
  let d = '';
  let before: number | null = null;
  time.forEach((instant, index) => {
    const value = values[index] ?? null;
    if (value === null || (log && value <= 0)) return;
    const [px, py] = [round(x.place(instant)), round(y.place(value))];
    if (before !== null && stepped) d += `H${px}`;
    d += before === null ? `M${px},${py}` : stepped ? `V${py}` : `L${px},${py}`;
    before = value;
  });
  return d;
}

function linear(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
  count: number,
): Scale {
  const width = to - from || 1;
  const raw = width / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
  const first = Math.ceil(from / step);
  const ticks = Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(6)),
  );
  return { place: (value) => start + ((value - from) / width) * (end - start), ticks };
}

function logarithmic(lowest: number, highest: number, [start, end]: readonly [number, number]): Scale {
  const first = Math.log10(lowest);
  const decades = Math.max(1, Math.log10(Math.max(highest, 10) * 1.3) - first);
  const ticks = Array.from(
    { length: Math.floor(decades + first) - Math.ceil(first) + 1 },
    (_, index) => 10 ** (Math.ceil(first) + index),
  );
  return { place: (value) => start + ((Math.log10(value) - first) / decades) * (end - start), ticks };
}
