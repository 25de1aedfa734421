/** What a vCPU does, in the three ways in which it can be written: `stress`, `{ stress: { … } }`, `{ write: …, … }`. */
import * as z from 'zod/mini';
import { entriesOf, got, isMap, nth, valueAt } from '../../lists.js';
import { entrySchema, tableSchema, transformed } from '../../options/zod.js';
import { PAGE_BYTES, type Phase } from '../../guest/spec.js';
import type { Surroundings, WorkloadDefinition, WorkloadPlan } from '../../guest/workloads/define.js';
import { workloadList } from '../../guest/workloads/index.js';
import {
  busyShare,
  hotCold,
  PATTERNS,
  READ_SPEED,
  sequential,
  uniform,
  WRITE_SPEED,
  zipf,
  type Accesses,
} from '../../guest/workloads/patterns.js';
import { readOptions } from '../../options/read.js';
import type { OptionEntry, OptionTable, QuantityEntry } from '../../options/table.js';
import { either, section, size, type Wrong } from './forms.js';
import { check, wrongsOf } from './problems.js';
import { expected, unknown } from '../../options/wording.js';

/** A workload that is chosen and checked, and waits to hear in which guest it runs. */
export interface WorkloadChoice {
  /** For a group of vCPUs that has no name of its own. */
  readonly groupName: string;
  /** The group whose working sets it uses; `plan` then receives how large they are together. */
  readonly of?: string;
  /** @throws UsageError when it cannot run there */
  plan(surroundings: Surroundings): WorkloadPlan;
}

const byName = new Map(workloadList.map((definition) => [definition.name, definition]));
const names = [...byName.keys()];

/** The three ways. */
export function workloadSchema(description: string): z.ZodMiniType<WorkloadChoice, unknown> {
  return either(description, () => [z.enum(names), ...workloadList.map(namedForm), accesses], readWorkload);
}

function readWorkload(
  input: unknown,
  wrong: (...wrongs: readonly Wrong[]) => void,
): WorkloadChoice | undefined {
  if (typeof input === 'string') {
    const definition = byName.get(input);
    if (definition !== undefined) return readNamed(definition, {}, [], wrong);
    wrong({ message: unknown('workload', input, names) });
    return undefined;
  }
  if (!isMap(input)) {
    wrong({ message: expected(`the name of a workload, or a map such as ${EXAMPLE}`, input) });
    return undefined;
  }
  const keys = Object.keys(input);
  const named = keys.find((key) => byName.has(key));
  if (named !== undefined && keys.length === 1) {
    return readNamed(got(byName, named), input[named] ?? {}, [named], wrong);
  }
  if (named !== undefined) {
    wrong({ message: `expected ${named} alone, got ${keys.join(', ')}; its options belong inside it` });
    return undefined;
  }
  const only = keys.length === 1 ? nth(keys, 0) : undefined;
  if (only !== undefined && !(only in accessForm.shape) && (isMap(input[only]) || input[only] === null)) {
    wrong({ path: [only], at: 'key', message: unknown('workload', only, names) });
    return undefined;
  }
  const result = check(accesses, input);
  if ('value' in result) return result.value;
  wrong(...wrongsOf(result.problems, []));
  return undefined;
}

function readNamed(
  definition: WorkloadDefinition,
  options: unknown,
  path: readonly string[],
  wrong: (...wrongs: readonly Wrong[]) => void,
): WorkloadChoice | undefined {
  const curveOption = Array.isArray(options) ? curveOf(definition) : undefined;
  if (curveOption !== undefined) {
    const inside = (one: Wrong): Wrong => ({ ...one, path: withoutKey(one.path ?? [], path.length) });
    return readNamed(definition, { [curveOption]: options }, path, (...wrongs) =>
      wrong(...wrongs.map(inside)),
    );
  }
  const result = readOptions(tableOf(definition), options);
  if ('value' in result) {
    return {
      groupName: definition.name,
      plan: (surroundings) => definition.plan(result.value, surroundings),
    };
  }
  // A workload's bare name has no options inside which something could be missing.
  wrong(...wrongsOf(result.problems, path).map((one) => (path.length > 0 ? one : bareName(definition, one))));
  return undefined;
}

/** The option that a list alone stands for. */
function curveOf({ options }: WorkloadDefinition): string | undefined {
  return Object.entries(options).find(([, option]) => option.kind === 'curve')?.[0];
}

function withoutKey(path: readonly PropertyKey[], at: number): PropertyKey[] {
  return path.filter((_, index) => index !== at);
}

function bareName(definition: WorkloadDefinition, { path = [], message }: Wrong): Wrong {
  return { message: `${[definition.name, ...path].map(String).join('.')} is ${message}` };
}

function namedForm(definition: WorkloadDefinition): z.ZodMiniType {
  const curveOption = curveOf(definition);
  const table = tableOf(definition);
  const inner = tableSchema(table);
  const written =
    curveOption === undefined ? inner : z.union([inner, entrySchema(valueAt(table, curveOption))]);
  return z.strictObject({ [definition.name]: written }).check(z.describe(definition.summary));
}

/** What a workload's quantities may be, where it does not say so itself. */
const BOUNDS: Readonly<Record<string, Pick<QuantityEntry, 'zero' | 'max'>>> = {
  size: { zero: true, max: '64TiB' },
  rate: { max: '1TiB/s' },
  duration: { max: '24h' },
  share: { max: '10000%' },
};

/** The options of a workload, each with its bounds. */
function tableOf({ options }: WorkloadDefinition): OptionTable {
  return Object.fromEntries(
    Object.entries(options).map(([key, entry]) => [key, { ...BOUNDS[entry.kind], ...entry } as OptionEntry]),
  );
}

const EXAMPLE = '{ write: 300MiB/s, working-set: 2GiB }';

const phaseForm = section('{ for: 10s, write: 50% }', {
  for: { kind: 'duration', min: '1ms', max: '24h', summary: 'how long it lasts' },
  write: {
    kind: 'share',
    zero: true,
    max: '10000%',
    default: '100%',
    summary: 'write rate in this phase, as a share of `write`',
  },
  read: {
    kind: 'share',
    zero: true,
    max: '10000%',
    default: '100%',
    summary: 'read rate in this phase, as a share of `read`',
  },
});

const ownSet = size('the memory that is written and read', { min: '4KiB', max: '64TiB' });
const setOf = z.strictObject({
  of: z.string().check(z.describe('name of the group whose working sets these are')),
});

/** Bytes of a set of its own, or the group whose sets are used. */
type WorkingSet = number | z.output<typeof setOf>;

const workingSet: z.ZodMiniType<WorkingSet, unknown> = either(
  'the memory that is written and read: a size, or { of: redis } for all that the vCPUs of the group redis use',
  () => [ownSet, setOf],
  (input, wrong): WorkingSet | undefined => {
    const result = isMap(input) ? check(setOf, input) : check(ownSet, input);
    if ('value' in result) return result.value;
    wrong(...wrongsOf(result.problems, []));
    return undefined;
  },
);

const accessForm = section(EXAMPLE, {
  write: {
    kind: 'rate',
    zero: true,
    max: '1TiB/s',
    words: { max: Infinity },
    default: 0,
    summary:
      'how much each vCPU writes: page writes a second times 4 KiB; max: as fast as it goes, 2GiB/s and always busy',
  },
  read: {
    kind: 'rate',
    zero: true,
    max: '1TiB/s',
    words: { max: Infinity },
    default: 0,
    summary:
      'how much each vCPU reads, likewise; reads dirty nothing; max: as fast as it goes, 10GiB/s and always busy',
  },
  'working-set': workingSet,
  pattern: {
    kind: 'choice',
    choices: PATTERNS,
    default: 'uniform',
    summary:
      'uniform: any page; sequential: page after page; zipf: the page of rank r in proportion to r^-skew; ' +
      'hot-cold: few pages get most accesses',
  },
  skew: { kind: 'number', min: 0, max: 3, optional: true, summary: 'zipf: the exponent, 0.99 when left out' },
  'hot-pages': {
    kind: 'share',
    max: '100%',
    optional: true,
    summary: 'hot-cold: share of the pages that are hot, 10% when left out',
  },
  'hot-accesses': {
    kind: 'share',
    max: '100%',
    optional: true,
    summary: 'hot-cold: share of the accesses that hit hot pages, 90% when left out',
  },
  phases: z.optional(
    z
      .array(phaseForm)
      .check(
        z.minLength(1),
        z.describe('rates over time, from the start of the migration; after the last they begin again'),
      ),
  ),
});

type AccessForm = z.output<typeof accessForm>;

/** Options that mean something with one pattern only. */
const OPTION_OF_PATTERN = { skew: 'zipf', 'hot-pages': 'hot-cold', 'hot-accesses': 'hot-cold' } as const;

const accesses = transformed(
  accessForm.check(
    z.superRefine((form, context) => {
      if (form.write === 0 && form.read === 0) {
        context.addIssue(
          `neither writes nor reads; expected write or read, such as ${EXAMPLE}, or the workload idle`,
        );
      }
      for (const [key, pattern] of entriesOf(OPTION_OF_PATTERN)) {
        if (form[key] === undefined || form.pattern === pattern) continue;
        const message = `only pattern: ${pattern} has it, and the pattern is ${form.pattern}`;
        context.addIssue({ code: 'custom', path: [key], message });
      }
    }),
  ),
  (form): WorkloadChoice => ({
    groupName: form.write > 0 ? 'writer' : 'reader',
    ...(typeof form['working-set'] === 'object' ? { of: form['working-set'].of } : {}),
    plan: ({ setPages }) => planAccesses(form, setPages),
  }),
);

/** `setPages`: of the other group's sets, where it uses those. */
function planAccesses(form: AccessForm, setPages: number): WorkloadPlan {
  const own = form['working-set'];
  const pages = typeof own === 'number' ? Math.max(1, Math.round(own / PAGE_BYTES)) : setPages;
  const write = form.write === Infinity ? WRITE_SPEED : form.write;
  const read = form.read === Infinity ? READ_SPEED : form.read;
  const flatOut = form.write === Infinity || form.read === Infinity;
  return {
    classes: classesOf(form, {
      pages,
      writesPerSecond: write / PAGE_BYTES,
      readsPerSecond: read / PAGE_BYTES,
    }),
    busy: flatOut ? 1 : busyShare(write, read),
    catchesUp: false,
    shared: typeof own === 'object',
    ...planPhases(form.phases ?? []),
  };
}

function classesOf(form: AccessForm, all: Accesses): WorkloadPlan['classes'] {
  switch (form.pattern) {
    case 'uniform':
      return uniform(all);
    case 'sequential':
      return sequential(all);
    case 'zipf':
      return zipf(all, form.skew ?? 0.99);
    case 'hot-cold':
      return hotCold(all, form['hot-pages'] ?? 0.1, form['hot-accesses'] ?? 0.9);
  }
}

function planPhases(
  forms: readonly z.output<typeof phaseForm>[],
): Pick<WorkloadPlan, 'phases' | 'phasePeriodUs'> {
  let atUs = 0;
  const phases: Phase[] = [];
  for (const form of forms) {
    phases.push({ atUs, writeFactor: form.write, readFactor: form.read });
    atUs += form.for;
  }
  return { phases, phasePeriodUs: atUs };
}
