/** `migsim merge`: the shards of a sweep to the results of the whole. */
import { UsageError } from '../../errors.js';
import type { Command } from '../command.js';
import { formatOf, formatOption } from '../options/sweep-options.js';

export const mergeCommand: Command = {
  positional: { name: 'folders', describe: 'A folder for each shard, in any order', takes: 'one or more' },
  options: {
    out: { kind: 'text', summary: 'Write the results of the whole sweep there', value: 'FOLDER' },
    code: {
      kind: 'text',
      summary: 'Strategy or policy file of the shards that may be executed; repeatable',
      value: 'FILE',
      repeatable: true,
    },
    format: formatOption,
    json: { kind: 'flag', summary: 'Print JSON instead of text' },
  },
  examples: [
    ['merge results/shard-* --out results/whole', 'the same bytes as on one machine'],
    ['merge results/shard-* --out results/whole --format parquet', 'also writes Parquet files'],
  ],
  async run(given) {
    const out = given.value('out');
    if (out === undefined) throw new UsageError('merge needs a folder for the whole: --out FOLDER');
    const { collector, printSweep } = await import('../work/sweep.js');
    const { mergeShards } = await import('../../api/sweep.js');
    const collected = collector(given);
    const folders = given.all('folders');
    const merged = await mergeShards(folders, {
      out,
      format: formatOf(given),
      code: given.values('code'),
      onCell: collected.add,
    });
    printSweep(given, merged, null, collected.cells);
  },
};
