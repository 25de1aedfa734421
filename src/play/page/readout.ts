/** What holds at an instant under each strategy, in words, with the last decision before it. */
import type { StrategyView } from '../view.js';
import { fill, h } from './dom.js';
import { swatch } from './looks.js';

/** `time`: s; null while nothing is pointed at. */
export function showReadout(
  holder: HTMLElement,
  views: readonly StrategyView[],
  isShown: (label: string) => boolean,
  time: number | null,
): void {
  if (time === null) {
    const words =
      'Point at the charts to read values and decisions; drag to zoom, double-click to see everything.';
    fill(holder, h('p', { class: 'quiet' }, words));
    return;
  }
  const lines = views.map((view, index) =>
    isShown(view.label) ? h('p', {}, swatch(index), ' ', ...readings(view, time)) : null,
  );
  fill(holder, h('p', {}, h('strong', {}, `${time.toFixed(2)} s`)), ...lines);
}

function readings(
  { label, curves, decisions, totalMs, outcome }: StrategyView,
  time: number,
): (Node | string)[] {
  if (time > totalMs / 1e3) return [h('b', {}, label), ` ${outcome}`];
  const at = curves.time.findLastIndex((instant) => instant <= time);
  const value = (
    name: 'remaining' | 'throttle' | 'sleep' | 'dirtyRate' | 'bandwidth',
    unit: string,
    words: string,
  ): string[] => {
    const read = curves[name][at] ?? null;
    return read === null || (read === 0 && name !== 'remaining')
      ? []
      : [`${words}${Number(read.toPrecision(4))} ${unit}`];
  };
  const parts = [
    ...value('remaining', 'MiB', ''),
    ...value('throttle', '%', 'throttle '),
    ...value('sleep', 'ms', 'sleep '),
    ...value('dirtyRate', 'MiB/s', 'dirty '),
    ...value('bandwidth', 'MiB/s', 'sending '),
  ];
  const last = decisions.findLast((decision) => decision.time <= time);
  const said =
    last === undefined ? [] : [h('span', { class: 'quiet' }, ` — ${last.time.toFixed(2)} s: ${last.text}`)];
  return [h('b', {}, label), ` ${parts.join(', ')}`, ...said];
}
