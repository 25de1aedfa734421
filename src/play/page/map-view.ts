/** The convergence map: a grid for each strategy, coarse at first, finer as cells come in. */
import { nth } from '../../lists.js';
import type { Answer, AskMap, Axis, Ending } from '../protocol.js';
import { colour, fill, h } from './dom.js';
import { swatch } from './looks.js';

/** From soon to late: viridis, whose steps differ in grey and for any colour vision. */
const SOON_TO_LATE = ['#fde725', '#7ad151', '#22a884', '#2a788e', '#414487', '#440154'];
const WIDTH = 300;
const HEIGHT = 200;

interface Grid {
  readonly label: string;
  readonly canvas: HTMLCanvasElement;
}

export interface MapWords {
  readonly x: string;
  readonly y: string;
}

export class MapView {
  readonly #holder: HTMLElement;
  readonly #readout: HTMLElement;
  readonly #load: (x: string, y: string) => void;
  #x: Axis = { path: '', values: [] };
  #y: Axis = { path: '', values: [] };
  #words: MapWords = { x: '', y: '' };
  #endings: (readonly Ending[] | undefined)[] = [];
  #labels: readonly string[] = [];
  #grids: Grid[] = [];
  #cursor: readonly [number, number] = [0, 0];
  #here: readonly [number, number] = [0, 0];

  /** `load`: takes over the values of a cell. */
  constructor(holder: HTMLElement, readout: HTMLElement, load: (x: string, y: string) => void) {
    this.#holder = holder;
    this.#readout = readout;
    this.#load = load;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  /** An empty map. `here`: the cell that is nearest to the scenario. */
  begin({ x, y }: Pick<AskMap, 'x' | 'y'>, words: MapWords, here: readonly [number, number]): void {
    this.#x = x;
    this.#y = y;
    this.#words = words;
    this.#endings = [];
    this.#labels = [];
    this.#here = here;
    this.#cursor = here;
  }

  /** Nothing, until cells of another scenario come. */
  clear(): void {
    this.#endings = [];
    this.#labels = [];
    this.#grids = [];
    fill(this.#holder);
    fill(this.#readout);
  }

  add(cell: Extract<Answer, { kind: 'cell' }>): void {
    const { x, y, span, endings, labels } = cell;
    if (this.#labels.length === 0) {
      this.#labels = labels;
      this.#build();
    }
    const columns = this.#x.values.length;
    this.#endings[y * columns + x] = endings;
    for (const [index, { canvas }] of this.#grids.entries())
      this.#paint(canvas, x, y, span, endings[index] ?? null);
    if (span === 1) this.#mark();
  }

  /** When all cells are there: those that stood for others have painted over none. */
  finish(): void {
    this.#draw();
  }

  #build(): void {
    this.#grids = this.#labels.map((label) => ({ label, canvas: this.#canvas(label) }));
    const [bottom, top] = [this.#y.values[0] ?? '', this.#y.values.at(-1) ?? ''];
    const [left, right] = [this.#x.values[0] ?? '', this.#x.values.at(-1) ?? ''];
    fill(
      this.#holder,
      ...this.#grids.map(({ label, canvas }, index) =>
        h(
          'figure',
          { class: 'grid' },
          h('figcaption', {}, swatch(index), ' ', label),
          h('i', {}, `↑ ${this.#words.y}`),
          h(
            'div',
            { class: 'frame' },
            h('span', { class: 'y' }, h('i', {}, top), h('i', {}, bottom)),
            canvas,
          ),
          h('div', { class: 'x' }, h('i', {}, left), h('i', {}, `${this.#words.x} →`), h('i', {}, right)),
        ),
      ),
    );
  }

  #canvas(label: string): HTMLCanvasElement {
    const canvas = h('canvas', {
      width: WIDTH * 2,
      height: HEIGHT * 2,
      tabindex: 0,
      role: 'application',
      'aria-label': `Map of ${label}: ${this.#words.x} across, ${this.#words.y} up. Arrow keys move, Enter takes the cell over.`,
    });
    canvas.addEventListener('pointermove', (event) => this.#point(canvas, event));
    canvas.addEventListener('click', (event) => {
      this.#point(canvas, event);
      this.#take();
    });
    canvas.addEventListener('focus', () => this.#mark());
    canvas.addEventListener('keydown', (event) => {
      const moves: Readonly<Record<string, readonly [number, number]>> = {
        ArrowLeft: [-1, 0],
        ArrowRight: [1, 0],
        ArrowUp: [0, 1],
        ArrowDown: [0, -1],
      };
      const move = moves[event.key];
      if (move !== undefined) this.#move(this.#cursor[0] + move[0], this.#cursor[1] + move[1]);
      else if (event.key === 'Enter') this.#take();
      else return;
      event.preventDefault();
    });
    return canvas;
  }

  #point(canvas: HTMLCanvasElement, { offsetX, offsetY }: MouseEvent): void {
    const x = Math.floor((offsetX / canvas.clientWidth) * this.#x.values.length);
    const y = this.#y.values.length - 1 - Math.floor((offsetY / canvas.clientHeight) * this.#y.values.length);
    this.#move(x, y);
  }

  #move(x: number, y: number): void {
    const within = (value: number, { values }: Axis): number =>
      Math.min(Math.max(value, 0), values.length - 1);
    const next = [within(x, this.#x), within(y, this.#y)] as const;
    if (next[0] === this.#cursor[0] && next[1] === this.#cursor[1]) return;
    this.#cursor = next;
    this.#draw();
    this.#tell();
  }

  #take(): void {
    const [x, y] = this.#cursor;
    const [xText, yText] = [this.#x.values[x], this.#y.values[y]];
    if (xText !== undefined && yText !== undefined) this.#load(xText, yText);
  }

  #tell(): void {
    const [x, y] = this.#cursor;
    const endings = this.#endings[y * this.#x.values.length + x];
    const at = `${this.#words.x} ${this.#x.values[x]}, ${this.#words.y} ${this.#y.values[y]}`;
    const words = (ending: Ending | undefined): string => {
      if (ending === undefined) return 'not run yet';
      if (ending === null) return 'does not converge';
      return typeof ending === 'string' ? 'cannot run' : `converges in ${Number(ending.toPrecision(3))} s`;
    };
    const each = this.#labels.map((label, index) => `${label} ${words(endings?.[index])}`);
    fill(this.#readout, `${at}: ${each.join('; ')}`);
  }

  #draw(): void {
    const columns = this.#x.values.length;
    for (const [index, { canvas }] of this.#grids.entries()) {
      this.#endings.forEach((endings, at) => {
        if (endings !== undefined)
          this.#paint(canvas, at % columns, Math.floor(at / columns), 1, endings[index] ?? null);
      });
    }
    this.#mark();
  }

  #paint(canvas: HTMLCanvasElement, x: number, y: number, span: number, ending: Ending): void {
    const context = canvas.getContext('2d');
    if (context === null) return;
    const width = canvas.width / this.#x.values.length;
    const height = canvas.height / this.#y.values.length;
    const left = Math.round(x * width);
    const top = Math.round(canvas.height - (y + span) * height);
    const [w, tall] = [Math.round((x + span) * width) - left, Math.round(canvas.height - y * height) - top];
    context.save();
    context.beginPath();
    context.rect(left, top, w, tall);
    context.clip();
    context.fillStyle = typeof ending === 'number' ? colourOf(ending) : colour('--raised');
    context.fillRect(left, top, w, tall);
    if (typeof ending !== 'number') hatch(context, left, top, w, tall, ending === null);
    context.restore();
  }

  /** Where the scenario is, and where the cursor is. */
  #mark(): void {
    const width = (WIDTH * 2) / this.#x.values.length;
    const height = (HEIGHT * 2) / this.#y.values.length;
    for (const { canvas } of this.#grids) {
      const context = canvas.getContext('2d');
      if (context === null) continue;
      const frame = ([x, y]: readonly [number, number], stroke: string, line: number): void => {
        context.strokeStyle = stroke;
        context.lineWidth = line;
        context.strokeRect(x * width + 2, HEIGHT * 2 - (y + 1) * height + 2, width - 4, height - 4);
      };
      frame(this.#cursor, colour('--quiet'), 2);
      frame(this.#here, '#000', 5);
      frame(this.#here, '#fff', 2);
    }
  }
}

/** s, on a scale of ratios from 1 s to 10 min. */
function colourOf(seconds: number): string {
  const share = Math.log(Math.max(seconds, 1)) / Math.log(600);
  return nth(SOON_TO_LATE, Math.min(SOON_TO_LATE.length - 1, Math.floor(share * SOON_TO_LATE.length)));
}

/** Lines where it never ends; dots of nothing where it cannot run. */
function hatch(
  context: CanvasRenderingContext2D,
  left: number,
  top: number,
  width: number,
  height: number,
  lines: boolean,
): void {
  if (!lines) return;
  context.strokeStyle = colour('--quiet');
  context.lineWidth = 1.5;
  context.beginPath();
  // One pattern over the whole map, so that cells join.
  for (let offset = Math.floor((left + top) / 14) * 14; offset < left + top + width + height; offset += 14) {
    context.moveTo(offset - top, top);
    context.lineTo(offset - top - height, top + height);
  }
  context.stroke();
}

/** What the colours stand for. */
export function mapKey(): HTMLElement {
  const bounds = SOON_TO_LATE.map((_, index) => Math.round(600 ** (index / SOON_TO_LATE.length)));
  return h(
    'ul',
    { class: 'key', 'aria-label': 'Colours of the map' },
    ...SOON_TO_LATE.map((hex, index) => {
      const chip = h('span', { class: 'chip' });
      chip.style.background = hex;
      return h('li', {}, chip, index === 0 ? `below ${bounds[1]} s` : `from ${bounds[index]} s`);
    }),
    h('li', {}, h('span', { class: 'chip hatched' }), 'does not converge'),
  );
}
