/** The convergence map with its two inputs: which they are, when it runs, and what a cell does. */
import { axisInputs, type Input, type KeyTable, sectionsOf } from '../inputs.js';
import { nearestStep } from '../ladder.js';
import type { Axis } from '../protocol.js';
import { type Scalar, ScenarioText } from '../scenario-text.js';
import type { MapAxes, PlayState } from '../state.js';
import { byId, elementOf, fill, h, idle, selectOf } from './dom.js';
import { Lane } from './lane.js';
import { mapKey, MapView } from './map-view.js';

/** Cells across and up. */
const COLUMNS = 20;
const ROWS = 14;
/** How long after the last change the map begins again, ms. */
const SETTLED_MS = 900;

export interface MapHooks {
  readonly state: () => PlayState;
  readonly axes: (axes: MapAxes) => void;
  readonly load: (text: string) => void;
}

export class MapPart {
  readonly #lane: Lane;
  readonly #keys: KeyTable;
  readonly #hooks: MapHooks;
  readonly #view: MapView;
  #isVisible = false;
  #drawn = '';
  #axes: MapAxes = { x: '', y: '' };

  constructor(program: string, keys: KeyTable, hooks: MapHooks) {
    this.#lane = new Lane(program);
    this.#keys = keys;
    this.#hooks = hooks;
    this.#view = new MapView(byId('map'), byId('map-readout'), (x, y) => this.#take(x, y));
    fill(byId('map-key'), mapKey());
    for (const id of ['map-x', 'map-y']) byId(id).addEventListener('change', () => this.#choose());
    new IntersectionObserver(([entry]) => {
      this.#isVisible = entry?.isIntersecting === true;
      if (this.#isVisible) this.#later();
    }).observe(byId('map'));
  }

  /** The scenario is another: what was drawn no longer holds. */
  changed(): void {
    const inputs = this.#inputs();
    const { map } = this.#hooks.state();
    const has = (path: string): boolean => inputs.some(({ input }) => input.path === path);
    const writes = inputs.find(({ input }) => input.path.endsWith('.write'))?.input.path;
    const x = map !== null && has(map.x) ? map.x : (writes ?? inputs[0]?.input.path ?? '');
    const y = map !== null && has(map.y) && map.y !== x ? map.y : 'link.bandwidth';
    this.#axes = { x, y };
    for (const [id, path] of [
      ['map-x', x],
      ['map-y', y],
    ] as const) {
      const choice = selectOf(id);
      fill(choice, ...inputs.map(({ name, input }) => h('option', { value: input.path }, name)));
      choice.value = path;
    }
    this.#lane.stop();
    if (this.#wanted() !== this.#drawn) {
      this.#drawn = '';
      this.#view.clear();
      elementOf('map-progress', HTMLProgressElement).value = 0;
    }
    this.#later();
  }

  /** What a map is of: with another, it no longer holds. */
  #wanted(): string {
    const { text, seed } = this.#hooks.state();
    return JSON.stringify([text, seed, this.#axes]);
  }

  readonly #later = idle(SETTLED_MS, () => this.#draw());

  #inputs(): { readonly name: string; readonly input: Input }[] {
    return axisInputs(sectionsOf(new ScenarioText(this.#hooks.state().text), this.#keys));
  }

  #choose(): void {
    const [x, y] = ['map-x', 'map-y'].map((id) => selectOf(id).value);
    if (x === undefined || y === undefined || x === y) return;
    this.#hooks.axes({ x, y });
    this.changed();
  }

  #draw(): void {
    const { text, file, seed } = this.#hooks.state();
    const wanted = this.#wanted();
    if (!this.#isVisible || wanted === this.#drawn) return;
    const inputs = this.#inputs();
    const [x, y] = [this.#axes.x, this.#axes.y].map((path) =>
      inputs.find(({ input }) => input.path === path),
    );
    if (x === undefined || y === undefined) return;
    const scenario = new ScenarioText(text);
    const [across, up] = [axisOf(x.input, scenario, COLUMNS), axisOf(y.input, scenario, ROWS)];
    const progress = elementOf('map-progress', HTMLProgressElement);
    this.#view.begin({ x: across.axis, y: up.axis }, { x: x.name, y: y.name }, [across.here, up.here]);
    this.#lane.ask(
      { kind: 'map', text, file, seed, memory: 'fluid', x: across.axis, y: up.axis },
      (answer) => {
        if (answer.kind === 'cell') {
          this.#view.add(answer);
          progress.value = answer.share;
        }
        if (answer.kind === 'end') {
          this.#drawn = wanted;
          this.#view.finish();
        }
      },
    );
  }

  /** A cell's two values become the scenario's. */
  #take(xText: string, yText: string): void {
    const typed = (path: string, text: string): Scalar => {
      const input = this.#inputs().find((one) => one.input.path === path)?.input;
      return input?.steps.find((step) => String(step) === text) ?? text;
    };
    const { x, y } = this.#axes;
    const first = new ScenarioText(this.#hooks.state().text).with(x, typed(x, xText));
    this.#hooks.load(new ScenarioText(first).with(y, typed(y, yText)));
  }
}

/** A number of steps of an input around its value, and which of them is nearest to it. */
function axisOf(
  { entry, steps, path, fallback }: Input,
  scenario: ScenarioText,
  count: number,
): { readonly axis: Axis; readonly here: number } {
  const middle = nearestStep(entry, steps, scenario.at(path) ?? fallback ?? undefined);
  const stride = Math.max(1, Math.ceil((steps.length - 1) / (2 * count)));
  const before = Math.min(Math.floor(count / 2), Math.floor(middle / stride));
  const indexes = Array.from({ length: count }, (_, index) => middle + (index - before) * stride).filter(
    (index) => index < steps.length,
  );
  return { axis: { path, values: indexes.map((index) => String(steps[index])) }, here: before };
}
