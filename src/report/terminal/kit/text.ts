/** Small pieces of text that several reports share. */

/** Breaks at spaces into lines of at most `width`; lines after the first begin with `indent`. Longer words stay whole. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line === '') line = word;
    else if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line];
}

/** Items with commas between them; lines break between items only. */
export function wrapItems(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const [index, item] of items.entries()) {
    const piece = index < items.length - 1 ? `${item},` : item;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + piece.length <= width)
      lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(piece);
  }
  return lines;
}

/** `Written to results/mine: runs.csv, manifest.json`; files that do not fit into the line stand on the next. */
export function writtenText(folder: string, files: readonly string[], width: number): string {
  const lead = `Written to ${folder}: `;
  const lines = wrapItems(files, width - 2);
  const whole = lead + lines.join(' ');
  return whole.length <= width ? whole : [lead.trimEnd(), ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Like `wrap`, but words may also break after a hyphen: for headings of narrow columns. */
export function wrapHyphens(text: string, width: number): string[] {
  const pieces = text.split(/(?<=-)(?=.)|(?<= )/);
  const lines: string[] = [];
  for (const piece of pieces) {
    const last = lines.at(-1);
    if (last !== undefined && (last + piece).trimEnd().length <= width)
      lines[lines.length - 1] = last + piece;
    else lines.push(piece);
  }
  return lines.map((line) => line.trimEnd());
}

/** `1 run`, `20 runs`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
