/** Which panels the timeline has, and what each draws of the strategies. */
import { largest, smallest } from '../stats/extremes.js';
import type { Band, Bands } from './bands.js';
import type { Curve, Curves, StrategyView } from './view.js';

export interface PanelSpec {
  readonly title: string;
  readonly log: boolean;
  /** Top of the axis where it is fixed. */
  readonly top: number | null;
  readonly stepped: boolean;
  readonly curves: readonly { readonly name: Exclude<keyof Curves, 'time'>; readonly dashed?: boolean }[];
  readonly band: ((bands: Bands['strategies'][number]) => Band) | null;
}

const ALL: readonly PanelSpec[] = [
  {
    title: 'Remaining (MiB); dashed: what may be left for the switchover',
    log: true,
    top: null,
    stepped: false,
    curves: [{ name: 'remaining' }, { name: 'threshold', dashed: true }],
    band: ({ remaining }) => remaining,
  },
  {
    title: 'CPU throttle (%)',
    log: false,
    top: 100,
    stepped: true,
    curves: [{ name: 'throttle' }],
    band: ({ throttle }) => throttle,
  },
  {
    title: 'Sleep at a full ring (ms)',
    log: false,
    top: null,
    stepped: true,
    curves: [{ name: 'sleep' }],
    band: null,
  },
  {
    title: 'Dirty rate (MiB/s); dashed: bandwidth',
    log: false,
    top: null,
    stepped: true,
    curves: [{ name: 'dirtyRate' }, { name: 'bandwidth', dashed: true }],
    band: null,
  },
  {
    title: 'Work of writers (%)',
    log: false,
    top: 105,
    stepped: false,
    curves: [{ name: 'writers' }],
    band: null,
  },
  {
    title: 'Work of readers (%)',
    log: false,
    top: 105,
    stepped: false,
    curves: [{ name: 'readers' }],
    band: null,
  },
];

/** What may be all 0, and is left out then. */
const OCCASIONAL = ['throttle', 'sleep'];

/** The panels that have something to show. */
export function panelsFor(views: readonly StrategyView[]): PanelSpec[] {
  return ALL.filter(({ curves: [first] }) => {
    if (first === undefined) return false;
    const { name } = first;
    const least = OCCASIONAL.includes(name) ? 0 : -1;
    return views.some(({ curves }) => curves[name].some((value) => value !== null && value > least));
  });
}

/** A value on a logarithmic axis must be above 0. */
export function positive(curve: Curve): Curve {
  return curve.map((value) => (value !== null && value > 0 ? value : null));
}

/** When the last of the strategies ends, s. */
export function lastEnd(views: readonly StrategyView[]): number {
  return Math.max(0.1, largest(views.map(({ totalMs }) => totalMs / 1e3)));
}

/** How far the time goes that is shown at first: to the end of the last that converged, as others may go on for very long. */
export function shownSpan(views: readonly StrategyView[]): readonly [number, number] {
  const converged = views.filter((view) => view.converged);
  const last = lastEnd(views);
  return [0, converged.length === 0 ? last : Math.min(last, 1.35 * lastEnd(converged))];
}

/** Where the axis of what remains ends, MiB: a little below what may be left for the switchover. */
export function bottomOf(views: readonly StrategyView[]): number {
  const thresholds = views.flatMap(({ curves }) => curves.threshold).filter((value) => value !== null);
  return thresholds.length === 0 ? 1 : Math.max(0.1, smallest(thresholds) / 4);
}
