/** Strategies with options in little room: a number in brackets leads to a note. */

export interface StrategyName {
  readonly label: string;
  /** `auto-converge [1]`; without options, the label. */
  readonly short: string;
  /** `[1] cpu-throttle-initial=40`; null without options. */
  readonly note: string | null;
}

export function strategyNames(labels: readonly string[]): StrategyName[] {
  let notes = 0;
  return labels.map((label) => {
    const [, name = '', options] = /^([^(]+)\((.*)\)$/s.exec(label) ?? [];
    if (options === undefined) return { label, short: label, note: null };
    notes += 1;
    return { label, short: `${name} [${notes}]`, note: `[${notes}] ${options.replaceAll(';', ', ')}` };
  });
}

/** What the numbers in brackets stand for; null when there are none. */
export function optionsOf(names: readonly StrategyName[]): string | null {
  const notes = names.map(({ note }) => note).filter((note) => note !== null);
  return notes.length === 0 ? null : notes.join('; ');
}
