/** Rows of runs.csv on their way to it: as bytes, with the values that are summarised. No text is made on the way. */

const { abs, floor } = Math;
const { isInteger } = Number;

const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
const COMMA = 0x2c;
const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const FIRST_NOT_ASCII = 0x80;

const FIRST_BYTES = 1 << 18;
const FIRST_ROWS = 512;
/** Longer than the text of any number. */
const NUMBER_BYTES = 32;
/** Integers are written in parts of nine digits, which fit into 32 bits. */
const PART = 1e9;
/** The least integer of one digit more than the index. */
const DIGIT_LIMITS = Float64Array.from({ length: 10 }, (_, digits) => 10 ** digits);
const MOST_SAFE = 2 ** 53;
/** Below it, a product with a power of ten is off by less than `NEAR_TIE`. */
const MOST_SCALED = 2 ** 43;
const NEAR_TIE = 1e-2;

/** Whole rows. */
export interface Rows {
  /** With their line breaks, UTF-8. */
  readonly bytes: Uint8Array;
  /** Row by row a value for each measure; NaN: the field is empty. */
  readonly values: Float64Array;
}

/** Grows row by row: fields in their order, each followed by `comma` or `end`. */
export class RowBlock {
  private readonly measures: number;
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private length = 0;
  private filled: Float64Array;
  private rows = 0;

  /** `measures`: how many values a row has. */
  constructor(measures: number) {
    this.measures = measures;
    this.filled = new Float64Array(FIRST_ROWS * measures).fill(NaN);
  }

  /** Of the row that is being written. */
  measure(index: number, value: number): void {
    this.filled[this.rows * this.measures + index] = value;
  }

  comma(): void {
    this.reserve(1);
    this.bytes[this.length++] = COMMA;
  }

  end(): void {
    this.reserve(1);
    this.bytes[this.length++] = LINE_FEED;
    this.rows += 1;
    const { filled } = this;
    if ((this.rows + 1) * this.measures <= filled.length) return;
    this.filled = new Float64Array(2 * filled.length).fill(NaN);
    this.filled.set(filled);
  }

  /** A field, in quotes where it must be. */
  text(text: string): void {
    this.reserve(text.length);
    const start = this.length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (
        code >= FIRST_NOT_ASCII ||
        code === COMMA ||
        code === QUOTE ||
        code === LINE_FEED ||
        code === CARRIAGE_RETURN
      ) {
        this.length = start;
        this.raw(quoted(text));
        return;
      }
      this.bytes[this.length++] = code;
    }
  }

  /** Fields with their commas, ready as they are. */
  raw(text: string): void {
    this.reserve(3 * text.length);
    this.length += this.bytes.write(text, this.length);
  }

  /**
   * A number to 3 or 6 digits after the point, as `Number(value.toFixed(digits))` is written, and returns that number.
   * Its digits are those of an integer, of which what lies too near to a half to be sure is left to `toFixed`.
   */
  number(value: number, digits: 3 | 6): number {
    this.reserve(NUMBER_BYTES);
    const magnitude = abs(value);
    if (isInteger(value) && magnitude < MOST_SAFE) {
      if (value < 0) this.bytes[this.length++] = MINUS;
      this.whole(magnitude);
      // Not -0, which no text can say.
      return value + 0;
    }
    const scale = digits === 3 ? 1e3 : 1e6;
    const scaled = magnitude * scale;
    const below = floor(scaled);
    if (!(scaled < MOST_SCALED) || abs(scaled - below - 0.5) < NEAR_TIE) return this.rounded(value, digits);
    const units = scaled - below > 0.5 ? below + 1 : below;
    if (value < 0 && units > 0) this.bytes[this.length++] = MINUS;
    const whole = floor(units / scale);
    this.whole(whole);
    this.fraction(units - whole * scale, digits);
    return value < 0 && units > 0 ? -units / scale : units / scale;
  }

  /** Those of the row that was written last. */
  lastValues(): Float64Array {
    return this.filled.subarray((this.rows - 1) * this.measures, this.rows * this.measures);
  }

  /** The rows so far, and begins anew. */
  take(): Rows {
    const bytes = new Uint8Array(this.bytes.subarray(0, this.length));
    const values = this.filled.slice(0, this.rows * this.measures);
    this.filled.fill(NaN, 0, values.length);
    this.length = 0;
    this.rows = 0;
    return { bytes, values };
  }

  private rounded(value: number, digits: number): number {
    const written = Number(value.toFixed(digits));
    this.raw(String(written));
    return written;
  }

  private whole(value: number): void {
    if (value < PART) return this.digits(value, 1);
    const high = floor(value / PART);
    this.digits(high, 1);
    this.digits(value - high * PART, 9);
  }

  private fraction(units: number, digits: number): void {
    if (units === 0) return;
    this.bytes[this.length++] = POINT;
    this.digits(units, digits);
    while (this.bytes[this.length - 1] === ZERO) this.length -= 1;
  }

  /** At least `least` digits of an integer below 2^31. */
  private digits(value: number, least: number): void {
    let count = least;
    while ((DIGIT_LIMITS[count] ?? Infinity) <= value) count += 1;
    let left = value | 0;
    for (let at = this.length + count - 1; at >= this.length; at--) {
      const tenth = (left / 10) | 0;
      this.bytes[at] = ZERO + left - 10 * tenth;
      left = tenth;
    }
    this.length += count;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.bytes.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/** A field as CSV has it. */
export function quoted(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
