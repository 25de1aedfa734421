/** Scenarios: text in, a checked `Scenario` out, and errors that say where, what, and what was expected. */
import type { Place } from '../errors.js';
import { isMap, keysOf, type UnknownMap } from '../lists.js';
import { fileName } from '../formats/text.js';
import { applyOverride, parseOverride, placeOfOverride, type Override } from './overrides.js';
import { buildSetup, type ReadSections } from './build.js';
import { readExpectations } from './expectations.js';
import { check, infeasible, usageErrorOf, type Path, type Problem } from './form/problems.js';
import type { MigrationSetup } from '../migration/setup.js';
import type { Scenario, Uncertainty } from './scenario.js';
import { TABLE_NAME, TABLE_NAME_WORDS } from '../options/wording.js';
import { scenarioSchema } from './form/schema.js';
import { parseSource, type Source } from './source.js';
import { nameOf } from './guest/build-guest.js';
import { aboutTyped, findUncertain, type Uncertain, withValues } from './uncertain/find.js';

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
  const read = sectionReader();
  return (set = []) => scenarioOf(source, set.map(parseOverride), read);
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

/** The name of a file becomes that of its scenario. */
function faultsOfFileName(name: string): Problem[] {
  if (TABLE_NAME.test(name)) return [];
  const message = `missing, and the file's own is ${JSON.stringify(name)}; expected ${TABLE_NAME_WORDS}`;
  return [{ path: ['name'], at: 'value', message }];
}

function scenarioOf(source: Source, overrides: readonly Override[], read: SectionReader): Scenario {
  const { value, placeOf } = withOverrides(source, overrides);
  const place = (path: Path, at: Problem['at'] = 'value'): Place => placeOf({ path, at });
  // What cannot be read, and what can be but does not go together.
  const [unreadable, infeasibilities]: [Problem[], Problem[]] = [[], []];
  const throwFound = (): void => {
    const found = [...unreadable, ...infeasibilities].map(withReference);
    if (found.length > 0) throw (unreadable.length > 0 ? usageErrorOf : infeasible)(found, placeOf);
  };

  const uncertain = findUncertain(value, unreadable);
  const sectionsAt = (p: (key: string) => number): ReadSections => {
    const { sections, problems } = read(withValues(value, uncertain, ({ key }) => p(key)));
    const known = [...unreadable];
    for (const problem of problems)
      if (!isWithin(problem, known)) unreadable.push(asTyped(problem, uncertain));
    return sections;
  };
  const sections = sectionsAt(() => 0.5);
  const name = sections.name ?? fileName(source.file).replace(/\.ya?ml$/, '');
  if (sections.name === undefined) for (const fault of faultsOfFileName(name)) unreadable.push(fault);
  const setupOf = (from: ReadSections): MigrationSetup | null =>
    buildSetup(from, name, (path, message) => infeasibilities.push({ path, at: 'value', message }));
  const setup = setupOf(sections);
  for (const p of [0, 1])
    for (const { key } of uncertain) setupOf(sectionsAt((other) => (other === key ? p : 0.5)));

  const complain: Complain = (path, at, message) => unreadable.push({ path, at, message });
  for (const [i, { label }] of (sections.strategies ?? []).entries())
    if (sections.strategies?.findIndex((one) => one.label === label) !== i)
      complain(['strategies', i], 'value', `${label} is listed twice; expected it once`);
  const names = {
    strategies:
      sections.strategies?.map(({ label, definition }) => ({ label, name: definition.name })) ?? null,
    groups: sections.guest === undefined ? null : [...new Set(sections.guest.vcpus.map(nameOf))],
  };
  const expectations = readExpectations(sections.expect ?? {}, names, complain);
  throwFound();
  const median = built(setup);
  const setupAt: Uncertainty['setupAt'] = (p) => {
    for (const found of [unreadable, infeasibilities]) found.length = 0;
    const drawn = setupOf(sectionsAt(p));
    throwFound();
    return built(drawn);
  };
  const migration = built(sections.migration);
  return {
    name,
    about: openingComment(source.text),
    file: source.file,
    text: source.text,
    set: overrides.map(({ text }) => text),
    notes: [...migration.qemu.notes, ...(migration.machine?.notes ?? [])],
    setup: median,
    uncertainty: { values: eachOnce(uncertain), median, setupAt },
    strategies: built(sections.strategies).map((one, i) => ({ ...one, place: place(['strategies', i]) })),
    policy: { ...built(sections.policy), place: place(['policy']) },
    expect: expectations.map(({ text, path }) => ({ ...text, place: place(path, 'key') })),
  };
}

/** A value that stands in several places is one. */
function eachOnce(uncertain: readonly Uncertain[]): Uncertainty['values'] {
  return uncertain
    .filter(({ key }, index) => uncertain.findIndex((other) => other.key === key) === index)
    .map(({ key, form }) => ({ key, text: form.text, at: form.at }));
}

/** What is there, as nothing was found wrong. */
function built<Part>(part: Part | null | undefined): Part {
  if (part === null || part === undefined) throw new Error('a part is missing, and no problem was noted');
  return part;
}

/** The sections that the schema accepts, and what is wrong with the others. */
interface Read {
  readonly sections: ReadSections;
  readonly problems: readonly Problem[];
}

type SectionReader = (value: unknown) => Read;

/**
 * Reads a scenario again and again with other values in it. Values are put in without changing what is around them, so that
 * a section which is still the same object is still read.
 */
function sectionReader(): SectionReader {
  let before: { readonly value: UnknownMap; readonly sections: ReadSections } | null = null;
  return (value) => {
    const read =
      (before === null ? null : readChanged(value, before.value, before.sections)) ?? readSections(value);
    if (isMap(value) && read.problems.length === 0) before = { value, sections: read.sections };
    return read;
  };
}

/** `before` had no problems. null where other sections are written than before. */
function readChanged(value: unknown, before: UnknownMap, sections: ReadSections): Read | null {
  if (!isMap(value) || Object.keys(value).join() !== Object.keys(before).join()) return null;
  const now: Partial<Record<keyof ReadSections, unknown>> = { ...sections };
  const problems: Problem[] = [];
  for (const key of keysOf(scenarioSchema.shape)) {
    if (value[key] === before[key]) continue;
    const section = check(scenarioSchema.shape[key], value[key]);
    if ('value' in section) now[key] = section.value;
    else {
      delete now[key];
      for (const problem of section.problems) problems.push({ ...problem, path: [key, ...problem.path] });
    }
  }
  return { sections: now as ReadSections, problems };
}

function readSections(value: unknown): Read {
  const checked = check(scenarioSchema, value);
  if ('value' in checked) return { sections: checked.value, problems: [] };
  const wrong = new Set(checked.problems.map(({ path }) => path[0]));
  const sound = keysOf(scenarioSchema.shape).filter((key) => !wrong.has(key));
  const written = isMap(value) ? value : {};
  const sections = Object.fromEntries(
    sound.flatMap((key) => {
      const section = check(scenarioSchema.shape[key], written[key]);
      return 'value' in section ? [[key, section.value] as const] : [];
    }),
  );
  return { sections, problems: checked.problems };
}

function asTyped(problem: Problem, uncertain: readonly Uncertain[]): Problem {
  const entry = uncertain.find(({ path }) => onePath(path, problem.path));
  return entry === undefined ? problem : { ...problem, message: aboutTyped(problem.message, entry) };
}

function onePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((segment, i) => segment === b[i]);
}

/** The value in which a problem lies has one already. */
function isWithin({ path }: Problem, others: readonly Problem[]): boolean {
  return others.some(
    (other) => other.at === 'value' && other.path.every((segment, i) => segment === path[i]),
  );
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
