import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { playPage } from '../../src/cli/play-page.js';
import { playDocument } from '../../src/play/document.js';
import { PRESETS } from '../../src/play/presets.js';
import { inProcess } from '../cli/migsim.js';

const folder = mkdtempSync(path.join(tmpdir(), 'migsim-document-'));
const BUNDLE = 'dist/play/page';
let html: string;

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/bundle.js']);
  html = playPage(null);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the page', () => {
  test('is smaller than 1 MB', () => expect(Buffer.byteLength(html)).toBeLessThan(1e6));

  test('is the same for the same scenario', () => expect(playPage(null)).toBe(html));

  test('has a preset for each shipped scenario, with one sentence', () => {
    expect(PRESETS.map(({ file }) => file).sort()).toEqual(readdirSync('scenarios').sort());
    for (const { lookFor } of PRESETS) {
      expect(lookFor).toMatch(/^[a-z0-9][^\n]*[^.]\.$/);
      expect(lookFor).not.toMatch(/\. /);
    }
  });

  test('asks the network for nothing: addresses stand in licences and names only', () => {
    expect(html).not.toMatch(
      /<(?:script|img|iframe|link)[^>]*\b(?:src|href)\s*=\s*["']?(?!data:)[^"'>]*\/\//,
    );
    expect(html).toContain("default-src 'none'");
    expect(html).not.toContain('unsafe');
  });

  test('lets only its own program and style in', () => {
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');
    const [, program = ''] = /<script id="program">([\s\S]*?)<\/script>/.exec(html) ?? [];
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? [];
    expect(html).toContain(`script-src 'sha256-${sha256(program)}'; style-src 'sha256-${sha256(style)}'`);
  });

  // Its policy would refuse it; zod's larger form, for one, does so where it may.
  test('makes no program of a text', () => {
    const [, program = ''] = /<script id="program">([\s\S]*?)<\/script>/.exec(html) ?? [];
    expect(program.length).toBeGreaterThan(1e5);
    expect(program).not.toMatch(/\bFunction\(|\beval\(/);
  });

  test('carries the licence of everything that it carries', () => {
    for (const name of ['uplot', 'zod', 'yaml', 'csv-parse']) expect(html).toContain(`\n${name}\n`);
    expect(html).toContain('The MIT License (MIT)');
  });

  test('has a field with a label for each control that it is written with', () => {
    const ids = [...html.matchAll(/<(?:input|select|textarea)[^>]*\bid="([\w-]+)"/g)].map(([, id]) => id);
    expect(ids.filter((id) => !html.includes(`for="${id}"`))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('a scenario cannot end the data that it stands in, nor the program its element', () => {
  const text = '# </script><script>alert(1)</script> <!--\n';
  const start = { file: 'a.yaml', text, seed: 1, exact: false, runs: 0, map: null };
  const page = playDocument(
    { presets: [], keys: {}, start, version: '0' },
    { script: 'x = "</script>" + "<!--"', style: '', licences: 'a -- b' },
    () => 'hash',
  );
  expect(page.match(/<script[\s>]/g)).toHaveLength(2);
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  const [, data = ''] = /<script type="application\/json" id="data">([\s\S]*?)<\/script>/.exec(page) ?? [];
  expect(JSON.parse(data)).toMatchObject({ start: { text } });
});

describe('migsim play', () => {
  test('writes over no file that is no page', async () => {
    const scenario = path.join(folder, 'guest.yaml');
    writeFileSync(scenario, 'guest: {}\n');
    const { status, stderr } = await inProcess(['play', '--out', scenario]);
    expect([status, stderr]).toEqual([
      2,
      `${scenario}: expected the name of an HTML file, such as play.html\n`,
    ]);
    expect(readFileSync(scenario, 'utf8')).toBe('guest: {}\n');
  });

  test('refuses a scenario that does not load, and writes nothing', async () => {
    const out = path.join(folder, 'none.html');
    const { status, stderr } = await inProcess(['play', 'test/cli/smal.yaml', '--out', out]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('did you mean test/cli/small.yaml?')]);
    expect(existsSync(out)).toBe(false);
  });

  test('starts with the scenario that it is given', async () => {
    const out = path.join(folder, 'small.html');
    expect((await inProcess(['play', 'test/cli/small.yaml', '--out', out])).status).toBe(0);
    expect(readFileSync(out, 'utf8')).toContain('"start":{"file":"small.yaml"');
  });
});

test('the bundler does nothing where nothing has changed', () => {
  const before = statSync(path.join(BUNDLE, 'main.js')).mtimeMs;
  execFileSync(process.execPath, ['scripts/bundle.js']);
  expect(statSync(path.join(BUNDLE, 'main.js')).mtimeMs).toBe(before);
});
