/** A scenario's text, changed value by value: comments, order and everything that no control shows stay as they are. */
import { type Document, isCollection, isMap, isScalar as isYamlScalar, isSeq, parseDocument } from 'yaml';

/** Text, number, true or false. */
export type Scalar = string | number | boolean;

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** A path as `--set` has it: `guest.vcpus.0.count`. */
export type DottedPath = string;

export class ScenarioText {
  readonly #document: Document;
  /** What is not YAML in it; null where all is. */
  readonly fault: string | null;

  constructor(text: string) {
    this.#document = parseDocument(text, { prettyErrors: false });
    this.fault = this.#document.errors[0]?.message ?? null;
  }

  /** undefined where nothing is written, or what is written is no single value. */
  at(path: DottedPath): Scalar | undefined {
    const value = this.#node(path);
    const plain: unknown = isYamlScalar(value) ? value.value : value;
    return isScalar(plain) ? plain : undefined;
  }

  /** Whether anything is written there. */
  has(path: DottedPath): boolean {
    return this.#node(path) !== undefined;
  }

  /** Keys of a map; the name alone where only a name is written; none otherwise. */
  keys(path: DottedPath): string[] {
    const value = this.#node(path);
    if (isMap(value)) return value.items.map(({ key }) => String(isYamlScalar(key) ? key.value : key));
    const name = this.at(path);
    return typeof name === 'string' ? [name] : [];
  }

  /** Entries of a list; 0 where there is none. */
  length(path: DottedPath): number {
    const value = this.#node(path);
    return isSeq(value) ? value.items.length : 0;
  }

  /** The text with another value at `path`; a name that stood there alone becomes the map that the path goes on in. */
  with(path: DottedPath, value: unknown): string {
    const segments = segmentsOf(path);
    for (let depth = 1; depth < segments.length; depth++) {
      const above = segments.slice(0, depth);
      const node = this.#document.getIn(above, true);
      if (node !== undefined && !isCollection(node)) this.#document.setIn(above, this.#flow({}));
    }
    this.#document.setIn(segments, this.#flow(value));
    return this.toString();
  }

  without(path: DottedPath): string {
    this.#document.deleteIn(segmentsOf(path));
    return this.toString();
  }

  /** The text with one more entry at the end of the list, which is made where there is none. */
  withEntry(path: DottedPath, value: unknown): string {
    const segments = segmentsOf(path);
    if (isSeq(this.#document.getIn(segments, true))) this.#document.addIn(segments, this.#flow(value));
    else this.#document.setIn(segments, this.#flow([value]));
    return this.toString();
  }

  /** As a scenario of its own: what the opening comment says, and `expect`, are about the one that it comes from. */
  changed(from: string): string {
    const { contents } = this.#document;
    this.#document.commentBefore = ` From ${from}, changed on the page of migsim.`;
    if (isMap(contents)) {
      // The comment that opens a file belongs to its first key.
      const [first] = contents.items;
      if (first !== undefined && isYamlScalar(first.key)) first.key.commentBefore = null;
      contents.commentBefore = null;
      contents.delete('expect');
    }
    return this.toString();
  }

  toString(): string {
    return this.#document.toString({ lineWidth: 120, flowCollectionPadding: true });
  }

  /** Maps in one line, as scenario files are written by hand. */
  #flow(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    return this.#document.createNode(value, { flow: true });
  }

  #node(path: DottedPath): unknown {
    try {
      return this.#document.getIn(segmentsOf(path), true);
    } catch {
      return undefined;
    }
  }
}

function segmentsOf(path: DottedPath): (string | number)[] {
  return path.split('.').map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment));
}
