/**
 * Policies that people already have, read as they are: a KubeVirt MigrationPolicy or the migrations of a KubeVirt resource
 * (YAML or JSON), the [libvirt] section of nova.conf, oVirt's MigrationPolicies (JSON).
 */
import type * as z from 'zod/mini';
import { isMap as isYamlMap, isNode, LineCounter, parseAllDocuments, type Document } from 'yaml';
import { isMap, nth } from '../lists.js';
import { UsageError, thrownText, type Place } from '../errors.js';
import { clusterMigrations, importKubevirt, migrationPolicySpec } from '../policies/import/kubevirt.js';
import { importNova, novaOptions } from '../policies/import/nova.js';
import { importOvirt, ovirtPolicy } from '../policies/import/ovirt.js';
import type { ImportedPolicy } from '../policies/import/imported.js';
import { nearest } from '../suggest.js';
import { check, usageErrorOf, type Path, type Problem } from './form/problems.js';
import { show } from '../options/wording.js';

export type { ImportedPolicy } from '../policies/import/imported.js';

const EXPECTED =
  'expected a KubeVirt MigrationPolicy or KubeVirt resource, nova.conf with [libvirt], or oVirt MigrationPolicies';
const STALL_DETECTION_GATE = 'MigrationStallDetection';

/**
 * The policy that `text` holds; `file` is what errors call it. Where it holds several, `which` chooses one by its name, letter
 * case and spaces aside.
 *
 * @throws UsageError with the place
 */
export function readPolicyFile(text: string, file: string, which?: string): ImportedPolicy {
  return looksLikeIni(text) ? readNova(text, file) : readDocuments(text, file, which);
}

/** Checks and maps; problems name their places. */
function importWith<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
  placeOf: (problem: Pick<Problem, 'path' | 'at'>) => Place,
  map: (value: z.output<Schema>) => ImportedPolicy,
): ImportedPolicy {
  const checked = check(schema, value);
  if ('problems' in checked) throw usageErrorOf(checked.problems, placeOf);
  return map(checked.value);
}

// ------------------------------------------------------------------------------------------------------- nova.conf

const SECTION = /^\[([^\]]*)\]\s*$/;
const OPTION = /^([A-Za-z]\w*)\s*[=:]\s*(.*?)\s*$/;
const PREFIX = 'live_migration_';

function looksLikeIni(text: string): boolean {
  return /^\[libvirt\]\s*$/m.test(text) || new RegExp(`^${PREFIX}\\w+\\s*=`, 'm').test(text);
}

/** Options of [libvirt], or of a text without sections; of one that stands twice the last counts, as for oslo.config. */
function readNova(text: string, file: string): ImportedPolicy {
  const values: Record<string, string> = {};
  const lineOf = new Map<string, number>();
  const lines = text.split(/\r?\n/);
  let wanted = !lines.some((line) => SECTION.test(line));
  for (const [index, line] of lines.entries()) {
    const section = SECTION.exec(line);
    if (section !== null) wanted = section[1] === 'libvirt';
    const [, name = '', value = ''] = (wanted ? OPTION.exec(line) : null) ?? [];
    if (!name.startsWith(PREFIX)) continue;
    values[name] = value;
    lineOf.set(name, index + 1);
  }
  const placeOf = ({ path }: Pick<Problem, 'path'>): Place => {
    const line = lineOf.get(String(path[0]));
    return line === undefined ? { file } : { file, line };
  };
  return importWith(novaOptions, values, placeOf, importNova);
}

// ----------------------------------------------------------------------------------------------------- YAML and JSON

interface Candidate {
  readonly title: string | null;
  read(): ImportedPolicy;
}

function readDocuments(text: string, file: string, which: string | undefined): ImportedPolicy {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const kinds: string[] = [];
  const candidates: Candidate[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const error = document.errors[0];
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new UsageError(`not YAML or JSON: ${error.message}; ${EXPECTED}`, { file, line, column: col });
    }
    const placeOf = (problem: Pick<Problem, 'path' | 'at'>): Place => placeIn(document, lines, file, problem);
    for (const one of candidatesIn(contentOf(document, file), [], placeOf, kinds)) candidates.push(one);
  }
  return choose(candidates, kinds, file, which).read();
}

/** Throws `UsageError` for aliases that lead nowhere, or to too much. */
function contentOf(document: Pick<Document, 'toJS'>, file: string): unknown {
  try {
    const value: unknown = document.toJS();
    return value;
  } catch (thrown) {
    throw new UsageError(`cannot be read: ${thrownText(thrown)}`, { file });
  }
}

function candidatesIn(
  value: unknown,
  path: Path,
  placeOf: (problem: Pick<Problem, 'path' | 'at'>) => Place,
  kinds: string[],
): Candidate[] {
  const inside = (further: Path) => (problem: Pick<Problem, 'path' | 'at'>) =>
    placeOf({ ...problem, path: [...path, ...further, ...problem.path] });
  if (Array.isArray(value))
    return value.flatMap((item, i) => candidatesIn(item, [...path, i], placeOf, kinds));
  if (!isMap(value)) return [];
  const { kind, spec, items } = value;
  if (Array.isArray(items) && String(kind).endsWith('List')) {
    return items.flatMap((item, i) => candidatesIn(item, [...path, 'items', i], placeOf, kinds));
  }
  if (kind === 'MigrationPolicy') {
    const title = nameOf(value['metadata']);
    const read = () =>
      importWith(migrationPolicySpec, spec ?? {}, inside(['spec']), (checked) =>
        importKubevirt(checked, title),
      );
    return [{ title, read }];
  }
  if (kind === 'KubeVirt') {
    const title = nameOf(value['metadata']);
    const configuration = mapAt(spec, 'configuration');
    const read = () =>
      importWith(
        clusterMigrations,
        configuration['migrations'] ?? {},
        inside(['spec', 'configuration', 'migrations']),
        (checked) => importKubevirt(checked, title, hasStallDetection(configuration)),
      );
    return [{ title, read }];
  }
  if (isMap(value['config'])) {
    return [{ title: nameOf(value), read: () => importWith(ovirtPolicy, value, inside([]), importOvirt) }];
  }
  if ('initialItems' in value || 'convergenceItems' in value || 'lastItems' in value) {
    const unwrapped: typeof placeOf = (problem) => inside([])({ ...problem, path: problem.path.slice(1) });
    return [{ title: null, read: () => importWith(ovirtPolicy, { config: value }, unwrapped, importOvirt) }];
  }
  kinds.push(kind === undefined ? 'a map without kind' : `kind ${show(kind)}`);
  return [];
}

function nameOf(value: unknown): string | null {
  return isMap(value) && typeof value['name'] === 'string' ? value['name'] : null;
}

function mapAt(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const inner = isMap(value) ? value[key] : undefined;
  return isMap(inner) ? inner : {};
}

function hasStallDetection(configuration: Readonly<Record<string, unknown>>): boolean {
  const { featureGates } = mapAt(configuration, 'developerConfiguration');
  return Array.isArray(featureGates) && featureGates.includes(STALL_DETECTION_GATE);
}

/** Names that differ in letter case, spaces or hyphens alone are the same. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, '-');
}

function choose(
  candidates: readonly Candidate[],
  kinds: readonly string[],
  file: string,
  which: string | undefined,
): Candidate {
  const [first, ...others] = candidates;
  if (first === undefined) {
    throw new UsageError(`${EXPECTED}${kinds.length === 0 ? '' : `, got ${kinds.join(', ')}`}`, { file });
  }
  if (which === undefined && others.length === 0) return first;
  const titles = candidates.map(({ title }) => title).filter((title) => title !== null);
  if (which === undefined) {
    throw new UsageError(
      `holds ${candidates.length} policies; expected one of them by name: ${titles.join(', ')}`,
      {
        file,
      },
    );
  }
  const found = candidates.filter(({ title }) => title !== null && plain(title) === plain(which));
  if (found.length === 1) return nth(found, 0);
  if (found.length > 1)
    throw new UsageError(`holds ${found.length} policies called ${show(which)}`, { file });
  const near = nearest(plain(which), titles.map(plain));
  const meant = titles.find((title) => plain(title) === near);
  const hint = meant === undefined ? '' : ` did you mean ${meant}?`;
  throw new UsageError(
    `no policy ${show(which)};${hint} There are ${titles.join(', ') || 'none with a name'}`,
    {
      file,
    },
  );
}

/** Where a value or key stands; for one that is missing, what it is missing from. */
function placeIn(
  document: Document,
  lines: LineCounter,
  file: string,
  { path, at }: Pick<Problem, 'path' | 'at'>,
): Place {
  for (let depth = path.length; depth >= 0; depth--) {
    const parent = depth === 0 ? undefined : nodeAt(document, path.slice(0, depth - 1));
    const key = String(path[depth - 1]);
    const pair = isYamlMap(parent)
      ? parent.items.find((item) => String(isNode(item.key) ? item.key.toJSON() : item.key) === key)
      : undefined;
    const wantKey = pair !== undefined && (at === 'key' || depth < path.length);
    const node = wantKey ? pair.key : nodeAt(document, path.slice(0, depth));
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset === undefined) continue;
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  }
  return { file };
}

function nodeAt(document: Document, path: Path): unknown {
  return path.length === 0 ? document.contents : document.getIn(path, true);
}
