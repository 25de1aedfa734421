/** Scenarios: text in, a checked `Scenario` out, and errors that say where, what, and what was expected. */
import type { Place } from '../errors.js';
import { fileName } from '../formats/text.js';
import { applyOverride, parseOverride, placeOfOverride, type Override } from './overrides.js';
import { buildSetup } from './build.js';
import { readExpectations } from './expectations.js';
import { type Fail, check, infeasible, usageErrorOf, type Path, type Problem } from './form/problems.js';
import type { MigrationSetup } from '../migration/setup.js';
import type { Scenario, StrategyChoice, Uncertainty } from './scenario.js';
import { scenarioSchema, type ScenarioFile } from './form/schema.js';
import { parseSource, type Source } from './source.js';
import { findUncertain, type Uncertain, withValues } from './uncertain/find.js';

/** What to change in a scenario while it is loaded. */
export interface LoadOptions {
  /** Values to put in before checking: `guest.memory=32GiB`, `guest.vcpus.0.count=4`. */
  readonly set?: readonly string[];
}

/** Reads the text of a scenario file; `file` is what errors call it. @throws UsageError with the place, one line for each thing that is wrong */
export function parseScenario(text: string, file: string, options: LoadOptions = {}): Scenario {
  return scenarioLoader(text, file)(options.set);
}

/** Parses once, for sweeps that check the same text with many values. */
export function scenarioLoader(text: string, file: string): (set?: readonly string[]) => Scenario {
  const source = parseSource(text, file);
  return (set = []) => scenarioOf(source, set.map(parseOverride));
}

type Complain = (path: Path, at: Problem['at'], message: string) => void;

/** Options of strategies and policies have no place in docs/scenario.md. */
function withReference(problem: Problem): Problem {
  const { path, at, message } = problem;
  const isOption = path[0] === 'strategies' || path[0] === 'policy';
  return at === 'key' && !isOption
    ? { ...problem, message: `${message}; all keys: docs/scenario.md` }
    : problem;
}

function scenarioOf(source: Source, overrides: readonly Override[]): Scenario {
  const { value, placeOf } = withOverrides(source, overrides);
  const stop = (problems: readonly Problem[]): never => {
    throw usageErrorOf(problems.map(withReference), placeOf);
  };
  const complaints: Problem[] = [];
  const cannotBe = (): never => {
    throw infeasible(complaints.map(withReference), placeOf);
  };
  const complain: Complain = (path, at, message) => complaints.push({ path, at, message });
  const fail: Fail = (path, message) => {
    complain(path, 'value', message);
    throw new Stop();
  };

  const uncertain = findUncertain(value, complaints);
  if (complaints.length > 0) return stop(complaints);
  const fileAt = (p: (key: string) => number): ScenarioFile => {
    const checked = check(
      scenarioSchema,
      withValues(value, uncertain, ({ key }) => p(key)),
    );
    return 'problems' in checked ? stop(checked.problems) : checked.value;
  };
  const file = fileAt(() => 0.5);
  const name = file.name ?? fileName(source.file).replace(/\.ya?ml$/, '');
  const setupOf = (from: ScenarioFile): MigrationSetup => buildSetup(from, name, fail, attempt) ?? cannotBe();
  const setup = setupOf(file);
  const setupAt: Uncertainty['setupAt'] = (p) => setupOf(fileAt(p));
  for (const p of [0, 1]) for (const { key } of uncertain) setupAt((other) => (other === key ? p : 0.5));
  const place = (path: Path, at: Problem['at'] = 'value'): Place => placeOf({ path, at });

  file.strategies.forEach(({ label }, i) => {
    if (firstIndexOf(file, label) < i)
      complain(['strategies', i], 'value', `${label} is listed twice; expected it once`);
  });
  const strategies = file.strategies.map((chosen, i): StrategyChoice => ({
    ...chosen,
    place: place(['strategies', i]),
  }));
  const groups = [...new Set(setup.guest.vcpus.map(({ group }) => group))];
  const names = strategies.map(({ label, definition }) => ({ label, name: definition.name }));
  const expectations = readExpectations(file.expect, { strategies: names, groups }, complain);
  if (complaints.length > 0) return stop(complaints);

  return {
    name,
    about: openingComment(source.text),
    file: source.file,
    text: source.text,
    set: overrides.map(({ text }) => text),
    notes: [...file.migration.qemu.notes, ...(file.migration.machine?.notes ?? [])],
    setup,
    uncertainty: { values: eachOnce(uncertain), median: setup, setupAt },
    strategies,
    policy: { ...file.policy, place: place(['policy']) },
    expect: expectations.map(({ text, path }) => ({ ...text, place: place(path, 'key') })),
  };
}

/** A value that stands in several places is one. */
function eachOnce(uncertain: readonly Uncertain[]): Uncertainty['values'] {
  return uncertain
    .filter(({ key }, index) => uncertain.findIndex((other) => other.key === key) === index)
    .map(({ key, form }) => ({ key, text: form.text, at: form.at }));
}

/** A part of the scenario cannot be built; what is wrong has been written down. */
class Stop extends Error {}

/** The part, or null where it cannot be built: the others are looked at all the same, so that all mistakes are found. */
function attempt<Part>(build: () => Part): Part | null {
  try {
    return build();
  } catch (error) {
    if (error instanceof Stop) return null;
    throw error;
  }
}

function firstIndexOf({ strategies }: ScenarioFile, label: string): number {
  return strategies.findIndex((chosen) => chosen.label === label);
}

/** The value with all overrides in it; what is wrong with an overridden value stands on the command line. */
function withOverrides(
  source: Source,
  overrides: readonly Override[],
): { readonly value: unknown; readonly placeOf: Source['placeOf'] } {
  let value: unknown = source.value;
  const placed: { readonly path: Path; readonly override: Override }[] = [];
  for (const override of overrides) {
    const applied = applyOverride(value, override);
    value = applied.value;
    placed.unshift({ path: applied.path, override });
  }
  const placeOf: Source['placeOf'] = (problem) => {
    const cause = placed.find(({ path }) => onOnePath(path, problem.path));
    return cause === undefined ? source.placeOf(problem) : placeOfOverride(cause.override);
  };
  return { value, placeOf };
}

function onOnePath(a: Path, b: Path): boolean {
  const length = Math.min(a.length, b.length);
  return length > 0 && a.slice(0, length).every((segment, i) => String(segment) === String(b[i]));
}

/** The comment lines that open the file, without those for editors. */
function openingComment(text: string): string {
  const lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() !== '' && !line.startsWith('#')) break;
    if (line.startsWith('#') && !/^#\s*yaml-language-server/.test(line))
      lines.push(line.replace(/^#\s?/, ''));
  }
  return lines.join('\n').trim();
}
