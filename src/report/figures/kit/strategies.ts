/** Strategies side by side: what each measure came to, with its interval. */
import { zip } from '../../../lists.js';
import { groupBy, type Row } from '../../files/rows.js';
import { optionsOf } from '../../terminal/kit/strategy-names.js';
import { type Bar, barPanel, rowNames, rowSizes } from './bars.js';
import type { Drawing, Figure } from './figure.js';
import { textWidth } from './font.js';
import { frames } from './layout.js';
import { type Name, smallPrint } from './names.js';
import { type Axis, BELOW } from './panel.js';
import type { Sheet } from './sheet.js';
import { column, estimate } from './statistics.js';
import { picture } from './svg.js';
import { isSweep } from '../data/sweep-keys.js';
import { GIB } from '../../../units.js';

interface Measure {
  readonly title: string;
  readonly value: (row: Row) => number | null;
  readonly axis?: Axis;
  /** Of a run that did not converge it is only known that it would be more. */
  readonly grows?: boolean;
}

const WHOLE: Axis = { domain: [0, 100], ticks: [0, 50, 100] };

const MEASURES: readonly Measure[] = [
  { title: 'Total time (s)', value: column('total_time_ms', 1e3), grows: true },
  { title: 'Downtime (ms)', value: column('downtime_ms') },
  { title: 'Blackout (ms)', value: column('blackout_ms') },
  { title: 'Data sent (GiB)', value: column('sent_bytes', GIB), grows: true },
  { title: 'Work by writers (%)', value: column('writers_work_done_share', 0.01), axis: WHOLE },
  { title: 'Work by readers (%)', value: column('readers_work_done_share', 0.01), axis: WHOLE },
];

export const strategiesFigure: Figure = {
  name: 'strategies',
  summary: 'strategies as bars with 95 % intervals: times, data, work done',
  needs: 'runs.csv with two strategies or more, and nothing else varied',
  draw(results, sheet, names) {
    const groups = [...groupBy(results.runs, 'strategy')].map(([label, rows]) => ({
      name: names.of(label),
      rows,
    }));
    return groups.length < 2 || isSweep(results.runs) ? [] : [drawing(groups, sheet)];
  },
};

interface Group {
  readonly name: Name;
  readonly rows: readonly Row[];
}

function drawing(groups: readonly Group[], sheet: Sheet): Drawing {
  const { font } = sheet;
  const names = groups.map(({ name }) => name);
  const row = rowSizes(names, font);
  const panels = MEASURES.map((measure) => ({
    ...measure,
    bars: groups.map(({ rows }) => barOf(rows, measure)),
  })).filter(({ bars }) => bars.filter((bar) => bar !== null).length > 1);
  const margins = {
    left: 0.3 * font,
    right: textWidth('> 1 000', font),
    above: 2.2 * font,
    below: BELOW * font,
  };
  const columns = sheet.columns + 1;
  const { boxes, bottom } = frames(panels.length, names.length * row.height, margins, sheet, {
    left: row.left,
    columns,
  });
  const many = groups.some(({ rows }) => rows.length > 1);
  const hollow = panels.some(({ bars }) => bars.some((bar) => bar?.bound === true));
  const notes = smallPrint(
    [
      optionsOf(names),
      many
        ? 'Means over the runs that converged; whiskers are 95\u00a0% confidence intervals of the mean.'
        : null,
      hollow ? 'Hollow: no run converged; these figures are until it was given up.' : null,
    ],
    bottom,
    sheet,
  );
  return {
    name: 'strategies',
    caption: `What the migration took and what the guest felt, strategy by strategy${many ? '; whiskers are 95\u00a0% confidence intervals of the mean' : ''}.`,
    svg: picture(sheet, bottom + notes.height + 2, 'Strategies compared', [
      ...zip(panels, boxes).map(([one, box]) =>
        barPanel({ ...one, without: 'no switchover' }, names, box, sheet),
      ),
      ...boxes.filter((_, index) => index % columns === 0).map((box) => rowNames(names, box, font)),
      notes.svg,
    ]),
  };
}

function barOf(rows: readonly Row[], { value, grows = false }: Measure): Bar | null {
  const one = estimate(rows, value);
  if (one === null) return null;
  if (one.converged) return { value: one.mean, interval: one.interval, bound: false };
  const words = grows ? {} : { words: String(Number(one.mean.toPrecision(3))) };
  return { value: one.mean, interval: null, bound: true, ...words };
}
