import { fc, test as property } from '@fast-check/jest';
import { describe, expect, test } from '@jest/globals';
import { RowBlock } from '../../src/experiment/sweep/row-block.js';
import { type ByteLine, valueReader } from '../../src/experiment/sweep/lines.js';

function written(write: (block: RowBlock) => unknown): string {
  const block = new RowBlock(1);
  write(block);
  return new TextDecoder().decode(block.take().bytes);
}

function lineOf(text: string): ByteLine {
  const bytes = Buffer.from(`${text}\n`);
  return { bytes, from: 0, to: bytes.length - 1, isQuoted: text.includes('"'), end: bytes.length };
}

const digits = fc.constantFrom(3 as const, 6 as const);
/** Halves of the last digit, where rounding is decided; and numbers of every size, among them NaN, -0 and infinities. */
const ties = fc.integer({ min: -1e9, max: 1e9 }).map((halves) => halves / 2000);
const number = fc.oneof(fc.double(), fc.double({ min: -1e7, max: 1e7 }), fc.double({ min: 0, max: 1 }), ties);

describe('a number', () => {
  property.prop([number, digits])('is written and returned as toFixed rounds it', (value, after) => {
    const wanted = Number(value.toFixed(after));
    let returned = NaN;
    const text = written((block) => (returned = block.number(value, after)));
    expect(text).toBe(String(wanted));
    expect(returned).toBe(Number(text));
    const column = { column: 'x', name: 'x', digits: 3, decides: false };
    expect([...valueReader(['x'], [column])(lineOf(text))]).toEqual([returned]);
  });

  property.prop([fc.maxSafeInteger()])('that is whole keeps all its digits', (value) => {
    expect(written((block) => block.number(value, 3))).toBe(String(value));
  });
});

describe('rows', () => {
  const NAMES = ['', 'none', 'a,b', 'says "no"', 'two\nlines', 'größer'];

  test('outgrow what was set aside for them, and keep their values and their order', () => {
    const block = new RowBlock(2);
    const rows = Array.from({ length: 3000 }, (_, row) => NAMES[row % NAMES.length]!.repeat(50));
    rows.forEach((name, row) => {
      block.text(name);
      block.comma();
      block.measure(1, block.number(row / 8, 3));
      block.end();
    });
    const { bytes, values } = block.take();
    const quote = (name: string): string => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
    expect(new TextDecoder().decode(bytes)).toBe(
      rows.map((name, row) => `${quote(name)},${row / 8}\n`).join(''),
    );
    expect([...values]).toEqual(rows.flatMap((_, row) => [NaN, row / 8]));
  });

  test('that are taken leave nothing behind', () => {
    const block = new RowBlock(1);
    block.measure(0, 1);
    block.end();
    block.take();
    block.end();
    expect(block.take()).toEqual({ bytes: new Uint8Array([10]), values: new Float64Array([NaN]) });
  });

  test.each(NAMES)(
    'are read back to the values that they were written with, whatever else they hold: %j',
    (name) => {
      const measures = ['time', 'converged'].map((column) => ({
        column,
        name: column,
        digits: 3,
        decides: false,
      }));
      const read = valueReader(['name', 'converged', 'other', 'time', 'last'], measures);
      const line = written((block) => {
        block.text(name);
        block.raw(',true,5,0.25,9');
      });
      expect([...read(lineOf(line))]).toEqual([0.25, 1]);
      expect([...read(lineOf(line.replace('0.25', '').replace('true', 'false')))]).toEqual([NaN, 0]);
    },
  );
});
