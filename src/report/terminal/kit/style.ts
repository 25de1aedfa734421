/** How words are set off. Reports ask for a meaning; the caller that prints decides on colours. */
export interface Style {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const asIs = (text: string): string => text;

/** For files and pipes. */
export const plain: Style = { strong: asIs, faint: asIs, good: asIs, bad: asIs };

/** Where and how a report is printed. */
export interface Page {
  /** Columns of text. */
  readonly width: number;
  readonly style: Style;
}

export const plainPage: Page = { width: 80, style: plain };
