/** A worker that answers the newest question only. */
import type { Answer, Ask, Question, Reply } from '../protocol.js';

/** A worker that has not turned to a new question by then is in the middle of a long run, and is ended, ms. */
const PATIENCE_MS = 60;

/** A question that has no end by then never will have one, ms. */
const LONGEST_MS = 120_000;

export class Lane {
  /** How many workers have been started: one, and one more for each that was ended. */
  started = 0;
  readonly #source: string;
  #worker: Worker | null = null;
  /** Started when the first answer is there: what replaces a worker that is ended must not take its time to load. */
  #spare: Worker | null = null;
  #id = 0;
  #heard = 0;
  #hear: (answer: Answer) => void = () => {};
  #patience: number | undefined;
  #limit: number | undefined;

  readonly #hasSpare: boolean;

  /** `source`: the program of the worker. `hasSpare`: of questions that come as fast as a slider moves. */
  constructor(source: string, hasSpare = false) {
    this.#source = source;
    this.#hasSpare = hasSpare;
  }

  /** Forgets the question before. */
  ask(ask: Ask, hear: (answer: Answer) => void): void {
    const isBusy = this.#heard < this.#id;
    this.#id += 1;
    this.#hear = hear;
    const question: Question = { id: this.#id, ask };
    clearTimeout(this.#patience);
    clearTimeout(this.#limit);
    this.#limit = window.setTimeout(() => {
      this.stop();
      hear({ kind: 'wrong', message: `stopped: no end after ${LONGEST_MS / 1e3} s` });
    }, LONGEST_MS);
    const worker = this.#worker ?? this.#start();
    worker.postMessage(question);
    if (!isBusy) return;
    this.#patience = window.setTimeout(() => {
      this.#end();
      this.#start().postMessage(question);
    }, PATIENCE_MS);
  }

  /** No more answers. */
  stop(): void {
    this.#id += 1;
    clearTimeout(this.#patience);
    clearTimeout(this.#limit);
    if (this.#heard < this.#id - 1) this.#end();
    this.#heard = this.#id;
  }

  #start(): Worker {
    const worker = this.#spare ?? this.#load();
    this.#spare = null;
    this.#worker = worker;
    this.started += 1;
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#heard = this.#id;
      this.#hear({ kind: 'wrong', message: `defect of migsim: ${event.message}` });
    };
    return worker;
  }

  #load(): Worker {
    const url = URL.createObjectURL(new Blob([this.#source], { type: 'text/javascript' }));
    return new Worker(url);
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = null;
  }

  #receive({ id, answer }: Reply): void {
    if (this.#hasSpare) this.#spare ??= this.#load();
    if (id !== this.#id) return;
    clearTimeout(this.#patience);
    if (answer.kind === 'end' || answer.kind === 'wrong') {
      clearTimeout(this.#limit);
      this.#heard = id;
    }
    this.#hear(answer);
  }
}
