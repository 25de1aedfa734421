/** Observable Plot without a browser. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

export interface Chart {
  /** What stands inside the `svg` element. */
  readonly svg: string;
  /** From a value to its place, in pixels. */
  place(scale: 'x' | 'y', value: number): number;
}

/** What is used of the element that Plot makes. */
interface Element {
  readonly innerHTML: string;
  scale(name: 'x' | 'y'): { apply(value: number): number };
}

export function chart(options: Plot.PlotOptions): Chart {
  const page: unknown = parseHTML('<!doctype html><html><body></body></html>');
  // The document of a page is a getter of its window.
  const { document } = page as { readonly document: object };
  const drawn: unknown = Plot.plot({ ...options, ...{ document } });
  const element = drawn as Element;
  return {
    svg: tidy(element.innerHTML),
    place: (scale, value) => element.scale(scale).apply(value),
  };
}

/** Without Plot's style sheet, which other programs do not read, without empty texts, and to hundredths of a pixel. */
function tidy(svg: string): string {
  return svg
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replaceAll(/<text [^>]*><\/text>|<text [^>]*\/>/g, '')
    .replaceAll(/="[^"]*"/g, (attribute) =>
      attribute.replaceAll(/-?\d+\.\d{3,}(?:e-\d+)?/g, (number) => String(Number(Number(number).toFixed(2)))),
    )
    .replaceAll('<g', '\n<g');
}
