/**
 * The one form in which values that users write are described: scenario keys, the options of strategies, policies and
 * workloads, the fields of host profiles. The parsed value, error messages, the JSON Schema, help and docs follow from it.
 */

/** What every entry has. */
export interface EntryBase {
  /** What it means, one sentence without a full stop. */
  readonly summary: string;
  /** May be left out although it has no default. */
  readonly optional?: boolean;
}

/** Text with a unit, read as a plain number. */
export interface QuantityEntry extends EntryBase {
  /**
   * `size` becomes bytes, `rate` and `link-rate` (a lone `G` is Gbit) bytes/s, `duration` µs, `duration-ns` ns, `share`
   * a number, 100% being 1.
   */
  readonly kind: 'size' | 'rate' | 'link-rate' | 'duration' | 'duration-ns' | 'share';
  readonly default?: string | 0;
  /** Inclusive bounds, as users write them; without `min` anything above 0 is accepted. */
  readonly min?: string;
  readonly max?: string;
  /** 0 is a value like others (also without a unit). */
  readonly zero?: boolean;
  /** Words that stand for numbers, such as `unlimited` for 0. */
  readonly words?: Readonly<Record<string, number>>;
  /** The unit in which QEMU itself takes the number, for those who leave it out. */
  readonly bare?: string;
}

/** A whole number of QEMU's own unit, with or without that unit. */
export interface WholeQuantityEntry extends EntryBase {
  /** `percent`: `20` or `20%`. `mib-per-second`: `100MiB/s` or `100`. `duration-ms`: `500ms`. */
  readonly kind: 'percent' | 'mib-per-second' | 'duration-ms';
  readonly default?: number | string;
  /** Inclusive; 0 and no limit (100 for `percent`) when left out. */
  readonly min?: number;
  readonly max?: number;
  /** `duration-ms`: QEMU's parameter is a number of ms, so that `500` is accepted. */
  readonly bareNumber?: boolean;
  /** The word `none` is accepted, and stays that word. */
  readonly orNone?: boolean;
}

/** A number without a unit. */
export interface NumberEntry extends EntryBase {
  readonly kind: 'count' | 'number';
  /** What it is, with its article where it has one; `a whole number` or `a number` when left out. */
  readonly what?: string;
  readonly default?: number;
  /** Inclusive. */
  readonly min?: number;
  readonly max?: number;
}

/** `true` or `false`. */
export interface FlagEntry extends EntryBase {
  readonly kind: 'flag';
  readonly default?: boolean;
}

/** One word of several. */
export interface ChoiceEntry extends EntryBase {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly default?: string;
}

/** A list of `[duration, size]`, rising in both. */
export interface CurveEntry extends EntryBase {
  readonly kind: 'curve';
}

/** A list of vCPU indexes, from 0. */
export interface VcpusEntry extends EntryBase {
  readonly kind: 'vcpus';
  readonly default?: readonly number[];
}

/** A list with a value for each vCPU, in their order. */
export interface PerVcpuEntry extends EntryBase {
  readonly kind: 'per-vcpu';
  readonly each: Omit<WholeQuantityEntry, 'summary'>;
  /** A list as users write it. */
  readonly such: string;
  readonly default?: readonly (number | string)[];
}

/** A value that no other kind describes. */
export interface CustomEntry<Value = unknown> extends EntryBase {
  readonly kind: 'custom';
  /** Reports what is wrong, and where inside the value; it may throw a `UsageError` instead. */
  readonly read: (
    input: unknown,
    report: (message: string, path?: readonly PropertyKey[]) => void,
  ) => Value | undefined;
  readonly jsonSchema: Readonly<Record<string, unknown>>;
  readonly default?: unknown;
}

/** How one value is described. */
export type OptionEntry =
  | QuantityEntry
  | WholeQuantityEntry
  | NumberEntry
  | FlagEntry
  | ChoiceEntry
  | CurveEntry
  | VcpusEntry
  | PerVcpuEntry
  | CustomEntry;

/** Options by the names that users write. */
export type OptionTable = Readonly<Record<string, OptionEntry>>;

/** A point of a dirty curve: pages dirtied in an interval. */
export interface CurvePoint {
  readonly durationUs: number;
  readonly pages: number;
}

/** What a whole quantity is read as. */
export type WholeValue<Entry> = Entry extends { orNone: true } ? number | 'none' : number;

/** What an entry is read as. */
export type OptionValue<Entry> =
  | (Entry extends { kind: 'choice'; choices: readonly (infer Word)[] }
      ? Word
      : Entry extends { kind: 'curve' }
        ? readonly CurvePoint[]
        : Entry extends { kind: 'flag' }
          ? boolean
          : Entry extends { kind: 'vcpus' }
            ? readonly number[]
            : Entry extends { kind: 'per-vcpu'; each: infer Each }
              ? readonly WholeValue<Each>[]
              : Entry extends CustomEntry<infer Value>
                ? Value
                : WholeValue<Entry>)
  | (Entry extends { optional: true } ? undefined : never);

/** What the options of a table are read as. */
export type TableValues<Table extends OptionTable> = {
  readonly [Key in keyof Table]: OptionValue<Table[Key]>;
};

/** What a parser finds wrong with one value. */
export interface ParserIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** `unrecognized_keys` when it is about the first of `keys`. */
  readonly code?: string;
  readonly keys?: readonly string[];
}

/**
 * Options that are checked by a schema of the user's own, such as an object of zod: accepted where tables are, for
 * strategies written before there were tables.
 */
export interface OptionParser<Values = Readonly<Record<string, unknown>>> {
  /** The checked values, or what is wrong with the input. */
  safeParse(
    input: unknown,
    parameters?: object,
  ):
    | { readonly success: true; readonly data: Values }
    | { readonly success: false; readonly error: { readonly issues: readonly ParserIssue[] } };
  /** The form of the input, for editors. */
  toJSONSchema?(parameters?: object): object;
}

/** How the options of a strategy or policy are described. */
export type OptionSource = OptionTable | OptionParser;

/** What `start` is given. */
export type OptionValues<Options extends OptionSource> = Options extends OptionTable
  ? TableValues<Options>
  : Options extends OptionParser<infer Values>
    ? Values
    : never;
