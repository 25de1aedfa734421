/** `migsim measure`: a guest from its running QEMU. */
import { UsageError } from '../../errors.js';
import { connectQmp, QmpCommandError, type QmpClient } from '../../qmp/client.js';
import { costsOf, rateText, type MeasurePlan, type Reading } from '../../qmp/measure/calc.js';
import type { GuestFacts } from '../../qmp/measure/facts.js';
import { measureGuest, type GuestMeasurement } from '../../qmp/measure/measure.js';
import { measuredScenario, versionText } from '../../qmp/measure/scenario.js';
import { openNewFile } from '../../report/files/output-folder.js';
import { counted, wrap } from '../../report/terminal/kit/text.js';
import { formatBytes, formatDurationMs, parseDurationUs } from '../../units.js';
import { defineOptions, type Command, type Given } from '../command.js';
import { EXIT, leave } from '../exit.js';
import { parsed, read } from '../options/values.js';

/** Measurements of one period that are taken at most. */
const MOST_REPEATS = 100;

const options = defineOptions({
  out: { kind: 'text', summary: 'Write the scenario to this file instead of printing it', value: 'FILE' },
  periods: {
    kind: 'text',
    summary: 'Periods to measure, with commas (default: 100ms to 10s, from 1s up to QEMU 8.1)',
    value: 'LIST',
  },
  repeat: {
    kind: 'count',
    min: 1,
    max: MOST_REPEATS,
    default: 3,
    summary: 'Measurements of each period',
    value: 'N',
  },
  link: { kind: 'link-rate', summary: 'Bandwidth between the hosts (default: 10Gbit/s)', value: 'RATE' },
  'dirty-ring-size': {
    kind: 'text',
    summary: 'Entries of the dirty ring, if the guest has one (default: 4096)',
    value: 'N',
  },
  cpu: {
    kind: 'share',
    max: '100%',
    summary: "Share of its vCPUs' time that the load is busy (default: what KVM counts)",
    value: 'SHARE',
  },
  json: { kind: 'flag', summary: 'Print what was measured as JSON instead' },
});

export const measureCommand: Command = {
  hearsSignals: true,
  positional: {
    name: 'socket',
    describe: 'QMP server of the guest: unix:/run/vm.sock or tcp:localhost:4444',
  },
  options,
  examples: [
    ['measure /run/vm.sock --out guest.yaml', 'then: migsim advise guest.yaml'],
    ['measure tcp:localhost:4444 --link 25Gbit/s --out guest.yaml', 'with the link to the other host'],
    ['measure /run/vm.sock --periods 1s,10s --repeat 1', 'a quick look, printed'],
  ],
  async run(given) {
    const options = readOptions(given);
    const out = given.value('out');
    const write = out === undefined ? null : openNewFile(out);
    const client = await connectQmp(given.positional);
    const isWhole = write !== null && !given.flag('json');
    const say = (text: string): void => (isWhole ? given.print(`${text}\n`) : given.warn(text));
    try {
      const measurement = await watched(given, client, options, say);
      const scenario = measuredScenario(measurement, {
        ...options.scenario,
        from: given.positional,
        at: new Date().toISOString().slice(0, 10),
      });
      const { parseScenario } = await import('../../scenario/parse.js');
      parseScenario(scenario, out ?? 'the measured scenario');
      if (given.flag('json')) given.print(`${JSON.stringify(measurement, null, 2)}\n`);
      else if (write === null) given.print(scenario);
      write?.(scenario);
      if (out !== undefined && !given.flag('json')) given.print(`Written to ${out}\n`);
    } catch (error) {
      throw error instanceof QmpCommandError ? new UsageError(refusalText(error)) : error;
    } finally {
      client.close();
    }
  },
};

/** Measures until the end or the first Ctrl+C, which waits for the measurement under way: QEMU ends tracking only then. */
async function watched(
  given: Given,
  client: QmpClient,
  { periodsMs, repeats }: ReturnType<typeof readOptions>,
  say: (text: string) => void,
): Promise<GuestMeasurement> {
  let isStopped = false;
  const stop = (): void => {
    if (isStopped) leave(EXIT.interrupted);
    isStopped = true;
    given.warn('migsim: interrupted; QEMU ends the measurement under way, and its tracking with it');
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    const measurement = await measureGuest(client, {
      ...(periodsMs === undefined ? {} : { periodsMs }),
      repeats,
      now: () => performance.now(),
      onPlan: (facts, plan, periods) => planLines(given, facts, plan, periods, repeats).forEach(say),
      onReading: (reading) => say(readingText(reading)),
      isStopped: () => isStopped,
    });
    if (isStopped) {
      client.close();
      leave(EXIT.interrupted);
    }
    return measurement;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function readOptions(given: Given) {
  const periodsMs = parsed(given, 'periods', (text) => {
    const words = text.split(',').map((one) => one.trim());
    const periods = words.map((one) => parseDurationUs(one) / 1000);
    const again = periods.findIndex((one, i) => periods.indexOf(one) < i);
    if (again < 0) return periods;
    throw new UsageError(`${words[again]} is listed twice; expected each period once, and --repeat 2`);
  });
  const link = read(given, options, 'link');
  const ring = parsed(given, 'dirty-ring-size', (text) => {
    const size = /^\d+$/.test(text) ? Number(text) : NaN;
    if (size >= 1024 && size <= 65_536 && Number.isInteger(Math.log2(size))) return size;
    throw new UsageError(`expected a power of two from 1024 to 65536, got ${text}`);
  });
  const cpu = read(given, options, 'cpu');
  return {
    periodsMs,
    repeats: read(given, options, 'repeat'),
    scenario: {
      ...(link === undefined ? {} : { linkBytesPerSecond: link }),
      ...(ring === undefined ? {} : { dirtyRingSize: ring }),
      ...(cpu === undefined ? {} : { cpu }),
    },
  };
}

// ------------------------------------------------------------------------------------------------------------- text

function planLines(
  given: Given,
  facts: GuestFacts,
  plan: MeasurePlan,
  periodsMs: readonly number[],
  repeats: number,
): string[] {
  const indent = ' '.repeat(10);
  const row = (label: string, text: string): string[] =>
    wrap(text, given.page.width - indent.length, '').map(
      (line, at) => `${at === 0 ? label.padEnd(indent.length) : indent}${line}`,
    );
  const total = repeats * periodsMs.reduce((sum, ms) => sum + ms, 0);
  const periods = periodsMs.map((ms) => formatDurationMs(ms)).join(', ');
  const { modes, refused } = plan;
  return [
    ...row('Guest', guestText(facts)),
    ...refusals(refused).flatMap((text) => row('Not used', text)),
    ...row('Mode', modes.length === 1 ? modes[0] : `${modes[0]}, else ${modes.slice(1).join(', ')}`),
    ...costsOf(facts, plan).flatMap((text, at) => row(at === 0 ? 'Costs' : '', text)),
    ...row('Takes', `${formatDurationMs(total)}: ${repeats === 1 ? 'once' : `${repeats} times`} ${periods}`),
  ];
}

/** Modes that are refused for one reason stand together. */
function refusals(refused: MeasurePlan['refused']): string[] {
  const reasons = new Set(refused.map(({ reason }) => reason));
  return [...reasons].map((reason) => {
    const those = refused.filter((one) => one.reason === reason).map(({ mode }) => mode);
    return `${those.join(', ')}: ${reason}`;
  });
}

function guestText(facts: GuestFacts): string {
  const vcpus = counted(facts.vcpus, 'vCPU');
  const accelerator = facts.hasKvm ? 'KVM' : 'no KVM';
  return `QEMU ${versionText(facts)}, ${accelerator}; ${vcpus}, ${formatBytes(facts.memoryBytes)}`;
}

function readingText({ mode, periodMs, mibPerSecond, vcpuMibPerSecond }: Reading): string {
  const each = vcpuMibPerSecond.length > 1 ? ` (by vCPU: ${vcpuMibPerSecond.join(', ')})` : '';
  return `${formatDurationMs(periodMs).padStart(8)}  ${rateText(mibPerSecond)}${each}  ${mode}`;
}

function refusalText({ command, errorClass, description }: QmpCommandError): string {
  if (errorClass === 'CommandNotFound' && command === 'calc-dirty-rate')
    return 'this QEMU cannot measure: calc-dirty-rate came with QEMU 5.2';
  if (/already being measured/.test(description))
    return 'another client measures the dirty rate of this guest; try again when it is done';
  return `QEMU refused ${command}: ${description}`;
}
