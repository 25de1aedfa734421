// The picture that README.md opens with, taken of the real page: npm run build && node scripts/picture.js (needs chromium).
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer from 'puppeteer-core';
import { playPage } from '../dist/cli/play-page.js';

const PICTURE = 'docs/play.png';
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Larger pictures make the package heavy and the README slow. */
const MOST_BYTES = 150_000;

const folder = mkdtempSync(path.join(tmpdir(), 'migsim-picture-'));
const file = path.join(folder, 'play.html');
writeFileSync(file, playPage(null));
const browser = await puppeteer.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars'],
});
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1200, height: 800 });
  await page.goto(pathToFileURL(file).href);
  const isDone = 'document.getElementById("status").textContent.startsWith("Bands")';
  await page.waitForFunction(isDone, { timeout: 120_000 });
  await page.screenshot({ path: PICTURE, optimizeForSpeed: false });
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
const { size } = statSync(PICTURE);
console.log(`${PICTURE}: ${size} bytes`);
if (size > MOST_BYTES) {
  console.error(`expected at most ${MOST_BYTES}`);
  process.exitCode = 1;
}
