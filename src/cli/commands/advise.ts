/** `migsim advise`: whether a migration will finish as it is, and what to change where it will not. */
import { availableParallelism } from 'node:os';
import { type Advice } from '../../advice/advise.js';
import { type Program, PROGRAMS } from '../../advice/change.js';
import { ADVISE_RUNS, advise, type AdviseOptions, programOf } from '../../api/advise.js';
import { UsageError, ExpectationError, NoRemedyError } from '../../errors.js';
import { learnFrom } from '../../recording/learn/learn-from-log.js';
import { readLogs } from '../../formats/readers/index.js';
import { TAKEN_IDLE } from '../../recording/learn/learn-summary.js';
import { loggedOf } from '../../recording/learn/answer/outlook.js';
import { isLinkSeen } from '../../recording/learn/learned.js';
import { adviceText, type AdviceSubject } from '../../report/terminal/advice-text.js';
import { counted } from '../../report/terminal/kit/text.js';
import { loadScenario } from '../../scenario/load.js';
import { parseScenario } from '../../scenario/parse.js';
import type { Scenario } from '../../scenario/scenario.js';
import { formatBytes, PAGE_BYTES } from '../../units.js';
import { defineOptions, type Command, type Given } from '../command.js';
import {
  experimentOptions,
  noteReading,
  readMemory,
  readRuns,
  readSeed,
  runsOption,
} from '../options/experiment-options.js';
import { nameOfLog, readLogFile } from '../options/log-files.js';
import { unknown } from '../../options/wording.js';
import { read } from '../options/values.js';

const options = defineOptions({
  deadline: {
    kind: 'duration',
    zero: true,
    summary: 'Deadline for the migration (default: 5min, or three passes)',
    value: 'DURATION',
  },
  'max-downtime': {
    kind: 'duration',
    zero: true,
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
    const { scenario, program, of, subject } = readSubject(given);
    const strategy = given.value('strategy');
    const status = given.status();
    let tried = 0;
    status.show('running it as it is, then with each remedy');
    const advice = await advise(scenario, {
      ...readGoals(given),
      ...of,
      program,
      ...(strategy === undefined ? {} : { strategy }),
      runs: readRuns(given),
      seed: readSeed(given),
      memory: readMemory(given, 'fluid'),
      workers: availableParallelism(),
      onTried: (most) => status.show(`remedies tried: ${(tried += 1)} of ${most} at most`),
    });
    status.end();
    if (given.flag('json')) given.print(`${JSON.stringify(advice, null, 2)}\n`);
    else given.print(`${adviceText(advice, subject, given.page)}\n`);
    endBy(advice);
  },
};

/** The text says it; the exit status says it to a script. */
function endBy({ verdict }: Advice): void {
  if (verdict === 'remedy') throw new ExpectationError('');
  if (verdict === 'none') throw new NoRemedyError('');
}

interface Subject {
  readonly scenario: Scenario;
  readonly program: Program;
  /** What a log says that its scenario does not. */
  readonly of: Pick<AdviseOptions, 'logged' | 'isLinkAssumed'>;
  readonly subject: AdviceSubject;
}

/** A scenario file, or the guest that a log is of. */
function readSubject(given: Given): Subject {
  const files = given.all('files');
  const set = given.values('set');
  const wanted = given.value('for');
  const chosen = PROGRAMS.find((one) => one === wanted);
  if (wanted !== undefined && chosen === undefined) throw new UsageError(unknown('--for', wanted, PROGRAMS));
  const [first = ''] = files;
  if (files.length === 1 && /\.ya?ml$/.test(first)) {
    const scenario = loadScenario(first, { set });
    noteReading(given, scenario);
    const subject = { heading: headingOf(scenario), seen: null, isGuestUnknown: false, assumptions: [] };
    return { scenario, program: chosen ?? programOf(scenario), of: {}, subject };
  }
  const logs = readLogs(files.map((path) => ({ file: nameOfLog(path), text: readLogFile(path) })));
  const { learned, scenario: text, outlook } = learnFrom(logs);
  const scenario = parseScenario(text, nameOfLog(first), { set });
  const logged = loggedOf(learned, outlook);
  const saysLink = set.some((one) => /^\s*link(\.bandwidth)?\s*=/.test(one));
  const subject = {
    heading: headingOf(scenario),
    seen: logged !== null || outlook === null ? null : outlook.seen,
    isGuestUnknown: learned.assumptions.some((text) => text.startsWith(TAKEN_IDLE)),
    assumptions: learned.assumptions,
  };
  return {
    scenario,
    program: chosen ?? BY_SOURCE[learned.source] ?? 'qmp',
    of: {
      ...(logged === null ? {} : { logged }),
      isLinkAssumed: !saysLink && !isLinkSeen(learned.migration),
    },
    subject,
  };
}

const BY_SOURCE: Readonly<Record<string, Program>> = {
  proxmox: 'proxmox',
  nova: 'nova',
  vdsm: 'ovirt',
  'virt-launcher': 'kubevirt',
  domjobinfo: 'virsh',
  cloudstack: 'virsh',
};

function headingOf({ name, setup }: Scenario): string {
  const { guest } = setup;
  return `${name}: ${formatBytes(guest.ramPages * PAGE_BYTES)} guest with ${counted(guest.vcpus.length, 'vCPU')}`;
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
