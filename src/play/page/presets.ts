/** The list of the scenarios that migsim has, and what to look for in the one that is chosen. */
import type { PageData, Preset } from '../document.js';
import { byId, fill, h, selectOf } from './dom.js';

export class Presets {
  readonly #data: PageData;

  /** `text`: the scenario that the page shows. */
  constructor(data: PageData, text: string, open: (file: string, text: string) => void) {
    this.#data = data;
    const choice = selectOf('preset');
    const groups = [...new Set(data.presets.map(({ group }) => group))];
    fill(
      choice,
      h('option', { value: '' }, 'this page’s own scenario'),
      ...groups.map((group) => this.#group(group)),
    );
    const current = data.presets.find((preset) => preset.text === text);
    choice.value = current?.file ?? '';
    lookFor(current);
    choice.addEventListener('change', () => {
      const preset = data.presets.find(({ file }) => file === choice.value);
      lookFor(preset);
      const chosen = preset ?? data.start;
      open(chosen.file, chosen.text);
    });
  }

  /** The page shows a scenario that is not of the list. */
  leave(): void {
    selectOf('preset').value = '';
    lookFor(undefined);
  }

  #group(group: string): HTMLElement {
    const presets = this.#data.presets.filter((preset) => preset.group === group);
    return h(
      'optgroup',
      { label: group },
      ...presets.map(({ file, name }) => h('option', { value: file }, name)),
    );
  }
}

function lookFor(preset: Preset | undefined): void {
  byId('look-for').textContent = preset === undefined ? '' : `Look for: ${preset.lookFor}`;
}
