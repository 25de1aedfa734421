/** Predicted versus measured: on the diagonal the prediction is right, between the dashed lines within 10 %. */
import * as Plot from '@observablehq/plot';
import { mean, quantile } from '../../stats/summary.js';
import { numberIn, type Row, textIn } from '../files/rows.js';
import { optionsOf } from '../terminal/kit/strategy-names.js';
import { around, isWide, logarithmic } from './kit/axes.js';
import type { Drawing, Figure } from './kit/figure.js';
import { pointLabels } from './kit/labels.js';
import { frames, legend } from './kit/layout.js';
import { type Name, type Names, smallPrint } from './kit/names.js';
import { BELOW_WITH_TITLE, type Box, panel, shortNumber } from './kit/panel.js';
import type { Sheet } from './kit/sheet.js';
import { picture } from './kit/svg.js';
import { zip } from '../../lists.js';
import { GIB } from '../../units.js';

/** At most this many of the recordings that are more than 10 % off get their names. */
const MOST_NAMED = 5;
const MEASURES = [
  { title: 'Total time (s)', column: 'totalTimeMs', scale: 1e3 },
  { title: 'Downtime (ms)', column: 'downtimeMs', scale: 1 },
  { title: 'Data sent (GiB)', column: 'transferredBytes', scale: GIB },
  { title: 'Bitmap syncs', column: 'dirtySyncCount', scale: 1 },
] as const;

export const predicted: Figure = {
  name: 'predicted',
  summary: 'predicted against measured, with lines at 10 % off',
  needs: 'the file of migsim validate --csv',
  draw(results, sheet, names) {
    const both = results.validation.filter(
      (row) =>
        textIn(row, 'measured_status') === 'completed' && textIn(row, 'predicted_status') === 'completed',
    );
    const shown = MEASURES.map((measure) => ({
      ...measure,
      points: both.flatMap((row) => pointsOf(row, measure, names)),
    })).filter(({ points }) => points.length > 0);
    return shown.length === 0 ? [] : [drawing(shown, results.validation.length, sheet)];
  },
};

interface Point {
  readonly id: string;
  readonly name: Name;
  readonly measured: number;
  readonly predicted: number;
  /** Ends of the 90 % band of a migration. */
  readonly low: number;
  readonly high: number;
  /** Relative. */
  readonly error: number;
}

interface Measure {
  readonly title: string;
  readonly points: readonly Point[];
}

function pointsOf(row: Row, { column, scale }: (typeof MEASURES)[number], names: Names): Point[] {
  const read = (name: string): number | null => {
    const value = numberIn(row, name);
    return value === null ? null : value / scale;
  };
  const measured = read(`measured_${column}`);
  const middle = read(`predicted_${column}`);
  if (measured === null || middle === null || measured <= 0 || middle <= 0) return [];
  const low = read(`predicted_${column}P5`) ?? middle;
  const high = read(`predicted_${column}P95`) ?? middle;
  const error = Math.abs(middle - measured) / measured;
  const name = names.of(textIn(row, 'strategy'));
  return [
    { id: textIn(row, 'id'), name, measured, predicted: middle, low: low > 0 ? low : middle, high, error },
  ];
}

function drawing(measures: readonly Measure[], recordings: number, sheet: Sheet): Drawing {
  const { font } = sheet;
  const used = [
    ...new Map(measures.flatMap(({ points }) => points.map(({ name }) => [name.label, name]))).values(),
  ];
  const key = legend(
    used.map((name) => ({ words: name.short, ...name.look })),
    0.5 * font,
    0.4 * font,
    sheet,
  );
  const margins = { left: 3.6 * font, right: 4, above: 2.2 * font, below: (BELOW_WITH_TITLE + 0.4) * font };
  const columns = Math.min(2 * sheet.columns, measures.length);
  // Square, so that the diagonal is one.
  const side = frames(measures.length, 0, margins, sheet, { columns }).width;
  const { boxes, bottom } = frames(measures.length, side, margins, sheet, { columns, top: key.height });
  const panels = zip(measures, boxes).map(([measure, box]) => measurePanel(measure, box, sheet));
  const notes = smallPrint(
    [
      optionsOf(used),
      `Up: predicted; across: measured. Of ${recordings} recordings those that completed and were predicted to. Dashed: 10\u00a0% off. Strokes: the 90\u00a0% band of a migration.`,
      errorsOf(measures),
    ],
    bottom,
    sheet,
  );
  return {
    name: 'predicted',
    caption: `What was predicted before each migration against what was measured. ${errorsOf(measures)}`,
    svg: picture(sheet, bottom + notes.height + 2, 'Predicted against measured', [
      key.svg,
      ...panels,
      notes.svg,
    ]),
  };
}

function errorsOf(measures: readonly Measure[]): string {
  const percent = (value: number): string => shortNumber(Number((100 * value).toPrecision(2)));
  const each = measures.map(({ title, points }) => {
    const errors = points.map(({ error }) => error);
    const figures = [quantile(errors, 0.5), mean(errors), quantile(errors, 0.9)].map(percent).join(' / ');
    return `${title.replace(/ \(.*/, '').toLowerCase()} ${figures}\u00a0%`;
  });
  return `Error in the median / mean / 90th percentile of ${measures[0]?.points.length ?? 0}: ${each.join('; ')}.`;
}

/** The line through the origin with a slope, as far as the frame shows it. */
type Clipped = (slope: number) => { x: number; y: number }[];

function diagonals(clipped: Clipped): Plot.Markish[] {
  const thin = { x: 'x', y: 'y', strokeOpacity: 0.6, strokeWidth: 0.8 } as const;
  return [
    Plot.line(clipped(1), { ...thin, ariaDescription: 'exact' }),
    ...[0.9, 1.1].map((slope) =>
      Plot.line(clipped(slope), { ...thin, strokeDasharray: '3,2', ariaDescription: '10 % off' }),
    ),
  ];
}

function pointMarks(points: readonly Point[]): Plot.Markish[] {
  return [
    Plot.link(
      points.filter((point) => point.high > point.low),
      {
        x1: 'measured',
        x2: 'measured',
        y1: 'low',
        y2: 'high',
        strokeOpacity: 0.5,
        ariaDescription: 'seeds',
      },
    ),
    ...points.map((point) =>
      Plot.dot([point], {
        x: 'measured',
        y: 'predicted',
        symbol: point.name.look.symbol,
        fill: point.name.look.color,
        r: 3,
        ariaDescription: 'recording',
      }),
    ),
  ];
}

function measurePanel({ title, points }: Measure, box: Box, sheet: Sheet): string {
  const { font } = sheet;
  const values = points.flatMap((point) => [point.measured, point.predicted, point.low, point.high]);
  const ticks = Math.max(3, box.width / (5 * font));
  const axis = isWide(values) ? logarithmic(values, ticks) : around(values, ticks);
  const [low, high] = axis.domain;
  const clipped: Clipped = (slope) => {
    const start = Math.max(low, low / slope);
    const end = Math.min(high, high / slope);
    return [start, end].map((x) => ({ x, y: x * slope }));
  };
  const drawn = panel(sheet, {
    box,
    x: axis,
    y: axis,
    title,
    xTitle: 'measured',
    grid: 'both',
    marks: [...diagonals(clipped), ...pointMarks(points)],
  });
  const places = points.map((point) => ({
    x: drawn.px(point.measured),
    y: drawn.py(point.predicted),
    point,
  }));
  const far = places
    .filter(({ point }) => point.error > 0.1)
    .sort((a, b) => b.point.error - a.point.error)
    .slice(0, MOST_NAMED)
    .map(({ point, x, y }) => ({ words: point.id, x, y }));
  const ends = clipped(1).map(({ x, y }) => ({ x: drawn.px(x), y: drawn.py(y) }));
  return drawn.svg + pointLabels(far, { points: places, lines: [ends] }, box, 0.88 * font);
}
