import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const folder = mkdtempSync(path.join(tmpdir(), 'migsim-site-'));
let pages: string[];

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/bundle.js']);
  execFileSync(process.execPath, ['scripts/site.js', folder]);
  pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function htmlOf(page: string): string {
  return readFileSync(path.join(folder, page), 'utf8');
}

/** Addresses in the elements of a page; what stands in its program and its style are none. */
function addressesIn(page: string): string[] {
  const markup = htmlOf(page).replaceAll(/<(script|style)[\s\S]*?<\/\1>|<!--[\s\S]*?-->/g, '');
  return [...markup.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, address = '']) => address);
}

describe('the site', () => {
  test('has the page at its root, and each page of the docs', () => {
    const docs = readdirSync('docs').filter((file) => file.endsWith('.md'));
    expect(pages).toEqual(
      expect.arrayContaining([
        'index.html',
        'readme.html',
        'contributing.html',
        ...docs.map((file) => `docs/${file.replace(/\.md$/, '.html')}`),
      ]),
    );
    expect(htmlOf('index.html')).toContain('<script id="program">');
    expect(addressesIn('index.html')).toEqual(expect.arrayContaining(['readme.html', 'docs/index.html']));
  });

  test('has no link that leads nowhere', () => {
    const broken = pages.flatMap((page) =>
      addressesIn(page)
        .filter((address) => !/^(?:https?:|data:)/.test(address))
        .filter((address) => {
          const [file = '', anchor = ''] = address.split('#');
          const target = file === '' ? page : path.join(path.dirname(page), file);
          if (!existsSync(path.join(folder, target))) return true;
          return anchor !== '' && !htmlOf(target).includes(`id="${anchor}"`);
        })
        .map((address) => `${page}: ${address}`),
    );
    expect(broken).toEqual([]);
  });

  test('links to the repository only for files that are there', () => {
    const missing = pages.flatMap((page) =>
      addressesIn(page)
        .flatMap((address) => /\/blob\/main\/([^#]*)/.exec(address)?.[1] ?? [])
        .filter((file) => !existsSync(file))
        .map((file) => `${page}: ${file}`),
    );
    expect(missing).toEqual([]);
  });

  test('runs no program but that of the page, and shows no HTML that a text holds', () => {
    for (const page of pages.filter((one) => one !== 'index.html'))
      expect(htmlOf(page)).not.toMatch(/<script/);
  });
});
