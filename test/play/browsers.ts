/** Real browsers for the tests of the page, each started once. Where one is not installed its tests are skipped. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

export interface Kind {
  readonly name: 'chrome' | 'firefox';
  /** Of the Debian package. */
  readonly packageName: string;
  readonly executable: string | null;
}

function firstOf(...files: readonly string[]): string | null {
  return files.find((file) => existsSync(file)) ?? null;
}

export const KINDS: readonly Kind[] = [
  {
    name: 'chrome',
    packageName: 'chromium',
    executable: firstOf('/usr/bin/chromium', '/usr/bin/chromium-browser'),
  },
  { name: 'firefox', packageName: 'firefox-esr', executable: firstOf('/usr/bin/firefox-esr') },
];

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser and the folder of its profile, gone when it is closed. */
export class Started {
  readonly browser: Browser;
  readonly #profile: string;

  private constructor(browser: Browser, profile: string) {
    this.browser = browser;
    this.#profile = profile;
  }

  static async start({ name, executable }: Kind): Promise<Started> {
    const profile = mkdtempSync(path.join(tmpdir(), `migsim-${name}-`));
    const browser = await puppeteer.launch({
      browser: name,
      executablePath: executable!,
      headless: true,
      userDataDir: profile,
      timeout: 0,
      protocolTimeout: 0,
      ...(name === 'chrome' ? { args: CHROMIUM_FLAGS, pipe: true } : {}),
    });
    return new Started(browser, profile);
  }

  async close(): Promise<void> {
    await this.browser.close();
    // Firefox still writes into it for a moment after it said that it is closed.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20 });
  }
}

/** A page with what it complained of and asked the network for. */
export interface Opened {
  readonly page: Page;
  readonly complaints: string[];
  readonly requests: string[];
}

export interface View {
  readonly width?: number;
  readonly height?: number;
  /** With its `#`. */
  readonly fragment?: string;
}

/** Loads a file and waits for the first results. */
export async function open(browser: Browser, file: string, view: View = {}): Promise<Opened> {
  const { width = 1280, height = 900, fragment = '' } = view;
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  page.on('request', (request) => requests.push(request.url()));
  await page.setViewport({ width, height });
  await page.goto(pathToFileURL(file).href + fragment);
  return { page, complaints, requests };
}

const PAUSE_MS = 50;
const PATIENCE_MS = 250_000;

/**
 * When a condition holds in the page, however busy the machine is. Asked from here: what Puppeteer would put into the page
 * makes functions of texts, which the page's policy forbids in Firefox.
 */
export async function until(page: Page, condition: string): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += PAUSE_MS) {
    if ((await page.evaluate(condition)) === true) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`not within ${PATIENCE_MS / 1e3} s: ${condition}`);
}

/** How often all strategies have been drawn. */
export async function drawn(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.dataset.drawn ?? 0'));
}

/** After `act`, when what it changed has been drawn. */
export async function afterRedraw(page: Page, act: () => Promise<unknown>): Promise<void> {
  const before = await drawn(page);
  await act();
  await until(page, `Number(document.documentElement.dataset.drawn ?? 0) > ${before}`);
}
