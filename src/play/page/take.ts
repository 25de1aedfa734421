/** What the page gives away: files, and texts for the clipboard. */
import { byId } from './dom.js';

function say(text: string): void {
  byId('taken').textContent = text;
}

export function saveFile(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
  say(`Saved ${name}.`);
}

/** Browsers let a page from disk write to the clipboard only sometimes: then the text is there to be selected. */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied the ${what}.`);
  } catch {
    say(text);
  }
}

/** Twice the size, as screens and slides have it. */
export async function savePng(name: string, svg: string, width: number, height: number): Promise<void> {
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
