/** The controls: a slider and a field for each value, in sections that come and go with what is chosen. */
import { nth } from '../../lists.js';
import { workloadList } from '../../guest/workloads/index.js';
import { policies } from '../../policies/index.js';
import { strategies } from '../../strategies/index.js';
import {
  type Input,
  type KeyTable,
  policyName,
  RATES,
  type Section,
  sectionsOf,
  workloadName,
} from '../inputs.js';
import { nearestStep } from '../ladder.js';
import { type Scalar, ScenarioText } from '../scenario-text.js';
import { fill, h } from './dom.js';
import { swatch } from './looks.js';

/** Strategies and groups that a page can have; each costs a run. */
const MOST_ENTRIES = 12;

export interface ControlsHooks {
  /** The text of the scenario as it is now. */
  readonly text: () => string;
  /** A new text; `structural` where sections came or went. */
  readonly change: (text: string, structural: boolean) => void;
}

/** Writes a value as the scenario has it: numbers of a count stay numbers. */
function written(input: Input, text: string): Scalar {
  const { kind } = input.entry;
  const isNumber = kind === 'count' || kind === 'number' || kind === 'percent';
  const plain = text.trim();
  return isNumber && /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : plain;
}

export class Controls {
  readonly #holder: HTMLElement;
  readonly #keys: KeyTable;
  readonly #hooks: ControlsHooks;
  #shape = '';
  #updates: ((scenario: ScenarioText) => void)[] = [];

  constructor(holder: HTMLElement, keys: KeyTable, hooks: ControlsHooks) {
    this.#holder = holder;
    this.#keys = keys;
    this.#hooks = hooks;
  }

  /** Shows what the scenario says; what the user is at stays as it is. */
  show(text: string): void {
    const scenario = new ScenarioText(text);
    const sections = scenario.fault === null ? sectionsOf(scenario, this.#keys) : [];
    const shape = JSON.stringify(
      sections.map(({ title, entry, inputs }) => [title, entry, inputs.map(({ path }) => path)]),
    );
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#build(sections, scenario);
    }
    for (const update of this.#updates) update(scenario);
  }

  #build(sections: readonly Section[], scenario: ScenarioText): void {
    const open = new Map(
      [...this.#holder.querySelectorAll('details')].map((one) => [
        one.getAttribute('data-key') ?? '',
        one.open,
      ]),
    );
    const focused = document.activeElement?.id ?? '';
    this.#updates = [];
    let strategy = 0;
    const parts: HTMLElement[] = [];
    for (const section of sections) {
      if (section.kind === 'link') parts.push(this.#adder('Add a group of vCPUs', () => this.#addGroup()));
      if (section.kind === 'policy') parts.push(this.#strategyAdder());
      const title = section.kind === 'strategy' ? [swatch(strategy++), ` ${section.title}`] : [section.title];
      parts.push(this.#section(section, title, open, scenario));
    }
    fill(this.#holder, ...parts);
    if (focused !== '') document.getElementById(focused)?.focus();
  }

  #removeButton(entry: string): HTMLElement {
    const button = h('button', { type: 'button', class: 'small' }, 'Remove');
    button.addEventListener('click', () => this.#edit((text) => text.without(entry), true));
    return button;
  }

  #section(
    section: Section,
    title: readonly (Node | string)[],
    open: ReadonlyMap<string, boolean>,
    scenario: ScenarioText,
  ): HTMLElement {
    const { kind, entry, inputs } = section;
    const key = `${kind} ${entry ?? section.title}`;
    const isOpen = open.get(key) ?? (kind === 'guest' || kind === 'group' || kind === 'link');
    const head: HTMLElement[] = [];
    if (kind === 'group') head.push(this.#workloadChoice(section, scenario));
    if (kind === 'policy') head.push(this.#policyChoice());
    const remove = entry === null ? null : this.#removeButton(entry);
    const body = h('div', { class: 'fields' }, ...head, ...inputs.map((input) => this.#field(input)), remove);
    const words =
      kind === 'strategy' ? ['Strategy ', ...title] : kind === 'group' ? ['vCPUs: ', ...title] : title;
    if (kind === 'strategy' && inputs.length === 0 && remove === null)
      return h('p', { class: 'bare' }, ...words);
    return h(
      'details',
      { 'data-key': key, open: isOpen, class: 'section' },
      h('summary', {}, ...words),
      body,
    );
  }

  #field(input: Input): HTMLElement {
    const id = `in-${input.path.replaceAll('.', '-')}`;
    const label = h('label', { for: id, title: input.meaning }, input.label);
    if (input.entry.kind === 'flag') return this.#flag(input, id, label);
    if (input.words.length > 0) return this.#words(input, id, label);
    return this.#slider(input, id, label);
  }

  #slider(input: Input, id: string, label: HTMLElement): HTMLElement {
    const { steps, entry, path, meaning } = input;
    const field = h('input', {
      id,
      type: 'text',
      class: 'exact',
      autocomplete: 'off',
      spellcheck: 'false',
      title: meaning,
    });
    const set = (value: Scalar): void => this.#edit((text) => text.with(path, value));
    field.addEventListener('change', () => {
      const value = written(input, field.value);
      if (value === '') this.#edit((text) => text.without(path));
      else set(value);
    });
    if (steps.length < 2) {
      this.#updates.push((scenario) => showIn(field, String(scenario.at(path) ?? input.fallback ?? '')));
      return h('div', { class: 'field' }, label, field);
    }
    const slider = h('input', {
      type: 'range',
      min: 0,
      max: steps.length - 1,
      step: 1,
      'aria-label': `${input.label}, by steps`,
      'data-path': path,
    });
    slider.addEventListener('input', () => {
      const value = nth(steps, Number(slider.value));
      field.value = String(value);
      slider.setAttribute('aria-valuetext', field.value);
      set(value);
    });
    this.#updates.push((scenario) => {
      // A list, which only the text shows: a slider would write over it.
      const isList = scenario.has(path) && scenario.at(path) === undefined;
      slider.disabled = isList;
      field.disabled = isList;
      if (isList) {
        field.value = 'as in the file';
        return;
      }
      const value = scenario.at(path) ?? input.fallback ?? undefined;
      const text = value === undefined ? '' : String(value);
      showIn(field, text);
      if (document.activeElement !== slider) slider.value = String(nearestStep(entry, steps, value));
      slider.setAttribute('aria-valuetext', text);
    });
    return h('div', { class: 'field' }, label, field, slider);
  }

  #words({ path, words, meaning, fallback }: Input, id: string, label: HTMLElement): HTMLElement {
    const choice = h(
      'select',
      { id, title: meaning },
      ...words.map(([value, text]) => h('option', { value: String(value) }, text)),
    );
    choice.addEventListener('change', () => {
      const found = words.find(([value]) => String(value) === choice.value);
      if (found !== undefined) this.#edit((text) => text.with(path, found[0]));
    });
    this.#updates.push((scenario) => {
      const value = String(scenario.at(path) ?? fallback ?? nth(words, 0)[0]);
      // A value that the list does not have is one all the same.
      if (!words.some(([word]) => String(word) === value)) {
        const known = [...choice.options].some((option) => option.value === value);
        if (!known) choice.append(h('option', { value, disabled: true }, value));
      }
      choice.value = value;
    });
    return h('div', { class: 'field' }, label, choice);
  }

  #flag({ path, meaning, fallback }: Input, id: string, label: HTMLElement): HTMLElement {
    const box = h('input', { id, type: 'checkbox', title: meaning });
    box.addEventListener('change', () => this.#edit((text) => text.with(path, box.checked)));
    this.#updates.push((scenario) => (box.checked = (scenario.at(path) ?? fallback) === true));
    return h('div', { class: 'field flag' }, label, box);
  }

  #workloadChoice({ inputs }: Section, scenario: ScenarioText): HTMLElement {
    const [, , index = '0'] = nth(inputs, 0).path.split('.');
    const current = workloadName(scenario, Number(index));
    const names = [
      RATES,
      ...workloadList.map(({ name }) => name).filter((name) => name !== 'dirty-curve' || current === name),
    ];
    const label = (name: string): string => (name === RATES ? 'set rates' : name);
    const id = `workload-${index}`;
    const choice = h(
      'select',
      { id },
      ...names.map((name) => h('option', { value: name, selected: name === current }, label(name))),
    );
    choice.addEventListener('change', () => {
      const rates = { write: '200MiB/s', 'working-set': '1GiB' };
      const value = choice.value === RATES ? rates : choice.value;
      this.#edit((text) => text.with(`guest.vcpus.${index}.workload`, value), true);
    });
    return h('div', { class: 'field' }, h('label', { for: id }, 'Workload'), choice);
  }

  #policyChoice(): HTMLElement {
    const choice = h(
      'select',
      { id: 'policy' },
      ...Object.values(policies).map(({ name, summary }) =>
        h('option', { value: name, title: summary }, name),
      ),
    );
    choice.addEventListener('change', () => this.#edit((text) => text.with('policy', choice.value), true));
    this.#updates.push((scenario) => (choice.value = policyName(scenario)));
    return h('div', { class: 'field' }, h('label', { for: 'policy' }, 'Policy'), choice);
  }

  #strategyAdder(): HTMLElement {
    const choice = h(
      'select',
      { id: 'add-strategy' },
      h('option', { value: '' }, 'choose…'),
      ...Object.values(strategies).map(({ name, summary }) =>
        h('option', { value: name, title: summary }, name),
      ),
    );
    choice.addEventListener('change', () => {
      const name = choice.value;
      choice.value = '';
      if (name === '') return;
      this.#edit(
        (text) =>
          text.length('strategies') < MOST_ENTRIES ? text.withEntry('strategies', name) : text.toString(),
        true,
      );
    });
    return h('div', { class: 'field adder' }, h('label', { for: 'add-strategy' }, 'Add a strategy'), choice);
  }

  #adder(words: string, act: () => void): HTMLElement {
    const button = h('button', { type: 'button', class: 'adder' }, words);
    button.addEventListener('click', act);
    return button;
  }

  #addGroup(): void {
    const group = { name: 'more', workload: { write: '200MiB/s', 'working-set': '1GiB' } };
    this.#edit((text) => {
      if (text.length('guest.vcpus') >= MOST_ENTRIES) return text.toString();
      return text.withEntry('guest.vcpus', group);
    }, true);
  }

  #edit(change: (text: ScenarioText) => string, structural = false): void {
    this.#hooks.change(change(new ScenarioText(this.#hooks.text())), structural);
  }
}

/** Unless the user is typing there. */
function showIn(field: HTMLInputElement, text: string): void {
  if (document.activeElement !== field) field.value = text;
}
