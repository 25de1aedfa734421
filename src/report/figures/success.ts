/** How many of the runs of each strategy converged. */
import { shareInterval } from '../../stats/share-interval.js';
import { groupBy, hasConverged, type Row } from '../files/rows.js';
import { optionsOf } from '../terminal/kit/strategy-names.js';
import { type Bar, barPanel, rowNames, rowSizes } from './kit/bars.js';
import type { Figure } from './kit/figure.js';
import { textWidth } from './kit/font.js';
import { frames } from './kit/layout.js';
import { smallPrint } from './kit/names.js';
import { type Axis, BELOW } from './kit/panel.js';
import { picture } from './kit/svg.js';
import { isSweep } from './data/sweep-keys.js';
import { largest } from '../../stats/extremes.js';

const SHARES: Axis = { domain: [0, 100], ticks: [0, 25, 50, 75, 100] };

export const success: Figure = {
  name: 'success',
  summary: 'share of the runs of each strategy that converged, with its 95 % interval',
  needs: 'runs.csv with two strategies or more, and nothing else varied',
  draw(results, sheet, names) {
    const groups = [...groupBy(results.runs, 'strategy')].map(([label, rows]) => ({
      name: names.of(label),
      rows,
    }));
    if (groups.length < 2 || isSweep(results.runs)) return [];
    const { font } = sheet;
    const rowNamesShown = groups.map(({ name }) => name);
    const row = rowSizes(rowNamesShown, font);
    const bars = groups.map(({ rows }) => barOf(rows));
    const right = largest(bars.map(({ words }) => textWidth(words, font))) + 6;
    const margins = { left: 0, right, above: 2.2 * font, below: BELOW * font };
    const { boxes, bottom } = frames(1, row.height * groups.length, margins, sheet, { left: row.left });
    const several = bars.some(({ interval }) => interval !== null);
    const notes = smallPrint(
      [optionsOf(rowNamesShown), several ? 'Whiskers are 95\u00a0% intervals of Wilson.' : null],
      bottom,
      sheet,
    );
    return [
      {
        name: 'success',
        caption: 'Share of the runs of each strategy that converged before they were given up.',
        svg: picture(sheet, bottom + notes.height + 2, 'Success ratio', [
          ...boxes.flatMap((box) => [
            barPanel(
              { title: 'Runs that converged (%)', axis: SHARES, bars, without: '' },
              rowNamesShown,
              box,
              sheet,
            ),
            rowNames(rowNamesShown, box, font),
          ]),
          notes.svg,
        ]),
      },
    ];
  },
};

function barOf(rows: readonly Row[]): Bar & { readonly words: string } {
  const count = rows.filter((row) => hasConverged(row)).length;
  const { estimate, low, high } = shareInterval(count, rows.length);
  return {
    value: 100 * estimate,
    interval: rows.length < 2 ? null : [100 * low, 100 * high],
    bound: false,
    words: `${count} of ${rows.length}`,
  };
}
