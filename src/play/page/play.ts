/** Holds the state, asks the workers, and lets each part of the page show what comes back. */
import type { Bands } from '../bands.js';
import { commandLine } from '../command-line.js';
import type { PageData } from '../document.js';
import type { Answer, TableView } from '../protocol.js';
import { shownSpan } from '../panels.js';
import { ScenarioText } from '../scenario-text.js';
import { checkedState, fragmentOf, MOST_RUNS, type PlayState, stateOf } from '../state.js';
import { timelineSvg } from '../timeline-svg.js';
import type { StrategyView } from '../view.js';
import { Controls } from './controls.js';
import { byId, elementOf, fill, h, idle, inputOf } from './dom.js';
import { acceptFiles } from './drop.js';
import { Lane } from './lane.js';
import { MapPart } from './map-part.js';
import { Presets } from './presets.js';
import { showDecisions, showTable, showVerdicts, showWhy, showWork } from './results.js';
import { stemOf, wireTaking } from './take.js';
import { Timeline } from './timeline.js';

/** How long after the last change what is slow begins, ms. */
const SETTLED_MS = 350;

/** Drawn runs may take longer than the one at the median: bands go on a little beyond what is shown at first. */
const BEYOND = 1.2;

const NO_STATUS = { notes: '', bands: '', exact: '' };

/** What the page was written with: its writer has the type. */
const readData: (text: string) => PageData = JSON.parse;

export class Play {
  readonly #data: PageData = readData(byId('data').textContent ?? '');
  readonly #program = byId('program').textContent ?? '';
  readonly #lane = new Lane(this.#program, true);
  readonly #exactLane = new Lane(this.#program);
  readonly #otherLane = new Lane(this.#program);
  readonly #timeline = new Timeline(byId('timeline'), byId('readout'));
  readonly #controls: Controls;
  readonly #map: MapPart;
  readonly #presets: Presets;
  #state: PlayState;
  #views: StrategyView[] = [];
  #bands: Bands | null = null;
  #tables: { one: TableView | null; many: TableView | null } = { one: null, many: null };
  #wantsMany = false;
  #said = NO_STATUS;
  #wanted = false;
  /** Whether the one run of each strategy is still to come. */
  #isAsked = false;
  /** Where the values were changed by hand, the name of what they come from. */
  #changedFrom: string | null = null;

  constructor() {
    this.#state = stateOf(location.hash) ?? this.#data.start;
    this.#controls = new Controls(byId('controls'), this.#data.keys, {
      text: () => this.#state.text,
      change: (text) => this.#changeText(text),
    });
    this.#map = new MapPart(this.#program, this.#data.keys, {
      state: () => this.#state,
      axes: (map) => this.#set({ map }, false),
      load: (text) => this.#changeText(text),
    });
    this.#presets = new Presets(this.#data, this.#state.text, (file, text) => this.#open(file, text));
  }

  start(): void {
    byId('version').textContent = this.#data.version;
    this.#wire();
    this.#showState();
    this.#run();
  }

  // ------------------------------------------------------------------------------------------------------- the state

  #set(part: Partial<PlayState>, reruns = true): void {
    const next = checkedState({ ...this.#state, ...part });
    if (next === null) {
      this.#wrong('the scenario is larger than a page can hold');
      return;
    }
    this.#state = next;
    this.#remember();
    this.#showState();
    if (reruns) this.#run();
  }

  /** An edit, from a control, the map or the text. */
  #changeText(text: string): void {
    const from = this.#changedFrom ?? this.#state.file.replace(/\.ya?ml$/, '');
    const isFirst = this.#changedFrom === null;
    this.#changedFrom = from;
    this.#set({ text: isFirst ? new ScenarioText(text).changed(from) : text });
  }

  /** Another guest altogether. */
  #open(file: string, text: string): void {
    this.#changedFrom = null;
    this.#timeline.reset();
    this.#set({ file, text, map: null });
  }

  /** The address carries the state, and the history of the tab does not grow. */
  readonly #remember = idle(SETTLED_MS, () => history.replaceState(null, '', fragmentOf(this.#state)));

  #showState(): void {
    const { text, seed, runs, exact } = this.#state;
    this.#controls.show(text);
    const yaml = elementOf('yaml', HTMLTextAreaElement);
    if (document.activeElement !== yaml) yaml.value = text;
    const number = (id: string, value: number): void => {
      const field = inputOf(id);
      if (document.activeElement !== field) field.value = String(value);
    };
    number('seed', seed);
    number('runs', runs);
    inputOf('exact').checked = exact;
    byId('command').textContent = commandLine(this.#state, this.#wantsMany ? runs : 1);
  }

  // ------------------------------------------------------------------------------------------------------- the runs

  /** At most once a frame, however fast a slider moves. */
  #run(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    requestAnimationFrame(() => {
      this.#wanted = false;
      this.#ask();
    });
  }

  #ask(): void {
    const { text, file, seed } = this.#state;
    const fresh: StrategyView[] = [];
    this.#exactLane.stop();
    this.#isAsked = true;
    this.#lane.ask({ kind: 'runs', text, file, seed, memory: 'fluid' }, (answer) => {
      if (answer.kind === 'table') {
        this.#bands = null;
        this.#status({ notes: answer.notes.join('; '), bands: '', exact: '' });
      }
      this.#hear(answer, fresh);
      if (answer.kind !== 'end' && answer.kind !== 'wrong') return;
      this.#isAsked = false;
      if (answer.kind === 'end') this.#askMore();
    });
    this.#map.changed();
  }

  /** What takes its time: while a slider moves, the worker has nothing to finish before it can answer. */
  readonly #askMore = idle(SETTLED_MS, () => {
    // A newer question is on its way, and will come here itself.
    if (this.#isAsked) return;
    const { text, file, seed, runs } = this.#state;
    if (runs > 0) {
      const endS = BEYOND * shownSpan(this.#views)[1];
      this.#lane.ask({ kind: 'draws', text, file, seed, memory: 'fluid', runs, endS }, (answer) =>
        this.#hear(answer, []),
      );
    }
    this.#askExact();
  });

  #askExact(): void {
    const { text, file, seed, exact } = this.#state;
    if (!exact) return;
    const fresh: StrategyView[] = [];
    this.#exactLane.ask({ kind: 'runs', text, file, seed, memory: 'page' }, (answer) => {
      if (answer.kind === 'progress') {
        const { labels, done } = answer;
        const exactly = `Page memory: ${labels[done] ?? ''} is running, ${done} of ${labels.length} are done`;
        this.#status({ exact: exactly });
      } else if (answer.kind === 'end') this.#status({ exact: 'Page memory: each write was drawn' });
      else this.#hear(answer, fresh);
    });
  }

  #hear(answer: Answer, fresh: StrategyView[]): void {
    switch (answer.kind) {
      case 'wrong':
        this.#wrong(answer.message);
        return;
      case 'strategy':
        fresh[answer.index] = answer.view;
        return;
      case 'table':
        this.#heardTable(answer, fresh);
        return;
      case 'bands': {
        this.#bands = answer.bands;
        const done = answer.bands.strategies[0]?.runs ?? 0;
        this.#status({
          bands:
            done < answer.of ? `${done} of ${answer.of} drawn runs` : `Bands: 90 % of ${done} drawn runs`,
        });
        this.#draw();
        return;
      }
      default:
    }
  }

  #heardTable({ runs, table }: Extract<Answer, { kind: 'table' }>, fresh: StrategyView[]): void {
    if (runs === 1) {
      this.#views = fresh;
      this.#tables = { one: table, many: this.#bands === null ? null : this.#tables.many };
      byId('wrong').hidden = true;
      document.body.classList.remove('stale');
      this.#draw();
      showWork(byId('work'), this.#views);
      showDecisions(byId('decisions'), this.#views);
      const { dataset } = document.documentElement;
      dataset['drawn'] = String(Number(dataset['drawn'] ?? 0) + 1);
      performance.mark('drawn');
    } else this.#tables = { ...this.#tables, many: table };
    this.#drawTable();
  }

  #draw(): void {
    showVerdicts(byId('verdicts'), this.#views, this.#bands, (label, isShown) =>
      this.#timeline.toggle(label, isShown),
    );
    this.#timeline.show(this.#views, this.#bands);
  }

  #drawTable(): void {
    const { one, many } = this.#tables;
    const shown = this.#wantsMany ? (many ?? one) : one;
    const button = elementOf('many-runs', HTMLButtonElement);
    button.disabled = many === null && !this.#wantsMany;
    byId('one-run').setAttribute('aria-pressed', String(!this.#wantsMany));
    button.setAttribute('aria-pressed', String(this.#wantsMany));
    if (shown === null) return;
    showTable(byId('table'), shown);
    showWhy(byId('why'), shown);
  }

  /** The scenario cannot run: what is shown is that of the one before. */
  #wrong(message: string): void {
    this.#complain(message);
    document.body.classList.add('stale');
  }

  #complain(message: string): void {
    const place = byId('wrong');
    place.textContent = message;
    place.hidden = false;
  }

  /** Of what was read, of the page memory, of the drawn runs; those that are not given stay. */
  #status(part: Partial<typeof NO_STATUS>): void {
    this.#said = { ...this.#said, ...part };
    const { exact, bands, notes } = this.#said;
    byId('status').textContent = [exact, bands, notes].filter((text) => text !== '').join('; ');
  }

  // ---------------------------------------------------------------------------------------------------------- wiring

  #wire(): void {
    byId('controls-form').addEventListener('submit', (event) => event.preventDefault());
    for (const button of document.querySelectorAll<HTMLElement>('[data-act]')) {
      button.addEventListener('click', () => this.#timeline.zoom(button.dataset['act'] ?? 'all'));
    }
    this.#onNumber('seed', 2 ** 32 - 1, (seed) => this.#set({ seed }));
    this.#onNumber('runs', MOST_RUNS, (runs) => this.#set({ runs }));
    byId('exact').addEventListener('change', () => this.#set({ exact: inputOf('exact').checked }));
    byId('yaml').addEventListener('input', () =>
      this.#set({ text: elementOf('yaml', HTMLTextAreaElement).value }),
    );
    byId('one-run').addEventListener('click', () => this.#want(false));
    byId('many-runs').addEventListener('click', () => this.#want(true));
    window.addEventListener('hashchange', () => {
      const state = stateOf(location.hash);
      if (state !== null) this.#set(state);
    });
    acceptFiles(
      byId('drop'),
      inputOf('files'),
      (files) => this.#learn(files),
      (text) => this.#complain(text),
    );
    wireTaking(this.#otherLane, {
      state: () => this.#state,
      drawing: () => timelineSvg(stemOf(this.#state), this.#views, this.#bands, this.#timeline.span),
      complain: (text) => this.#complain(text),
    });
  }

  #onNumber(id: string, most: number, set: (value: number) => void): void {
    const field = inputOf(id);
    field.addEventListener('change', () => {
      const value = Number(field.value);
      if (field.value !== '' && Number.isInteger(value) && value >= 0 && value <= most) set(value);
    });
  }

  #want(many: boolean): void {
    this.#wantsMany = many;
    this.#drawTable();
    this.#showState();
  }

  #learn(files: readonly { readonly file: string; readonly text: string }[]): void {
    fill(byId('learned'), h('p', { class: 'quiet' }, 'Reading…'));
    this.#otherLane.ask({ kind: 'learn', files }, (answer) => {
      if (answer.kind === 'wrong') {
        fill(byId('learned'));
        this.#complain(answer.message);
      }
      if (answer.kind !== 'learned') return;
      fill(
        byId('learned'),
        h(
          'dl',
          { class: 'learned' },
          ...answer.lines.flatMap(([label, text]) => [h('dt', {}, label), h('dd', {}, text)]),
        ),
      );
      this.#presets.leave();
      this.#open(answer.file, answer.text);
    });
  }
}
