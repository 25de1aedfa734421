/** The parts of a drawing, as text of SVG. */
export function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Hundredths of a pixel. */
export function round(value: number): number {
  return Number(value.toFixed(2));
}

export interface TextLook {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly fill?: string;
  readonly opacity?: number;
}

/** `y` is the base line. */
export function text(x: number, y: number, words: string, look: TextLook = {}): string {
  const { anchor = 'start', size, fill, opacity } = look;
  const more = [
    size === undefined ? '' : ` font-size="${round(size)}"`,
    fill === undefined ? '' : ` fill="${fill}"`,
    opacity === undefined ? '' : ` opacity="${opacity}"`,
  ].join('');
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${more}>${escape(words)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes = ''): string {
  const place = `x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"`;
  return `<line ${place} stroke="currentColor"${attributes === '' ? '' : ` ${attributes}`}/>`;
}
