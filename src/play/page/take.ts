/** What the page gives away: files, and texts for the clipboard. */
import { resultTables } from '../../report/columns.js';
import { fragmentOf, type PlayState } from '../state.js';
import { byId, fill, h, selectOf } from './dom.js';
import type { Lane } from './lane.js';

function say(text: string): void {
  byId('taken').textContent = text;
}

function saveFile(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
  say(`Saved ${name}.`);
}

/** Browsers let a page from disk write to the clipboard only sometimes: then the text is there to be selected. */
async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied the ${what}.`);
  } catch {
    say(text);
  }
}

/** Twice the size, as screens and slides have it. */
async function savePng(name: string, svg: string, width: number, height: number): Promise<void> {
  const picture = new Image(width, height);
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await picture.decode();
  const canvas = document.createElement('canvas');
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob !== null) saveFile(name, blob, 'image/png');
}

export interface Taken {
  readonly state: () => PlayState;
  /** The timeline as SVG. */
  readonly drawing: () => string;
  readonly complain: (text: string) => void;
}

/** The name of its files, without their endings. */
export function stemOf({ file }: PlayState): string {
  return file.replace(/\.ya?ml$/, '');
}

/** `lane`: where the tables are made. */
export function wireTaking(lane: Lane, { state, drawing, complain }: Taken): void {
  const on = (id: string, act: () => void): void => byId(id).addEventListener('click', act);
  fill(byId('csv'), ...resultTables.map(({ name }) => h('option', { value: name }, `${name}.csv`)));
  on('copy-link', () => void copyText(location.href.replace(/#.*$/, '') + fragmentOf(state()), 'link'));
  on('copy-command', () => void copyText(byId('command').textContent ?? '', 'command'));
  on('save-yaml', () => saveFile(state().file, state().text, 'application/yaml'));
  on('save-svg', () => saveFile(`${stemOf(state())}.svg`, drawing(), 'image/svg+xml'));
  on('save-png', () => {
    const text = drawing();
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(text) ?? [];
    void savePng(`${stemOf(state())}.png`, text, Number(width), Number(height));
  });
  on('save-csv', () => {
    const { text, file, seed, exact } = state();
    const table = selectOf('csv').value;
    const memory = exact ? 'page' : 'fluid';
    lane.ask({ kind: 'csv', text, file, seed, memory, table }, (answer) => {
      if (answer.kind === 'csv') saveFile(`${stemOf(state())}-${table}.csv`, answer.text, 'text/csv');
      if (answer.kind === 'wrong') complain(answer.message);
    });
  });
}
