/** Headless Chromium over its debugging pipe: as much of it as the tests of a page need. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

/** null when it is not installed. */
export const CHROMIUM =
  ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => existsSync(file)) ?? null;

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-pipe',
];

type Reply = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Reply;
  readonly result?: Reply;
  readonly error?: { readonly message: string };
}

export interface View {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
  readonly print?: boolean;
}

export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners: ((message: Message) => void)[] = [];
  #sent = 0;

  constructor(executable: string) {
    this.#profile = mkdtempSync(path.join(tmpdir(), 'migsim-chromium-'));
    this.#process = spawn(executable, [...FLAGS, `--user-data-dir=${this.#profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    let unread = '';
    (this.#process.stdio[4] as Readable).on('data', (chunk: Buffer) => {
      unread += chunk.toString();
      const messages = unread.split('\0');
      unread = messages.pop()!;
      for (const text of messages) this.#receive(JSON.parse(text) as Message);
    });
  }

  #receive(message: Message): void {
    if (message.id === undefined) for (const listener of this.#listeners) listener(message);
    else this.#waiting.get(message.id)?.(message);
  }

  send(method: string, params: Reply = {}, sessionId?: string): Promise<Reply> {
    this.#sent += 1;
    const id = this.#sent;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        this.#waiting.delete(id);
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(`${method}: ${error.message}`));
      });
      (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  async open(file: string, view: View): Promise<Page> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId as string);
    this.#listeners.push((message) => page.hear(message.method ?? '', message.params ?? {}));
    await page.load(file, view);
    return page;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    await this.send('Browser.close').catch(() => this.#process.kill());
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class Page {
  /** Errors and warnings of the console, exceptions, refused requests. */
  readonly complaints: string[] = [];
  readonly requests: string[] = [];
  readonly #browser: Browser;
  readonly #session: string;
  #loaded: () => void = () => {};

  constructor(browser: Browser, session: string) {
    this.#browser = browser;
    this.#session = session;
  }

  hear(method: string, params: Reply): void {
    if (method === 'Page.loadEventFired') this.#loaded();
    if (method === 'Network.requestWillBeSent')
      this.requests.push((params['request'] as { url: string }).url);
    const complains = ['Runtime.exceptionThrown', 'Log.entryAdded'].includes(method);
    const said = method === 'Runtime.consoleAPICalled' && params['type'] !== 'log';
    if (complains || said) this.complaints.push(JSON.stringify(params));
  }

  async load(file: string, { width, height, dark = false, print = false }: View): Promise<void> {
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await this.#send(`${domain}.enable`);
    await this.#send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
    await this.#send('Emulation.setEmulatedMedia', {
      media: print ? 'print' : '',
      features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }],
    });
    const loaded = new Promise<void>((resolve) => (this.#loaded = resolve));
    await this.#send('Page.navigate', { url: pathToFileURL(file).href });
    await loaded;
    await this.settle();
  }

  /** Two frames later, whatever was to be drawn has been. */
  async settle(): Promise<void> {
    await this.evaluate(
      'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))',
    );
  }

  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: Value }).value;
  }

  async drag(from: readonly [number, number], to: readonly [number, number]): Promise<void> {
    await this.#mouse('mouseMoved', from);
    await this.#mouse('mousePressed', from, 1);
    await this.#mouse('mouseMoved', [(from[0] + to[0]) / 2, from[1]]);
    await this.#mouse('mouseMoved', to);
    await this.#mouse('mouseReleased', to, 1);
    await this.settle();
  }

  async doubleClick(at: readonly [number, number]): Promise<void> {
    await this.#mouse('mouseMoved', at);
    for (const count of [1, 2]) {
      await this.#mouse('mousePressed', at, count);
      await this.#mouse('mouseReleased', at, count);
    }
    await this.settle();
  }

  async #mouse(type: string, [x, y]: readonly [number, number], clickCount = 0): Promise<void> {
    await this.#send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount });
  }

  #send(method: string, params: Reply = {}): Promise<Reply> {
    return this.#browser.send(method, params, this.#session);
  }
}
