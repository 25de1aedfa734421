/** A drained host in the terminal: when each guest moved, one way beside the other. */
import type { Drain } from '../../experiment/drain.js';
import { show } from '../../experiment/measure.js';
import { grid } from './grid.js';
import type { Page } from './style.js';

/** All of `drains` have the same guests. */
export function drainText(drains: readonly Drain[], page: Page): string {
  return drains.map((drain) => oneWay(drain, page)).join('\n\n');
}

function oneWay({ parallel, guests, totalTimeMs }: Drain, page: Page): string {
  const lost = guests.filter(({ result }) => !result.converged).length;
  const how = parallel === 1 ? 'One after the other' : `${Math.min(parallel, guests.length)} at a time`;
  const outcome = lost === 0 ? 'all moved' : `${lost} of ${guests.length} did not converge`;
  const title = `${how}: ${show('ms', totalTimeMs)}, ${outcome}`;
  const rows = guests.map(({ startMs, endMs, result }) => [
    result.scenario,
    result.strategy,
    result.converged ? 'yes' : 'no',
    show('ms', startMs),
    show('ms', endMs),
    show('ms', result.totalTimeMs),
    show('ms', result.downtimeMs),
  ]);
  const columns = [
    { head: 'guest', align: 'left' as const },
    { head: 'strategy', align: 'left' as const },
    ...['converged', 'begin', 'end', 'total time', 'downtime'].map((head) => ({ head })),
  ];
  return [lost === 0 ? page.style.strong(title) : page.style.bad(title), grid(columns, rows)].join('\n\n');
}
