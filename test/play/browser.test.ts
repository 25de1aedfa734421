/** The page in real browsers, from disk. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'puppeteer-core';
import { fragmentOf, type PlayState } from '../../src/play/state.js';
import { inProcess, SMALL } from '../cli/migsim.js';
import { afterRedraw, KINDS, open, type Opened, Started, until } from './browsers.js';

const folder = mkdtempSync(path.join(tmpdir(), 'migsim-play-'));
const file = path.join(folder, 'play.html');
const SLIDER = 'input[data-path="guest.vcpus.0.workload.write"]';
const small: PlayState = {
  file: 'small.yaml',
  text: readFileSync(SMALL, 'utf8'),
  seed: 1,
  exact: false,
  runs: 4,
  map: null,
};
const CONVERGED = '/^converged/.test(document.querySelector("#verdicts .outcome")?.textContent.trim())';
const DRAWN = 'document.documentElement.dataset.drawn !== undefined';

beforeAll(async () => {
  // It runs outside of Jest, as a user would run it.
  execFileSync(process.execPath, ['scripts/bundle.js']);
  expect(await inProcess(['play', SMALL, '--out', file])).toEqual({
    status: 0,
    stdout: `Written: ${file}\n`,
    stderr: '',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Code for the page is text: what it calls is in no type that the tests have. */
function quoted(selector: string): string {
  return `document.querySelector(${JSON.stringify(selector)})`;
}

/** Puts a value into a control as a user does, with the event that tells of it. */
async function put(page: Page, selector: string, value: string, event: 'input' | 'change'): Promise<void> {
  await page.evaluate(
    `{ const control = ${quoted(selector)}; control.value = ${value}; control.dispatchEvent(new Event('${event}', { bubbles: true })); }`,
  );
}

async function slide(page: Page, to: 'min' | 'max'): Promise<void> {
  await put(page, SLIDER, `control.${to}`, 'input');
}

async function textOf(page: Page, selector: string): Promise<string> {
  return String(await page.evaluate(`${quoted(selector)}.textContent`));
}

async function textsOf(page: Page, selector: string): Promise<string[]> {
  const texts = `[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.textContent)`;
  return (await page.evaluate(texts)) as string[];
}

async function isHidden(page: Page, selector: string): Promise<boolean> {
  return (await page.evaluate(`${quoted(selector)}.hidden`)) === true;
}

/** Keeps what a page gives away in the page, in place of a folder for downloads. */
const KEEP = `if (globalThis.kept === undefined) {
  globalThis.kept = {};
  const make = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (blob) => {
    if (blob.type !== 'text/javascript') kept.blob = blob;
    return make(blob);
  };
  HTMLAnchorElement.prototype.click = function () {
    kept.file = this.download;
  };
}
delete kept.file;`;

async function saved(
  page: Page,
  selector: string,
): Promise<{ readonly name: string; readonly text: string }> {
  await page.evaluate(KEEP);
  // Not by its place, which moves when the map above it opens.
  await page.evaluate(`${quoted(selector)}.click()`);
  await until(page, 'kept.file !== undefined');
  const [name, text] = (await page.evaluate(
    'kept.blob.text().then((text) => [kept.file, text])',
  )) as string[];
  return { name: name!, text: text! };
}

/** Counts workers that are ended. */
const COUNT_ENDED = `{
  const end = Worker.prototype.terminate;
  globalThis.ended = 0;
  Worker.prototype.terminate = function () {
    globalThis.ended += 1;
    end.call(this);
  };
}`;

/** As a link that is followed on the open page. */
async function openState(page: Page, state: PlayState): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(fragmentOf(state))}`);
}

const noTest = (): void => {};

for (const kind of KINDS) {
  if (kind.executable === null) {
    test(`skipped: needs ${kind.packageName} (apt-get install ${kind.packageName})`, () => {});
    continue;
  }

  /** For what is the same program in every browser, and dear. */
  const inChromium = kind.name === 'chrome' ? test : noTest;

  describe(`in ${kind.packageName}`, () => {
    let started: Started;
    let first: Opened;

    beforeAll(async () => {
      started = await Started.start(kind);
      first = await open(started.browser, file, { fragment: fragmentOf(small) });
      await until(first.page, DRAWN);
    });
    afterAll(async () => {
      await started.close();
    });

    test('loads from disk, asks the network for nothing, and complains of nothing', async () => {
      const { page, requests, complaints } = first;
      await until(page, 'document.getElementById("status").textContent.startsWith("Bands")');
      expect(requests.filter((url) => !/^(file|blob|data):/.test(url))).toEqual([]);
      expect(complaints).toEqual([]);
    });

    test('shows the verdicts, the table and the reasons of the terminal', async () => {
      const { page } = first;
      const { stdout } = await inProcess(['compare', SMALL, '--memory', 'fluid']);
      const printed = stdout.replace(/\s+/g, ' ');
      const words = (
        await page.$$eval('#table td, #table tbody th', (cells) =>
          cells.map((cell) => cell.textContent ?? ''),
        )
      ).filter((text) => text !== '');
      expect(words.filter((word) => !printed.includes(word))).toEqual([]);
      expect(words.length).toBeGreaterThan(20);
      expect(printed).toContain(await textOf(page, '#why li'));
      expect(await textsOf(page, '#verdicts .outcome')).toEqual([
        'gave up after 1 min',
        expect.stringMatching(/^converged in /),
      ]);
    });

    test('gives away the very bytes of compare --out', async () => {
      const { page } = first;
      const out = path.join(folder, `results-${kind.name}`);
      await inProcess(['compare', SMALL, '--memory', 'fluid', '--out', out]);
      for (const table of ['runs', 'vcpus', 'syncs']) {
        await page.select('#csv', table);
        const { name, text } = await saved(page, '#save-csv');
        expect(name).toBe(`small-${table}.csv`);
        expect(text).toBe(readFileSync(path.join(out, `${table}.csv`), 'utf8'));
      }
    });

    test('gives away the scenario, the command and a drawing', async () => {
      const { page } = first;
      expect((await saved(page, '#save-yaml')).text).toBe(small.text);
      expect(await textOf(page, '#command')).toBe('migsim compare small.yaml --memory fluid');
      expect((await saved(page, '#save-svg')).text).toMatch(
        /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*<\/svg>\n$/,
      );
      const png = await saved(page, '#save-png');
      expect(png.name).toBe('small.png');
      expect(png.text.slice(1, 4)).toBe('PNG');
    });

    test.each([320, 1280, 3840])('fits into a window %i px wide', async (width) => {
      const { page } = first;
      await page.setViewport({ width, height: 900 });
      await until(page, `innerWidth === ${width}`);
      await page.evaluate(
        'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))',
      );
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    });

    test('a slider changes the verdict, the scenario and the address', async () => {
      const { page, complaints } = first;
      await afterRedraw(page, () => slide(page, 'min'));
      const verdict = (): Promise<string> => textOf(page, '#verdicts .outcome');
      expect(await verdict()).toMatch(/^converged in /);
      const { text } = await saved(page, '#save-yaml');
      expect(text).toContain('write: 1MiB/s');
      await until(page, 'location.hash.length > 100');
      await afterRedraw(page, () => slide(page, 'max'));
      expect(await verdict()).toBe('gave up after 1 min');
      expect(complaints).toEqual([]);
    });

    test('what is written wrong is told in one line, and the page goes on', async () => {
      const { page } = first;
      const field = '#in-guest-memory';
      await put(page, field, "'lots'", 'change');
      await until(page, '!document.getElementById("wrong").hidden');
      expect(await textOf(page, '#wrong')).toMatch(
        /^small\.yaml:\d+:\d+: guest\.memory: cannot read "lots" as a size; expected/,
      );
      await afterRedraw(page, () => put(page, field, "'1GiB'", 'change'));
      expect(await isHidden(page, '#wrong')).toBe(true);
    });

    inChromium('a worker in the middle of a run is ended when an input changes', async () => {
      const { page, complaints } = first;
      await page.evaluate(COUNT_ENDED);
      await openState(page, { ...small, file: 'long.yaml', text: LONG_IN_PAGE_MEMORY, exact: true, runs: 0 });
      await until(page, 'document.getElementById("status").textContent.startsWith("Page memory:")');
      await afterRedraw(page, () => page.evaluate('document.getElementById("exact").click()'));
      await until(page, 'globalThis.ended >= 1');
      expect(complaints).toEqual([]);
    });

    inChromium('the map is of the guest that is shown, and gone as soon as another is', async () => {
      const { page } = first;
      await afterRedraw(page, () => openState(page, small));
      await page.evaluate('document.getElementById("map-title").scrollIntoView()');
      await until(page, 'document.querySelectorAll("#map canvas").length === 2');
      await until(page, 'document.getElementById("map-progress").value === 1');
      await page.evaluate('scrollTo(0, 0)');
      await afterRedraw(page, () => page.select('#preset', 'idle-guest.yaml'));
      expect(await page.$$('#map canvas')).toEqual([]);
    });

    inChromium('a dropped log becomes the guest, with what was understood', async () => {
      const { page } = first;
      const field = (await page.$('input#files'))!;
      await afterRedraw(page, () => field.uploadFile(path.resolve('examples/stuck-migration.log')));
      expect(await textOf(page, '#learned')).toContain('Guest');
      expect((await saved(page, '#save-yaml')).name).toBe('stuck-migration.yaml');
      // Its zero pages are a list of stretches, which a slider would write over.
      const zero = `${quoted('#in-guest-zero-pages')}`;
      expect(await page.evaluate(`[${zero}.value, ${zero}.disabled]`)).toEqual(['as in the file', true]);
    });

    inChromium('a hostile file neither runs nor stops the page', async () => {
      const { page, complaints } = first;
      const hostile = path.join(folder, '<img src=x onerror=alert(1)>.log');
      writeFileSync(hostile, '<script>alert(1)</script>'.repeat(1000));
      const field = (await page.$('input#files'))!;
      await field.uploadFile(hostile);
      await until(page, '!document.getElementById("wrong").hidden');
      expect(await textOf(page, '#wrong')).toContain('no known format');
      expect(await page.$$('#wrong *')).toEqual([]);
      expect(complaints).toEqual([]);
    });

    describe('a fragment that means harm', () => {
      const name = '<img src=x onerror=alert(1)>';
      const harmful: readonly (readonly [string, PlayState])[] = [
        ['has elements in its text', { ...small, text: `name: "${name}"\n${small.text}` }],
        ['has elements as a wrong value', { ...small, text: small.text.replace('512MiB', `"${name}"`) }],
        ['multiplies aliases', { ...small, text: bomb() }],
        ['would take for ever', { ...small, exact: true, text: endless() }],
      ];
      let harmed: Opened;

      beforeAll(async () => {
        harmed = await open(started.browser, file, { fragment: '#1.e30' });
      });

      test('is no state: the page shows its own scenario', async () => {
        await until(harmed.page, DRAWN);
        expect(harmed.complaints).toEqual([]);
      });

      test.each(harmful)('%s: no script, and the page still answers', async (_, state) => {
        const { page, complaints } = harmed;
        await openState(page, state);
        expect(await page.$$('img')).toEqual([]);
        await afterRedraw(page, () => page.select('#preset', 'idle-guest.yaml'));
        // What is drawn first may still be the state of the fragment.
        await until(page, CONVERGED);
        expect(complaints).toEqual([]);
        // Another scenario, so that the same choice is a change again.
        await page.select('#preset', '');
      });
    });

    describe('axe finds nothing to complain of', () => {
      for (const scheme of ['light', 'dark'])
        inChromium(scheme, async () => {
          const { page } = first;
          await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
          await page.evaluate(
            readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'),
          );
          const violations = await page.evaluate(
            'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]))',
          );
          expect(violations).toEqual([]);
        });
    });
  });
}

/** Nine lists of nine aliases each, one in the other: 9^9 entries. */
function bomb(): string {
  const lists = Array.from(
    { length: 9 },
    (_, index) => `a${index + 1}: &a${index + 1} [${Array(9).fill(`*a${index}`).join(',')}]`,
  );
  return `a0: &a0 x\n${lists.join('\n')}\n`;
}

/** As much memory, and as many vCPUs writing as fast, as a scenario may have, never given up. */
function endless(): string {
  return `guest: { memory: 64TiB, vcpus: [{ count: 4096, workload: { write: max, working-set: 1GiB } }] }
link: { bandwidth: 1kbit/s }
migration: { give-up-after: never }
strategies: [none, auto-converge]
`;
}

/** Many seconds of drawn writes: much is written all the time, and what is left never fits into the downtime. */
const LONG_IN_PAGE_MEMORY = `guest: { memory: 16GiB, vcpus: [{ count: 8, workload: { write: 4GiB/s, working-set: 1GiB } }] }
link: { bandwidth: 10Gbit/s }
migration: { give-up-after: 3min }
strategies: [none]
`;
