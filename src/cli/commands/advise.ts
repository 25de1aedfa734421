/** `migsim advise`: whether a migration will finish as it is, and what to change where it will not. */
import { type Program, PROGRAMS } from '../../advice/change.js';
import { ADVISE_RUNS } from '../../advice/defaults.js';
import { UsageError } from '../../errors.js';
import { defineOptions, type Command, type Given } from '../command.js';
import { experimentOptions, readScenario, runsOption } from '../options/experiment-options.js';
import { nameOfLog, readLogFile } from '../options/log-files.js';
import { unknown } from '../../options/wording.js';
import { read } from '../options/values.js';

const options = defineOptions({
  deadline: {
    kind: 'duration',
    max: '30000h',
    summary: 'Deadline for the migration (default: 5min, or three passes)',
    value: 'DURATION',
  },
  'max-downtime': {
    kind: 'duration',
    zero: true,
    max: '30000h',
    summary: "The guest is to stand still no longer; default 1s, or the scenario's own limit",
    value: 'DURATION',
  },
  'keep-readers': {
    kind: 'share',
    zero: true,
    max: '100%',
    summary: 'Work that vCPUs that only read must keep (default: 90%)',
    value: 'SHARE',
  },
  for: {
    kind: 'text',
    summary: 'Program to write lines for (default: by the log or the policy, else qmp)',
    value: 'PROGRAM',
    completions: () => PROGRAMS,
  },
  strategy: {
    ...experimentOptions.strategy,
    summary: 'Strategy in use now (default: the first that the scenario lists)',
  },
  runs: { ...runsOption, summary: 'Runs of each remedy', default: ADVISE_RUNS },
  memory: {
    ...experimentOptions.memory,
    summary: 'page (every write drawn), or fluid (counts, fast)',
    default: 'fluid',
  },
  seed: experimentOptions.seed,
  set: experimentOptions.set,
  json: experimentOptions.json,
});

export const adviseCommand: Command = {
  positional: {
    name: 'files',
    describe:
      'Scenario file (YAML), or the log of a migration in any format that learn reads; -: standard input',
    takes: 'one or more',
  },
  options,
  examples: [
    ['advise migration.log', 'status 0: it finishes; 1: it needs a remedy; 3: none helps'],
    ['advise guest.yaml --deadline 5min --max-downtime 500ms --keep-readers 95%', 'what is wanted'],
    ['advise guest.yaml --for nova', 'as lines of nova.conf'],
    ['advise -', 'virsh domjobinfo vm | migsim advise -'],
  ],
  async run(given) {
    const program = readProgram(given);
    const goals = readGoals(given);
    const files = given.all('files');
    const [first = ''] = files;
    const from =
      files.length === 1 && /\.ya?ml$/.test(first)
        ? await readScenario(given, first)
        : files.map((path) => ({ file: nameOfLog(path), text: readLogFile(path) }));
    const { adviseAndPrint } = await import('../work/advise.js');
    await adviseAndPrint(given, from, { program, goals });
  },
};

/** Undefined where nothing says it. */
function readProgram(given: Given): Program | undefined {
  const wanted = given.value('for');
  const chosen = PROGRAMS.find((one) => one === wanted);
  if (wanted !== undefined && chosen === undefined) throw new UsageError(unknown('--for', wanted, PROGRAMS));
  return chosen;
}

function readGoals(given: Given): Partial<Record<'deadlineMs' | 'maxDowntimeMs' | 'keepReaders', number>> {
  const deadlineUs = read(given, options, 'deadline');
  const maxDowntimeUs = read(given, options, 'max-downtime');
  const keepReaders = read(given, options, 'keep-readers');
  return {
    ...(deadlineUs === undefined ? {} : { deadlineMs: deadlineUs / 1e3 }),
    ...(maxDowntimeUs === undefined ? {} : { maxDowntimeMs: maxDowntimeUs / 1e3 }),
    ...(keepReaders === undefined ? {} : { keepReaders }),
  };
}
