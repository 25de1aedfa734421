/** A scenario file as text: its values, and where in it each of them stands. */
import { nth } from '../lists.js';
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  visit,
} from 'yaml';
import { UsageError, type Place, errorMessage, errorCode } from '../errors.js';
import { refuseOther } from '../formats/readers/index.js';
import { recordingReader } from '../formats/readers/others.js';
import type { Problem } from './form/problems.js';

/** A parsed YAML text: plain values, and the place of each. */
export interface Source {
  readonly file: string;
  readonly text: string;
  /** The value at the top, always a map. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Where the value (or key) that a problem is about stands; for one that is missing, what it is missing from. */
  placeOf(problem: Pick<Problem, 'path' | 'at'>): Place;
}

/** @throws UsageError with the place: bad YAML, duplicate keys, nothing in it, not a map */
export function parseSource(text: string, file: string): Source {
  refuseUnlessScenario(text, file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const error = document.errors[0];
  if (error !== undefined) throw new UsageError(syntaxMessage(error, text), placeAt(error.pos[0]));
  if (document.contents === null) {
    throw new UsageError('empty; expected a scenario: a map with name, guest, link, strategies …', { file });
  }
  if (!isMap(document.contents)) {
    const place = placeAt(document.contents.range?.[0] ?? 0);
    throw new UsageError('not a map; expected a scenario: name, guest, link, strategies …', place);
  }
  return {
    file,
    text,
    value: plainValue(document, placeAt),
    placeOf: ({ path, at }) => placeAt(offsetOf(document, path, at)),
  };
}

/** A key that every scenario, sweep and policy file has, in any style of YAML. */
const KEYS = /(?:^|[{,])[ \t"']*(?:guest|scenario)["']?[ \t]*:/m;

/** A log or an object of an orchestrator, with the command that reads it: as YAML it would be called wrong where it is not. */
function refuseUnlessScenario(text: string, file: string): void {
  if (!KEYS.test(text) || recordingReader.recognises(text))
    refuseOther(text, 'a scenario file (YAML)', { file, line: 1 });
}

function plainValue(
  document: Document,
  placeAt: (offset: number) => Place,
): Readonly<Record<string, unknown>> {
  let lastAlias = 0;
  visit(document, {
    Pair(_, { key }) {
      if (!isMap(key) && !isSeq(key)) return;
      throw new UsageError('a list or a map as a key; expected a name', placeAt(key.range?.[0] ?? 0));
    },
    Alias(_, alias) {
      lastAlias = alias.range?.[0] ?? 0;
      if (alias.resolve(document) !== undefined) return;
      const message = `nothing is called &${alias.source} before here; expected an anchor of that name`;
      throw new UsageError(message, placeAt(alias.range?.[0] ?? 0));
    },
  });
  try {
    return document.toJS() as Record<string, unknown>;
  } catch (error) {
    // Anchors that multiply beyond measure: the last is what makes them too many.
    const message = errorMessage(error).split('\n')[0];
    throw new UsageError(`cannot be read: ${message}; expected plain YAML`, placeAt(lastAlias));
  }
}

function syntaxMessage(
  error: { code: string; message: string; pos: [number, number] },
  text: string,
): string {
  const code = errorCode(error);
  switch (code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^\s:,}]+/.exec(text.slice(error.pos[0]))?.[0] ?? '';
      return `the key ${key} stands here a second time; expected each key once`;
    }
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; expected one scenario a file';
    case 'TAB_AS_INDENT':
      return 'a tab; expected spaces: YAML is indented by spaces only';
    default:
      return `not YAML: ${error.message}; expected a scenario file`;
  }
}

/** Offset of the node at `path`, or of the deepest node on the way that exists. */
function offsetOf(document: Document, path: Problem['path'], at: Problem['at']): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, segment] of path.entries()) {
    const container = isAlias(node) ? node.resolve(document) : node;
    if (isMap(container)) {
      const pair = container.items.find(({ key }) => keyText(key) === String(segment));
      if (pair === undefined) return offset;
      const last = depth === path.length - 1;
      const keyOffset = startOf(pair.key) ?? offset;
      offset = last && at === 'key' ? keyOffset : (startOf(pair.value) ?? keyOffset);
      // What is missing from a block map is reported at the map's own key, not at its first entry.
      if (!last && isMap(pair.value) && !hasKey(pair.value, nth(path, depth + 1))) offset = keyOffset;
      node = pair.value;
    } else if (isSeq(container)) {
      node = container.items[Number(segment)];
      offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function hasKey(map: { items: { key: unknown }[] }, segment: PropertyKey): boolean {
  return map.items.some(({ key }) => keyText(key) === String(segment));
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
