/** All strategies over one time axis: panels of uPlot that zoom and point together, and a lane of events above them. */
import { nth } from '../../lists.js';
import uPlot from 'uplot';
import type { Bands } from '../bands.js';
import type { Curve, StrategyView } from '../view.js';
import { colour, fill } from './dom.js';
import { fillOf, strokeOf } from './looks.js';
import { showReadout } from './readout.js';
import { bottomOf, lastEnd, panelsFor, positive, shownSpan, type PanelSpec } from '../panels.js';

const SYNC_KEY = 'time';
const PANEL_HEIGHT = 150;
const FIRST_HEIGHT = 220;
const ROW = 22;

export class Timeline {
  readonly #holder: HTMLElement;
  readonly #readout: HTMLElement;
  #views: readonly StrategyView[] = [];
  #bands: Bands | null = null;
  #hidden = new Set<string>();
  #plots: uPlot[] = [];
  #shape = '';
  #span: readonly [number, number] = [0, 1];
  #zoomed = false;
  #busy = false;
  #isWide = false;
  /** As in the style sheet. */
  readonly #wide = matchMedia('(min-width: 120rem)');

  constructor(holder: HTMLElement, readout: HTMLElement) {
    this.#holder = holder;
    this.#readout = readout;
    new ResizeObserver(() => this.#resize()).observe(holder);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#rebuild());
  }

  /** The part of the time that is shown, s. */
  get span(): readonly [number, number] {
    return this.#span;
  }

  show(views: readonly StrategyView[], bands: Bands | null): void {
    this.#views = views;
    this.#bands = bands;
    if (!this.#zoomed) this.#span = shownSpan(views);
    const shape = JSON.stringify([
      views.map(({ label }) => label),
      panelsFor(views).map(({ title }) => title),
    ]);
    if (shape === this.#shape) this.#refresh();
    else {
      this.#shape = shape;
      this.#rebuild();
    }
    this.#read(null);
  }

  /** Hides a strategy, or shows it again. */
  toggle(label: string, isShown: boolean): void {
    if (isShown) this.#hidden.delete(label);
    else this.#hidden.add(label);
    this.#rebuild();
  }

  /** A new guest: what was zoomed into is gone. */
  reset(): void {
    this.#zoomed = false;
    this.#hidden.clear();
  }

  zoom(act: string): void {
    const [from, to] = this.#span;
    const width = to - from;
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      in: [from + width / 4, to - width / 4],
      out: [from - width / 2, to + width / 2],
      left: [from - width / 4, to - width / 4],
      right: [from + width / 4, to + width / 4],
    };
    const move = moves[act];
    if (move === undefined) this.#showAll();
    else this.#zoomTo(...move);
  }

  #showAll(): void {
    this.#zoomTo(0, lastEnd(this.#views));
  }

  #zoomTo(from: number, to: number): void {
    const last = lastEnd(this.#views);
    const width = Math.min(Math.max(to - from, last / 5000), last);
    const start = Math.min(Math.max(from, 0), last - width);
    this.#zoomed = true;
    this.#span = [start, start + width];
    this.#applySpan();
  }

  #applySpan(): void {
    if (this.#busy) return;
    this.#busy = true;
    const [min, max] = this.#span;
    for (const plot of this.#plots) plot.setScale('x', { min, max });
    this.#busy = false;
  }

  /** Of a panel: the style sheet puts two next to each other where there is room. */
  #width(): number {
    const { clientWidth } = this.#holder;
    return this.#isWide ? Math.floor((clientWidth - 24) / 2) : clientWidth;
  }

  #resize(): void {
    if (this.#isWide !== this.#wide.matches) return this.#rebuild();
    for (const plot of this.#plots) plot.setSize({ width: this.#width(), height: plot.height });
  }

  #refresh(): void {
    const specs = panelsFor(this.#views);
    this.#plots.forEach((plot, index) => {
      if (index > 0) plot.setData(this.#dataOf(nth(specs, index - 1)), false);
    });
    this.#applySpan();
    this.#plots[0]?.redraw(false);
  }

  #rebuild(): void {
    for (const plot of this.#plots) plot.destroy();
    fill(this.#holder);
    this.#plots = [];
    this.#isWide = this.#wide.matches;
    if (this.#views.length === 0) return;
    const specs = panelsFor(this.#views);
    this.#plots.push(this.#events());
    specs.forEach((spec, index) =>
      this.#plots.push(this.#panel(spec, index === 0, index === specs.length - 1)),
    );
    this.#applySpan();
  }

  // ------------------------------------------------------------------------------------------------------- panels

  #panel(spec: PanelSpec, first: boolean, last: boolean): uPlot {
    const series: uPlot.Series[] = [{}];
    const bands: uPlot.Band[] = [];
    const paths = spec.stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
    this.#views.forEach(({ label }, strategy) => {
      const show = !this.#hidden.has(label);
      for (const { dashed = false } of spec.curves) {
        series.push({
          label,
          show,
          stroke: strokeOf(strategy),
          width: dashed ? 1 : 2,
          points: { show: false },
          spanGaps: true,
          ...(dashed ? { dash: [5, 4] } : {}),
          ...(paths === undefined ? {} : { paths }),
        });
      }
      if (spec.band !== null) {
        for (const edge of ['low', 'high'])
          series.push({ label: edge, show, width: 0, points: { show: false }, spanGaps: true });
        bands.push({ series: [series.length - 1, series.length - 2], fill: fillOf(strategy, 0.18) });
      }
    });
    const height = first ? FIRST_HEIGHT : PANEL_HEIGHT;
    return new uPlot(
      {
        title: spec.title,
        ...this.#frame(height + (last ? 24 : 0), last, spec.log),
        series,
        bands,
        scales: { x: { time: false }, y: scaleOf(spec, this.#views) },
      },
      this.#dataOf(spec),
      this.#holder,
    );
  }

  #frame(
    height: number,
    last: boolean,
    log = false,
  ): Pick<uPlot.Options, 'width' | 'height' | 'legend' | 'cursor' | 'axes' | 'hooks'> {
    const line = colour('--line');
    const ink = colour('--quiet');
    const axis = {
      stroke: ink,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1 },
      font: FONT,
    };
    return {
      width: this.#width(),
      height,
      legend: { show: false },
      cursor: {
        sync: { key: SYNC_KEY, setSeries: false },
        drag: { x: true, y: false, setScale: false },
        points: { show: false },
        y: false,
      },
      axes: [
        {
          ...axis,
          ...(last ? { label: 'time since migrate (s)', labelSize: 20, labelFont: FONT } : {}),
          ...(last || this.#isWide ? { size: 26 } : { size: 8, values: () => [] }),
        },
        { ...axis, size: 54, values: (_, ticks) => ticks.map(tickText), ...(log ? { splits: decades } : {}) },
      ],
      hooks: {
        setCursor: [
          (plot) =>
            this.#read(
              plot.cursor.left == null || plot.cursor.left < 0 ? null : plot.posToVal(plot.cursor.left, 'x'),
            ),
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 4) return;
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            this.#zoomTo(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
          },
        ],
        ready: [(plot) => plot.over.addEventListener('dblclick', () => this.#showAll())],
      },
    };
  }

  /** Of all strategies at the instants of any: uPlot has one axis of values. */
  #dataOf(spec: PanelSpec): uPlot.AlignedData {
    const clean = (curve: Curve): Curve => (spec.log ? positive(curve) : curve);
    const tables: uPlot.AlignedData[] = this.#views.flatMap((view, index): uPlot.AlignedData[] => {
      const { time } = view.curves;
      const own: uPlot.AlignedData = [
        [...time],
        ...spec.curves.map(({ name }) => [...clean(view.curves[name])]),
      ];
      if (spec.band === null) return [own];
      const strategy = this.#bands?.strategies[index];
      if (this.#bands === null || strategy === undefined) return [own, [[0], [null], [null]]];
      const { low, high } = spec.band(strategy);
      const floor = spec.log ? bottomOf(this.#views) : 0;
      const edge = (values: readonly (number | null)[]) =>
        values.map((value) => (value === null ? null : Math.max(value, floor)));
      return [own, [[...this.#bands.time], edge(low), edge(high)]];
    });
    return uPlot.join(tables);
  }

  // ------------------------------------------------------------------------------------------------ lane of events

  /** A row a strategy: ticks for syncs, triangles for decisions. */
  #events(): uPlot {
    const height = ROW * this.#views.length + 58;
    const { axes = [], hooks, ...frame } = this.#frame(height, false);
    const [time = {}, values] = axes;
    const options: uPlot.Options = {
      title: 'Syncs (ticks) and decisions (triangles)',
      ...frame,
      axes: [time, { ...values, values: () => [], grid: { show: false }, ticks: { show: false } }],
      hooks: { ...hooks, draw: [(plot) => this.#drawEvents(plot)] },
      series: [{}, { show: false }],
      scales: { x: { time: false }, y: { range: () => [0, Math.max(1, this.#views.length)] } },
    };
    return new uPlot(
      options,
      [
        [0, 1],
        [null, null],
      ],
      this.#holder,
    );
  }

  #drawEvents({ ctx, bbox, valToPos }: uPlot): void {
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    this.#views.forEach(({ syncs, decisions, label }, index) => {
      if (this.#hidden.has(label)) return;
      const y = bbox.top + ((index + 0.5) * bbox.height) / this.#views.length;
      ctx.strokeStyle = strokeOf(index);
      ctx.fillStyle = strokeOf(index);
      ctx.lineWidth = ratio;
      ctx.beginPath();
      for (const { time } of syncs) {
        const x = valToPos(time, 'x', true);
        ctx.moveTo(x, y - 8 * ratio);
        ctx.lineTo(x, y - 1 * ratio);
      }
      ctx.stroke();
      for (const { time } of decisions) {
        const x = valToPos(time, 'x', true);
        ctx.beginPath();
        ctx.moveTo(x, y);
        ctx.lineTo(x - 4 * ratio, y + 7 * ratio);
        ctx.lineTo(x + 4 * ratio, y + 7 * ratio);
        ctx.fill();
      }
    });
    ctx.restore();
  }

  // -------------------------------------------------------------------------------------------------------- readout

  #read(time: number | null): void {
    showReadout(this.#readout, this.#views, (label) => !this.#hidden.has(label), time);
  }
}

const FONT = '12px system-ui, "DejaVu Sans", sans-serif';

function scaleOf({ log, top }: PanelSpec, views: readonly StrategyView[]): uPlot.Scale {
  if (!log) return { range: (_, _min, max) => [0, top ?? (max > 0 ? max * 1.08 : 1)] };
  return { distr: 3, range: (_, _min, max) => [bottomOf(views), Math.max(max, 10) * 1.3] };
}

function decades({ scales }: uPlot): number[] {
  const { min = 1, max = 10 } = scales['y'] ?? {};
  const first = Math.ceil(Math.log10(min ?? 1));
  return Array.from(
    { length: Math.max(1, Math.floor(Math.log10(max ?? 10)) - first + 1) },
    (_, index) => 10 ** (first + index),
  );
}

function tickText(value: number | null): string {
  if (value === null || value === 0) return value === null ? '' : '0';
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1e4 ? `${value / 1e3}k` : String(Number(value.toPrecision(4)));
}
