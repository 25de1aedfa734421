/** What `migsim advise` does with a scenario or with logs. */
import { type Advice } from '../../advice/advise.js';
import type { Program } from '../../advice/change.js';
import { advise, type AdviseOptions, programOf } from '../../api/advise.js';
import { ExpectationError, NoRemedyError } from '../../errors.js';
import { type LogFile, readLogs } from '../../formats/readers/read-logs.js';
import { nth } from '../../lists.js';
import { learnFrom } from '../../recording/learn/learn-from-log.js';
import { ONE_READING, TAKEN_IDLE } from '../../recording/learn/one-reading.js';
import { loggedOf } from '../../recording/learn/answer/outlook.js';
import { isLinkSeen, type Learned } from '../../recording/learn/learned.js';
import { adviceText, type AdviceSubject } from '../../report/terminal/advice-text.js';
import { counted } from '../../report/terminal/kit/text.js';
import { parseScenario } from '../../scenario/parse.js';
import type { Scenario } from '../../scenario/scenario.js';
import { formatBytes, PAGE_BYTES } from '../../units.js';
import type { Given } from '../command.js';
import { readMemory, readRuns, readSeed } from '../options/experiment-options.js';
import { threadsOfMachine } from './threads.js';

type Goals = Pick<AdviseOptions, 'deadlineMs' | 'maxDowntimeMs' | 'keepReaders'>;

/** `from`: a scenario, or logs of which its guest is learned. */
export async function adviseAndPrint(
  given: Given,
  from: Scenario | readonly LogFile[],
  { program: chosen, goals }: { readonly program: Program | undefined; readonly goals: Goals },
): Promise<void> {
  const { scenario, program, of, subject } =
    'setup' in from ? ofScenario(from, chosen) : ofLogs(from, given.values('set'), chosen);
  const strategy = given.value('strategy');
  const status = given.status();
  let tried = 0;
  status.show('running it as it is, then with each remedy');
  const advice = await advise(scenario, {
    ...goals,
    ...of,
    program,
    ...(strategy === undefined ? {} : { strategy }),
    runs: readRuns(given),
    seed: readSeed(given),
    memory: readMemory(given, 'fluid'),
    workers: threadsOfMachine(),
    onTried: (most) => status.show(`remedies tried: ${(tried += 1)} of ${most} at most`),
  });
  status.end();
  if (given.flag('json')) given.print(`${JSON.stringify(advice, null, 2)}\n`);
  else
    given.print(`${adviceText(advice, { ...subject, command: withoutGoals(given.recorded) }, given.page)}\n`);
  endBy(advice);
}

/** Without the goals that another one would follow. */
function withoutGoals(words: readonly string[]): string[] {
  const isGoal = (word = ''): boolean => /^--(deadline|max-downtime)$/.test(word);
  return words.filter(
    (word, at) => !isGoal(word) && !isGoal(words[at - 1]) && !/^--(deadline|max-downtime)=/.test(word),
  );
}

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

function ofScenario(scenario: Scenario, chosen: Program | undefined): Subject {
  const subject = {
    heading: headingOf(scenario),
    seen: null,
    isGuestUnknown: false,
    misfit: null,
    isOnePoint: false,
    assumptions: [],
  };
  return { scenario, program: chosen ?? programOf(scenario), of: {}, subject };
}

/** The guest that logs are of. */
function ofLogs(files: readonly LogFile[], set: readonly string[], chosen: Program | undefined): Subject {
  const { learned, scenario: text, outlook, check } = learnFrom(readLogs(files));
  const scenario = parseScenario(text, nth(files, 0).file, { set });
  const logged = loggedOf(learned, outlook);
  const saysLink = set.some((one) => /^\s*link(\.bandwidth)?\s*=/.test(one));
  const subject = {
    heading: headingOf(scenario),
    seen: logged !== null || outlook === null ? null : outlook.seen,
    isGuestUnknown: learned.assumptions.some((text) => text.startsWith(TAKEN_IDLE)),
    misfit: logged === null ? (check?.medianDeviation ?? null) : null,
    isOnePoint: learned.assumptions.includes(ONE_READING),
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

/** The program that sets what a remedy needs, where the log is not of QEMU itself. */
const BY_SOURCE: Partial<Record<Learned['source'], Program>> = {
  hmp: 'hmp',
  virsh: 'virsh',
  cloudstack: 'virsh',
  proxmox: 'proxmox',
  nova: 'nova',
  vdsm: 'ovirt',
  'virt-launcher': 'kubevirt',
};

function headingOf({ name, setup }: Scenario): string {
  const { guest } = setup;
  return `${name}: ${formatBytes(guest.ramPages * PAGE_BYTES)} guest with ${counted(guest.vcpus.length, 'vCPU')}`;
}
