/** How soon the page of `migsim play` shows something, in Chromium: wall times, which other work on the machine makes longer. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { playPage } from '../dist/cli/play-page.js';

const CHROMIUM = '/usr/bin/chromium';
const CHANGES = 9;

/** A slider is moved by a step; how long until all strategies are drawn again, ms. */
const MOVE = `new Promise((done) => {
  const slider = document.querySelector('input[data-path="guest.vcpus.0.workload.write"]');
  const root = document.documentElement;
  const began = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    done(performance.now() - began);
  }).observe(root, { attributes: true, attributeFilter: ['data-drawn'] });
  slider.value = Number(slider.value) - 1;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
})`;

function median(times) {
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/** Medians; null without Chromium. `loads`: how often the page is loaded. */
export async function measurePage(loads) {
  if (!existsSync(CHROMIUM)) return null;
  const { default: puppeteer } = await import('puppeteer-core');
  const folder = mkdtempSync(path.join(tmpdir(), 'migsim-bench-'));
  const file = path.join(folder, 'play.html');
  writeFileSync(file, playPage(null));
  const browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const first = [];
    const changes = [];
    for (let load = 0; load < loads; load++) {
      const page = await browser.newPage();
      await page.goto(pathToFileURL(file).href);
      await page.waitForFunction('performance.getEntriesByName("drawn").length > 0', { timeout: 60_000 });
      first.push(await page.evaluate('performance.getEntriesByName("drawn")[0].startTime'));
      if (load === 0)
        for (let change = 0; change < CHANGES; change++) changes.push(await page.evaluate(MOVE));
      await page.close();
    }
    return { firstMs: median(first), changeMs: median(changes) };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
