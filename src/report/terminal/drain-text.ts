/** A drained host in the terminal: when each guest moved, one way next to the other. */
import type { Drain } from '../../experiment/drain.js';
import { show } from '../../experiment/measure.js';
import { workDoneOf } from '../../migration/result.js';
import { grid } from './grid.js';
import type { Page } from './style.js';
import { wrap } from './text.js';

/** All of `drains` have the same guests. */
export function drainText(drains: readonly Drain[], page: Page): string {
  const note =
    'Work: of the vCPUs that write, against a guest that is not migrated; while held: in the time held.';
  return [
    ...drains.map((drain) => oneWay(drain, page)),
    wrap(note, page.width).map(page.style.faint).join('\n'),
  ].join('\n\n');
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
    show('share', workDoneOf(result, 'writers')),
    result.heldTimeMs === 0 ? '-' : show('ms', result.heldTimeMs),
    show('share', result.writersWorkHeld),
  ]);
  const columns = [
    { head: 'guest', align: 'left' as const },
    { head: 'strategy', align: 'left' as const },
    ...['moved', 'begin', 'end', 'total\ntime', 'downtime', 'work', 'held\nfor', 'while\nheld'].map(
      (head) => ({ head }),
    ),
  ];
  const wide = grid(columns, rows).split('\n');
  const gap = wide.every((line) => line.length <= page.width) ? 2 : 1;
  return [lost === 0 ? page.style.strong(title) : page.style.bad(title), grid(columns, rows, gap)].join(
    '\n\n',
  );
}
