/** The scenarios that ship. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadScenario } from '../../src/scenario/load.js';

const folder = join(import.meta.dirname, '../../scenarios');
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

test('there are some', () => {
  expect(files.length).toBeGreaterThanOrEqual(8);
});

describe.each(files)('%s', (file) => {
  const text = readFileSync(join(folder, file), 'utf8');
  const scenario = loadScenario(join(folder, file));

  test('tells editors its form, and people what it shows and what to expect', () => {
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../schema/scenario.schema.json');
    expect(scenario.about).toMatch(/^Shows: \S/);
    expect(scenario.about).toMatch(/^Expect: \S/m);
  });

  test('is called like its file, and says what must hold', () => {
    expect(scenario.name).toBe(file.replace('.yaml', ''));
    expect(scenario.expect.length).toBeGreaterThan(0);
  });
});
