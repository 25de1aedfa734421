import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Results, readResults } from '../../src/report/figures/data/results.js';
import { htmlReport } from '../../src/report/html/page.js';
import { aboutOf, bindingOf } from '../../src/report/html/prose.js';
import { bindingOverCells, cellsOf, sweepInShort } from '../../src/report/html/sweep.js';
import type { Row } from '../../src/report/files/rows.js';
import { provenanceOf, readProvenance } from '../../src/report/files/provenance.js';
import { Browser, CHROMIUM, type Page, type View } from './chromium.js';
import { RUNS, smallResults } from './small-results.js';

const ALL = { strategies: [] };
let results: Results;
let html: string;

beforeAll(async () => {
  results = await readResults(smallResults(), ALL);
  html = htmlReport({ results, provenance: readProvenance(smallResults()), title: 'folder' });
});

describe('the page', () => {
  test('says what was asked, what came of it, why, and how to do it again', () => {
    const heads = [...html.matchAll(/<h[12]>([^<]*)<\/h[12]>/g)].map((match) => match[1]);
    expect(heads).toEqual([
      'small &amp; &lt;quick&gt;',
      'In short',
      'Results',
      'Figures',
      'Over time',
      'What binds each strategy',
      'Scenario',
      'How to repeat it',
    ]);
    expect(html).toContain('<dt>Shows</dt><dd>one vCPU that writes and one that reads.</dd>');
    expect(html).toContain(`<pre>migsim compare small.yaml --runs ${RUNS}</pre>`);
    expect(html).toContain('Never: none.');
    expect(html).toContain('the link carries less than the guest dirties');
  });

  test('asks the network for nothing, and its policy forbids it', () => {
    expect(html).toContain(`default-src 'none'`);
    // Addresses stand in names of namespaces and in a licence, where nobody follows them.
    const addresses = [...html.matchAll(/https?:\/\/[^\s"')<]+/g)].map((match) => match[0]);
    expect(new Set(addresses)).toEqual(
      new Set(['http://www.w3.org/2000/svg', 'https://github.com/leeoniya/uPlot']),
    );
    expect(html).not.toMatch(/\b(?:src|srcset|action)\s*=\s*["']|@import|\burl\(|\bfetch\(|XMLHttpRequest/);
  });

  test('has the same bytes for the same results', async () => {
    const again = await readResults(smallResults(), ALL);
    expect(htmlReport({ results: again, provenance: readProvenance(smallResults()), title: 'folder' })).toBe(
      html,
    );
  });

  test('carries the licence of what it carries', () => expect(html).toContain('The MIT License (MIT)'));

  test('does without a manifest and without a timeline', () => {
    const bare = htmlReport({
      results: { ...results, timeline: [], syncs: [] },
      provenance: null,
      title: 'a folder',
    });
    expect(bare).toContain('<h1>a folder</h1>');
    expect(bare).not.toMatch(/<script|How to repeat it|Over time/);
    expect(bare).toContain('<h2>Results</h2>');
  });
});

test('a sweep is told with its question, its scenario and its command', () => {
  const manifest = {
    migsim: '0.1.0',
    node: 'v20.19.0',
    command: ['sweep', 'a b.yaml', '--vary', 'link.bandwidth=1Gbit/s,10Gbit/s'],
    sweep: {
      question: 'When does it pay?',
      scenario: { text: '# Shows: x.\nname: mine\n' },
      seed: 2,
      runs: 5,
    },
  };
  const runs = results.runs.map((row, index) => ({
    ...row,
    'link.bandwidth': index % 2 === 0 ? '1Gbit/s' : '10Gbit/s',
  }));
  const swept = { ...results, runs, timeline: [], syncs: [], vcpus: [] };
  const told = htmlReport({ results: swept, provenance: provenanceOf(manifest), title: 'folder' });
  expect(told).toContain('<h1>mine</h1>');
  expect(told).toContain('<dt>Question</dt><dd>When does it pay?</dd>');
  expect(told).toContain("<pre>migsim sweep 'a b.yaml' --vary link.bandwidth=1Gbit/s,10Gbit/s</pre>");
  expect(told).toContain('seed 2, 5 runs of each strategy');
  expect(told).toContain('id="sweep-link-bandwidth"');
  // A table for each cell, each with the rows of that cell only.
  expect(told.match(/<details><summary>link\.bandwidth 1(?:0)?Gbit\/s<\/summary><table/g)).toHaveLength(2);
  expect(told).toContain('<h2>In short</h2>');
  expect(told).toContain('<h2>What binds each strategy</h2>');
});

describe('a sweep in sentences', () => {
  const run = (size: string, strategy: string, more: Row): Row => ({
    strategy,
    size,
    converged: true,
    status: 'completed',
    total_time_ms: 10_000,
    blackout_ms: 100,
    ...more,
  });
  const failed = { converged: false, status: 'gave-up', binds: 'link', total_time_ms: 60_000 };
  const runs = [
    run('1', 'a', {}),
    run('1', 'b', { total_time_ms: 8_000 }),
    run('2', 'a', { total_time_ms: 20_000, blackout_ms: 120 }),
    run('2', 'b', failed),
    run('3', 'a', {}),
    run('3', 'b', { total_time_ms: 9_000 }),
  ];
  const cells = cellsOf(runs, ['size']);

  test('has its cells in their order, each with its own table', () => {
    expect(cells.map(({ name }) => name)).toEqual(['size 1', 'size 2', 'size 3']);
    expect(cells.map(({ table }) => table.rows.map(({ runs: count }) => count))).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  test('says who converged where, and who was best most often', () => {
    // b is the faster one at 1 and 3; at 2 it does not converge, and a has nobody to be better than.
    expect(sweepInShort(cells)).toEqual([
      'Converged in every run: a. In some runs: b (2 of 3 runs).',
      'Shortest migration most often: b, in 2 of 3 cells.',
    ]);
  });

  test('says of a strategy between which bounds it converged, and where it did not, and why', () => {
    expect(bindingOverCells('a', cells)).toEqual([
      'It converged in 3 of 3 runs, after 10 s to 20 s with a blackout of 100 ms to 120 ms.',
    ]);
    expect(bindingOverCells('b', cells).slice(1)).toEqual([
      '1 run did not converge: the link carries less than the guest dirties.',
      'This was at size 2.',
    ]);
  });
});

test('what changed the scenario is shown with it', () => {
  const manifest = {
    migsim: '1',
    node: 'v20',
    command: ['compare', 'x.yaml', '--set', 'link.bandwidth=1Gbit/s', '--set=guest.memory=2GiB'],
    scenario: { text: 'name: x' },
  };
  const provenance = provenanceOf(manifest);
  expect(provenance?.changes).toEqual(['link.bandwidth=1Gbit/s', 'guest.memory=2GiB']);
  expect(htmlReport({ results, provenance, title: 'folder' })).toContain(
    '<p>Changed for this: <code>link.bandwidth=1Gbit/s</code>, <code>guest.memory=2GiB</code>.</p>',
  );
});

test.each([[null], [[]], [{}], [{ migsim: '1', node: 'v20', scenario: {} }]])(
  '%j says nothing of provenance',
  (value) => expect(provenanceOf(value)).toBeNull(),
);

test('the comment that opens a scenario is read by its words', () => {
  const text =
    '# yaml-language-server: $schema=x\n# Shows: a\n#   and b.\n# Expect: c.\nguest: {}\n# Shows: not this\n';
  expect(aboutOf(text)).toEqual([
    { word: 'Shows', text: 'a and b.' },
    { word: 'Expect', text: 'c.' },
  ]);
  expect(aboutOf('guest: {}\n')).toEqual([]);
});

test('what binds is said of the runs together', () => {
  const run = {
    strategy: 's',
    converged: true,
    total_time_ms: 10_000,
    downtime_ms: 100,
    first_throttle_ms: 4000,
  };
  const failed = {
    strategy: 's',
    converged: false,
    status: 'gave-up',
    binds: 'give-up-after',
    total_time_ms: 60_000,
  };
  expect(bindingOf([{ ...run, max_throttle_percent: 30 }, failed])).toEqual([
    'It converged in 1 of 2 runs, after 10 s with 100 ms of downtime.',
    'The guest was held back from 4 s on by a CPU throttle of up to 30 %.',
    '1 run did not converge: it was ended before it came to a standstill.',
  ]);
  expect(bindingOf([{ ...failed, binds: null, status: 'cancelled' }])).toEqual([
    'The guest was not held back.',
    'It did not converge (cancelled).',
  ]);
});

const PHONE: View = { width: 360, height: 740 };
const TABLET: View = { width: 720, height: 1000 };
const DESK: View = { width: 1280, height: 900 };
const NIGHT: View = { ...DESK, dark: true };
const PRINT: View = { ...TABLET, print: true };

if (CHROMIUM === null) {
  test.todo('the page in a browser: needs Chromium (apt-get install chromium)');
} else {
  describe('in Chromium', () => {
    let browser: Browser;
    let folder: string;
    let file: string;
    beforeAll(() => {
      browser = new Browser(CHROMIUM!);
      folder = mkdtempSync(path.join(tmpdir(), 'migsim-html-'));
      file = path.join(folder, 'report.html');
      writeFileSync(file, html);
    });
    afterAll(async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Opened once per view, for tests that only read: loading costs more. A page in the background draws no frames. */
    const opened = new Map<View, Promise<Page>>();
    const open = (view: View): Promise<Page> => {
      const page = opened.get(view) ?? browser.open(file, view);
      opened.set(view, page);
      return page;
    };

    const views: [string, View][] = [
      ['a phone', PHONE],
      ['a tablet', TABLET],
      ['a desk', DESK],
      ['a desk at night', NIGHT],
      ['print', PRINT],
    ];
    test.each(views)('nothing overflows and nothing complains: %s', async (_, view) => {
      const page = await open(view);
      expect(await overflowing(page)).toEqual([]);
      await page.evaluate('document.querySelectorAll("details").forEach((one) => { one.open = true; })');
      await page.settle();
      expect(await overflowing(page)).toEqual([]);
      expect(page.complaints).toEqual([]);
      expect(page.requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
    });

    test('text of figures is large enough to read on a phone and on a desk', async () => {
      for (const view of [PHONE, DESK]) {
        const page = await open(view);
        const smallest =
          await page.evaluate<number>(`Math.min(...[...document.querySelectorAll('figure svg text')]
          .filter((text) => text.getClientRects().length > 0)
          .map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))`);
        expect(smallest).toBeGreaterThan(8.5);
      }
    });

    test('at night, words are light on dark', async () => {
      const page = await open(NIGHT);
      const [ink, paper] = await page.evaluate<[string, string]>(
        `[getComputedStyle([...document.querySelectorAll('.wide svg text')][0]).fill, getComputedStyle(document.body).backgroundColor]`,
      );
      const lightness = (color: string): number =>
        color
          .match(/\d+/g)!
          .slice(0, 3)
          .reduce((sum, part) => sum + Number(part), 0) / 3;
      expect(lightness(ink)).toBeGreaterThan(200);
      expect(lightness(paper)).toBeLessThan(50);
    });

    test('dragging zooms all panels, a double click shows everything again', async () => {
      const page = await browser.open(file, DESK);
      const whole = await span(page);
      const frame = await firstFrame(page);
      const at = (share: number): [number, number] => [
        frame.x + share * frame.width,
        frame.y + frame.height / 2,
      ];
      await page.drag(at(0.25), at(0.5));
      const part = await span(page);
      const full = whole.to - whole.from;
      expect(part.from).toBeCloseTo(whole.from + 0.25 * full, 0);
      expect(part.to).toBeCloseTo(whole.from + 0.5 * full, 0);
      await page.doubleClick(at(0.4));
      expect(await span(page)).toEqual(whole);
      expect(page.complaints).toEqual([]);
    });

    test('buttons zoom and move for fingers, and another run can be chosen', async () => {
      const page = await browser.open(file, PHONE);
      const click = async (act: string): Promise<{ from: number; to: number }> => {
        await page.evaluate(`document.querySelector('button[data-act="${act}"]').click()`);
        return span(page);
      };
      const whole = await span(page);
      const near = await click('in');
      expect(near.to - near.from).toBeCloseTo((whole.to - whole.from) / 2, 3);
      const later = await click('right');
      expect(later.from).toBeGreaterThan(near.from);
      expect(later.to).toBeLessThanOrEqual(whole.to);
      expect(await click('all')).toEqual(whole);
      await page.evaluate(
        `(() => { const run = document.getElementById('run'); run.selectedIndex = 1; run.dispatchEvent(new Event('change')); })()`,
      );
      await page.settle();
      const titles = await page.evaluate<string[]>(
        `[...document.querySelectorAll('.u-title')].map((one) => one.textContent)`,
      );
      expect(titles).toContain('CPU throttle (%)');
      expect((await span(page)).to).not.toBe(whole.to);
      expect(await overflowing(page)).toEqual([]);
      expect(page.complaints).toEqual([]);
    });

    test('on paper, results are a table', async () => {
      const display = (view: View): Promise<string> =>
        open(view).then((page) =>
          page.evaluate(`getComputedStyle(document.querySelector('.results tr')).display`),
        );
      expect(await display(PRINT)).toBe('table-row');
      expect(await display(TABLET)).toBe('block');
    });

    test('on paper, timelines are figures', async () => {
      const shown = (selector: string): string =>
        `document.querySelector('${selector}').getClientRects().length > 0`;
      const paper = await open(PRINT);
      expect(await paper.evaluate(shown('.print figure'))).toBe(true);
      expect(await paper.evaluate(shown('#timeline'))).toBe(false);
      const screen = await open(DESK);
      expect(await screen.evaluate(shown('.print figure'))).toBe(false);
      expect(await screen.evaluate(shown('#timeline'))).toBe(true);
    });
  });
}

/** What reaches beyond the right edge of the window, and the page itself when it can be scrolled sideways. */
function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    const beyond = [...document.querySelectorAll('body *')]
      .filter((one) => one.getClientRects().length > 0 && one.getBoundingClientRect().right > clientWidth + 0.5)
      .map((one) => one.tagName + '.' + one.getAttribute('class'));
    return scrollWidth > clientWidth ? [...beyond, 'the page: ' + scrollWidth] : beyond;
  })()`);
}

function span(page: Page): Promise<{ from: number; to: number }> {
  return page.evaluate(
    `({ from: Number(document.documentElement.dataset.from), to: Number(document.documentElement.dataset.to) })`,
  );
}

/** Brought into view. */
function firstFrame(page: Page): Promise<{ x: number; y: number; width: number; height: number }> {
  return page.evaluate(`(() => {
    const over = document.querySelector('.u-over');
    over.scrollIntoView({ block: 'center' });
    const { x, y, width, height } = over.getBoundingClientRect();
    return { x, y, width, height };
  })()`);
}
