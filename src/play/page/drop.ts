/** Files that are dropped on the page or chosen: read as text, never as anything else. */
import { decodeText } from '../../formats/text.js';

const MOST_FILES = 20;
/** A log with a line each 200 ms of an hour is smaller. */
const MOST_BYTES = 16 * 2 ** 20;

type Heard = (files: readonly { readonly file: string; readonly text: string }[]) => void;

export function acceptFiles(
  zone: HTMLElement,
  field: HTMLInputElement,
  hear: Heard,
  complain: (text: string) => void,
): void {
  const take = (files: FileList | null | undefined): void => {
    if (files != null && files.length > 0) void read([...files], hear, complain);
  };
  field.addEventListener('change', () => {
    take(field.files);
    field.value = '';
  });
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  document.addEventListener('dragleave', () => zone.classList.remove('over'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    take(event.dataTransfer?.files);
  });
}

async function read(files: readonly File[], hear: Heard, complain: (text: string) => void): Promise<void> {
  if (files.length > MOST_FILES) {
    complain(`${files.length} files; expected at most ${MOST_FILES}, of one migration`);
    return;
  }
  const large = files.find(({ size }) => size > MOST_BYTES);
  if (large !== undefined) {
    complain(`${large.name}: larger than 16MiB; expected a log of a migration`);
    return;
  }
  const texts = files.map(async (file) => ({
    file: file.name,
    text: decodeText(new Uint8Array(await file.arrayBuffer())),
  }));
  hear(await Promise.all(texts));
}
