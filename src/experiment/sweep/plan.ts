/** From a specification to its cells: every combination of varied values, in a fixed order, each a scenario of its own. */
import { nth, zip } from '../../lists.js';
import { InfeasibleError, UsageError } from '../../errors.js';
import { loadPolicy, loadStrategy, parseStrategyText } from '../../scenario/choices.js';
import { scenarioLoader } from '../../scenario/parse.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../../scenario/scenario.js';
import { strategies as registry } from '../../strategies/index.js';
import { listedStrategy } from '../choice.js';
import { preparedSetup } from '../simulate.js';
import type { SweepSpec } from './spec.js';

/** Every registered strategy with its defaults, where a cell does not refuse it. */
export const ALL_STRATEGIES = 'all';

const MOST_CELLS = 10_000_000;

export interface Cell {
  readonly index: number;
  /** In the order of `keys`. */
  readonly values: readonly string[];
  readonly scenario: Scenario;
  /** Those that run here. */
  readonly strategies: readonly StrategyChoice[];
  readonly policy: PolicyChoice;
  /** Chosen strategies that refuse this cell. */
  readonly refused: readonly Refusal[];
}

/** Why a cell, or one strategy in it, cannot run. */
export interface Refusal {
  /** Its label; null: the whole cell. */
  readonly strategy: string | null;
  /** One line. */
  readonly reason: string;
}

export interface SweepPlan {
  readonly spec: SweepSpec;
  /** Varied keys: columns of the results. */
  readonly keys: readonly string[];
  readonly cellCount: number;
  /** The first cell whose values go together. */
  readonly first: number;
  valuesOf(cell: number): readonly string[];
  /**
   * Loads and checks a cell; the one asked for last is kept. Throws `UsageError` that names the variation, and
   * `InfeasibleError` where its values do not go together.
   */
  cell(index: number): Cell;
}

/** What a program made itself: no specification can carry it, and no other thread or process can have it. */
export interface MadeChoices {
  /** By the word that the specification has for each. */
  readonly strategies: ReadonlyMap<string, StrategyChoice>;
  readonly policy: PolicyChoice | null;
}

const NONE_MADE: MadeChoices = { strategies: new Map(), policy: null };

/** Loads strategies and policies of the user's own. Throws `UsageError`. */
export async function openPlan(spec: SweepSpec, made: MadeChoices = NONE_MADE): Promise<SweepPlan> {
  const keys = spec.vary.flatMap((variation) => variation.keys);
  refuseRepeated(keys);
  const cellCount = spec.vary.reduce((product, variation) => product * variation.steps.length, 1);
  if (cellCount > MOST_CELLS) throw new UsageError(`${cellCount} cells; expected at most ${MOST_CELLS}`);
  const load = scenarioLoader(spec.scenario.text, spec.scenario.file);
  const valuesOf = (cell: number): string[] => valuesAt(spec, cell);
  const scenarioOf = (index: number): Scenario => {
    const values = valuesOf(index);
    const varied = zip(keys, values).map(([key, value]) => `${key}=${value}`);
    try {
      return load([...spec.set, ...varied, ...freeing(spec)]);
    } catch (error) {
      throw error instanceof UsageError ? atCell(error, spec, varied) : error;
    }
  };
  const first = firstFeasible(cellCount, scenarioOf);
  const strategiesOf = await strategyChooser(spec, first.scenario, made.strategies);
  const ownPolicy = made.policy ?? (spec.policy === null ? null : await loadPolicy(spec.policy));

  let last: Cell | undefined;
  const cell = (index: number): Cell => {
    if (last?.index === index) return last;
    const scenario = index === first.index ? first.scenario : scenarioOf(index);
    const policy = ownPolicy ?? scenario.policy;
    const values = valuesOf(index);
    const check = (strategy: StrategyChoice): unknown =>
      preparedSetup(scenario, strategy, { policy, memory: spec.memory });
    try {
      last = { index, values, scenario, policy, ...strategiesOf(scenario, check) };
    } catch (error) {
      const varied = zip(keys, values).map(([key, value]) => `${key}=${value}`);
      throw error instanceof UsageError ? atCell(error, spec, varied) : error;
    }
    return last;
  };
  return { spec, keys, cellCount, first: first.index, valuesOf, cell };
}

/** Throws what the first cell throws where no cell's values go together. */
function firstFeasible(
  cellCount: number,
  scenarioOf: (index: number) => Scenario,
): { readonly index: number; readonly scenario: Scenario } {
  let refusal: InfeasibleError | undefined;
  for (let index = 0; index < cellCount; index++) {
    try {
      return { index, scenario: scenarioOf(index) };
    } catch (error) {
      if (!(error instanceof InfeasibleError)) throw error;
      refusal ??= error;
    }
  }
  throw refusal ?? new UsageError('no cells');
}

/** `guest.memory=4GiB link.bandwidth=1Gbit/s`, for people. */
export function cellText(plan: Pick<SweepPlan, 'keys' | 'valuesOf'>, cell: number): string {
  const values = plan.valuesOf(cell);
  return zip(plan.keys, values)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

/** Mixed radix, the last variation fastest. */
export function valuesAt({ vary }: SweepSpec, cell: number): string[] {
  const steps: (readonly string[])[] = [];
  let rest = cell;
  for (const variation of vary.toReversed()) {
    steps.unshift(nth(variation.steps, rest % variation.steps.length));
    rest = Math.floor(rest / variation.steps.length);
  }
  return steps.flat();
}

function refuseRepeated(keys: readonly string[]): void {
  const twice = keys.find((key, index) => keys.indexOf(key) < index);
  if (twice !== undefined) throw new UsageError(`${twice} is varied twice; expected once`);
}

/** With all strategies, those that the scenario lists must not refuse a cell that was not chosen for them. */
function freeing(spec: SweepSpec): string[] {
  return isAll(spec) ? ['strategies=[none]', 'expect={}'] : [];
}

function isAll({ strategies }: SweepSpec): boolean {
  return strategies.length === 1 && strategies[0] === ALL_STRATEGIES;
}

type Chooser = (
  scenario: Scenario,
  check: (strategy: StrategyChoice) => unknown,
) => Pick<Cell, 'strategies' | 'refused'>;

async function strategyChooser(
  spec: SweepSpec,
  first: Scenario,
  made: MadeChoices['strategies'],
): Promise<Chooser> {
  if (isAll(spec)) {
    const inVain = spec.vary.flatMap(({ keys }) => keys).find((key) => key.startsWith('strategies.'));
    if (inVain !== undefined) {
      throw new UsageError(
        `--vary ${inVain}: --strategy all takes every strategy with its defaults; expected the names of strategies`,
      );
    }
    const all = Object.keys(registry).flatMap((name) => withDefaults(name) ?? []);
    return (_scenario, check) => {
      const { strategies, refused } = sorted(all, check);
      // None of them was asked for by name; where none is left, one reason is enough.
      return { strategies, refused: strategies.length === 0 ? refused.slice(0, 1) : [] };
    };
  }
  // What the scenario lists may have options that vary; anything else is the same in all cells.
  const others = new Map(made);
  for (const text of spec.strategies) {
    if (!made.has(text) && listedStrategy(text, first) === undefined)
      others.set(text, await loadStrategy(text));
  }
  return (scenario, check) => {
    const chosen =
      spec.strategies.length === 0
        ? [...scenario.strategies]
        : spec.strategies.map((text) => others.get(text) ?? listedStrategy(text, scenario) ?? gone(text));
    const labels = chosen.map(({ label }) => label);
    const twice = labels.find((label, index) => labels.indexOf(label) < index);
    if (twice !== undefined) throw new UsageError(`${twice} is chosen twice; expected once`);
    return sorted(chosen, check);
  };
}

function gone(text: string): never {
  throw new UsageError(`the scenario lists no ${text} here; expected the name without its options`);
}

/** undefined: it cannot be without options. */
function withDefaults(name: string): StrategyChoice | undefined {
  try {
    return parseStrategyText(name);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Which of them run in a cell. */
function sorted(
  chosen: readonly StrategyChoice[],
  check: (strategy: StrategyChoice) => unknown,
): Pick<Cell, 'strategies' | 'refused'> {
  const refused: Refusal[] = [];
  const strategies = chosen.filter((strategy) => {
    try {
      check(strategy);
      return true;
    } catch (error) {
      if (!(error instanceof InfeasibleError)) throw error;
      refused.push({ strategy: strategy.label, reason: error.reason });
      return false;
    }
  });
  return { strategies, refused };
}

/** The same complaint, about the variation that brought it. */
function atCell(error: UsageError, spec: SweepSpec, varied: readonly string[]): UsageError {
  const message = messageAtCell(error, spec, varied);
  return error instanceof InfeasibleError
    ? new InfeasibleError(message, undefined, error.reason)
    : new UsageError(message);
}

function messageAtCell(error: UsageError, spec: SweepSpec, varied: readonly string[]): string {
  const [line = ''] = error.message.split('\n');
  if (varied.length === 0) return line;
  const blamed = varied.find((text) => error.place?.file === `--set ${text}`);
  const cause = spec.vary.find(({ keys }) => keys.some((key) => blamed?.startsWith(`${key}=`) === true));
  if (blamed === undefined || cause === undefined) return `${line} (at ${varied.join(' ')})`;
  const said = line.slice(`--set ${blamed}: `.length);
  return `--vary ${cause.text}: at ${blamed}: ${said}`;
}
