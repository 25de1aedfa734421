/** `migsim plot`: figures from result files, without running anything again. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Selection } from '../../report/figures/data/results.js';
import type { Drawn } from '../long-tasks.js';
import { longWork } from '../long-work.js';
import { counted, wrapItems } from '../../report/terminal/kit/text.js';
import { defineOptions, type Command, type Given } from '../command.js';
import { openOutputFolder } from '../../report/files/output-folder.js';
import { read } from '../options/values.js';

const FORMATS = ['svg', 'png'] as const;
const WIDTHS = ['one', 'two'] as const;
type Format = (typeof FORMATS)[number];

/** Options of what is drawn, which `report` has too. */
export const drawingOptions = defineOptions({
  strategy: {
    kind: 'text',
    summary: 'Only this strategy, as named in the files; repeatable',
    value: 'STRATEGY',
    repeatable: true,
  },
  run: { kind: 'count', min: 1, summary: 'The run that timelines show (default: the first)', value: 'N' },
});

const options = defineOptions({
  figure: {
    kind: 'text',
    summary: 'Only this figure; repeatable (default: all that the data allow)',
    value: 'NAME',
    repeatable: true,
    async completions() {
      const { figures } = await import('../../report/figures/index.js');
      return figures.map(({ name }) => name);
    },
  },
  format: {
    kind: 'choice',
    choices: FORMATS,
    summary: 'svg or png (300 dots per inch)',
    value: 'FORMAT',
    default: 'svg',
  },
  width: {
    kind: 'choice',
    choices: WIDTHS,
    summary: 'Width: one (85 mm) or two (178 mm) columns of a paper',
    value: 'COLUMNS',
    default: 'two',
  },
  ...drawingOptions,
  out: {
    kind: 'text',
    summary: 'Folder for the figures (default: figures, next to the results)',
    value: 'FOLDER',
  },
});

export const plotCommand: Command = {
  positional: {
    name: 'results',
    describe:
      'Folder written by --out, one of its CSV files, a file of migsim record, a guestperf report or a folder of such reports',
  },
  alwaysWrites: true,
  options,
  examples: [
    ['plot results/mine', 'all figures, to results/mine/figures'],
    ['plot results/mine --figure pareto --format png --width one', 'for one column'],
    ['plot validation.csv', 'predicted versus measured'],
  ],
  async run(given) {
    const format = read(given, options, 'format');
    const width = read(given, options, 'width');
    const drawings = await longWork('plot', {
      path: given.positional,
      figures: { figures: given.values('figure'), width, ...chosenRuns(given) },
      format,
    });
    const folder = given.value('out') ?? folderBeside(given.positional);
    const paths = write(drawings, format, folder);
    const lead = `${counted(paths.length, 'figure')} in ${folder}:`;
    const lines = wrapItems(
      paths.map((path) => basename(path)),
      given.page.width - 2,
    );
    const [first = ''] = lines;
    const isShort = lines.length === 1 && lead.length + 1 + first.length <= given.page.width;
    given.print(
      isShort ? `${lead} ${first}\n` : `${[lead, ...lines.map((line) => `  ${line}`)].join('\n')}\n`,
    );
  },
};

/** What `drawingOptions` ask for. */
export function chosenRuns(given: Given): Selection {
  const run = read(given, drawingOptions, 'run');
  return { strategies: given.values('strategy'), ...(run === undefined ? {} : { run }) };
}

/** `results/mine/figures` for the folder `results/mine` and for a file in it. */
function folderBeside(path: string): string {
  const folder = existsSync(path) && statSync(path).isDirectory() ? path : dirname(path);
  return join(folder, 'figures');
}

function write(drawings: readonly Drawn[], format: Format, folder: string): string[] {
  const output = openOutputFolder(
    folder,
    drawings.map(({ name }) => `${name}.${format}`),
  );
  try {
    for (const { name, content } of drawings) output.append(`${name}.${format}`, content);
    return output.finish();
  } catch (error) {
    output.abandon();
    throw error;
  }
}
