/** `migsim learn`: a guest from a log of its migration. */
import { UsageError } from '../../errors.js';
import type { LearnOptions } from '../../recording/learn/learned.js';
import { defineOptions, type Command, type Given } from '../command.js';
import { nameOfLog, readLogFile } from '../options/log-files.js';
import { openNewFile } from '../../report/files/output-folder.js';
import { longWork } from '../long-work.js';
import { parsed, read } from '../options/values.js';

const options = defineOptions({
  out: { kind: 'text', summary: 'Write the scenario to this file instead of printing it', value: 'FILE' },
  cpu: {
    kind: 'share',
    max: '100%',
    summary: "Share of its vCPUs' time that the load is busy, such as 40% (default: 83%)",
    value: 'SHARE',
  },
  vcpus: {
    kind: 'count',
    min: 1,
    max: 65_536,
    summary: 'vCPUs of the guest, if not in the log (default: 4)',
    value: 'N',
  },
  memory: { kind: 'size', summary: 'Guest RAM, if not in the log', value: 'SIZE' },
  'dirty-ring-size': {
    kind: 'text',
    summary: 'Dirty ring size of the logged guest (default: dirty bitmap)',
    value: 'N',
  },
  'downtime-limit': {
    kind: 'duration',
    zero: true,
    summary: 'Downtime limit, if not in the log',
    value: 'DURATION',
  },
  'max-bandwidth': { kind: 'rate', summary: 'Bandwidth limit, if not in the log', value: 'RATE' },
  json: { kind: 'flag', summary: 'Print the result as JSON instead' },
});

export const learnCommand: Command = {
  positional: {
    name: 'logs',
    describe: 'Log of a migration in any known format, several logs of one migration, or - for stdin',
    takes: 'one or more',
  },
  options,
  examples: [
    ['learn migrate.log --out guest.yaml', 'then: migsim compare guest.yaml'],
    ['learn -', 'from a pipe: virsh domjobinfo vm | migsim learn -'],
    ['learn migrate.log --cpu 40%', 'a load that mostly waits for its disk'],
    ['learn report.json --out run.yaml', 'reconstruct a run of guestperf; then: migsim run run.yaml'],
    ['learn dirty.csv --memory 16GiB', 'from readings of (period, pages)'],
  ],
  async run(given) {
    const options = readOptions(given);
    const out = given.value('out');
    const write = out === undefined ? null : openNewFile(out);
    const files = given.all('logs').map((path) => ({ file: nameOfLog(path), text: readLogFile(path) }));
    const predict = given.has('out') && !given.flag('json');
    const answer = await longWork('learn', { files, options, predict });
    const { printLearned } = await import('../work/learn.js');
    printLearned(given, answer, write);
  },
};

function readOptions(given: Given): LearnOptions {
  const ringSize = (text: string): number => {
    const size = /^\d+$/.test(text) ? Number(text) : NaN;
    if (size === 0 || (size >= 1024 && size <= 65_536 && Number.isInteger(Math.log2(size)))) return size;
    throw new UsageError(`expected 0 or a power of two from 1024 to 65536, got ${text}`);
  };
  const limitUs = read(given, options, 'downtime-limit');
  const said = {
    cpu: read(given, options, 'cpu'),
    vcpus: read(given, options, 'vcpus'),
    memoryBytes: read(given, options, 'memory'),
    dirtyRingSize: parsed(given, 'dirty-ring-size', ringSize),
    downtimeLimitMs: limitUs === undefined ? undefined : limitUs / 1000,
    maxBandwidth: read(given, options, 'max-bandwidth'),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
