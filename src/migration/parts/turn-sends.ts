/** What left within a turn of the loop, in order of time: a cancel in the middle of it ends what had not left by then. */
import { Counters } from './counters.js';
import type { PageRun } from './page-run.js';

const { floor, max, min } = Math;
/** Longer than any turn in which no page takes as long as `MOST_QUIET_US`: it ends 64 pages after 51 ms at the latest. */
const QUIET_US = 200e3;
const MOST_QUIET_US = 1000;

/** Some pages of one cost that leave one after the other, and what had left before them. */
interface Sending {
  atUs: number;
  pages: number;
  pageUs: number;
  dirtyPages: number;
  readonly counters: Counters;
}

export class TurnSends {
  readonly #counters: Counters;
  readonly #run: PageRun;
  /** Kept from turn to turn: the first `#count` are those of the present one. */
  readonly #sendings: Sending[] = [];
  #count = 0;
  #isQuiet = false;
  readonly #after = new Counters(false);
  readonly #left: Counters;

  constructor(counters: Counters, run: PageRun) {
    this.#counters = counters;
    this.#run = run;
    this.#left = new Counters(counters.showsRamOnly);
  }

  /**
   * A turn begins at `atUs`, and nothing happens and nothing is queried before `eventUs`. Where that is far away, the turn is not
   * interrupted, and what had left before each sending need not be kept.
   */
  begin(atUs: number, eventUs: number): void {
    this.#count = 0;
    this.#isQuiet = eventUs > atUs + QUIET_US;
  }

  /** `pages` are about to leave from `atUs` on, each in `pageUs`. */
  note(atUs: number, pages: number, pageUs: number): void {
    if (this.#isQuiet && pageUs < MOST_QUIET_US) return;
    this.#isQuiet = false;
    const sending = (this.#sendings[this.#count] ??= {
      atUs: 0,
      pages: 0,
      pageUs: 0,
      dirtyPages: 0,
      counters: new Counters(false),
    });
    this.#count += 1;
    sending.atUs = atUs;
    sending.pages = pages;
    sending.pageUs = pageUs;
    sending.dirtyPages = this.#run.dirtyPages;
    sending.counters.copy(this.#counters);
  }

  /** What has left by `nowUs`, for those who look in the middle of a turn; null: all of it has. The counters are used again. */
  leftBy(nowUs: number): { readonly counters: Readonly<Counters>; readonly dirtyPages: number } | null {
    const last = this.#sendings[this.#count - 1];
    if (this.#count === 0 || last === undefined || nowUs >= last.atUs + last.pages * last.pageUs) return null;
    let after: Counters = this.#counters;
    for (let i = this.#count - 1; i >= 0; i -= 1) {
      const { atUs, pages, pageUs, dirtyPages, counters: before } = this.#sendings[i]!;
      if (atUs > nowUs && i > 0) {
        after = before;
        continue;
      }
      const left = min(pages, max(0, floor((nowUs - atUs) / pageUs)));
      this.#left.copy(before);
      if (pages > 0) this.#left.add(before, after, left / pages);
      return { counters: this.#left, dirtyPages: max(0, dirtyPages - left) };
    }
    return null;
  }

  /** It is `nowUs`, and all is over: what was to leave later has not left, the page that was on its way neither. */
  takeBack(nowUs: number): void {
    const counters = this.#counters;
    const after = this.#after;
    while (this.#count > 0) {
      this.#count -= 1;
      const { atUs, pages, pageUs, dirtyPages, counters: before } = this.#sendings[this.#count]!;
      const left = min(pages, max(0, floor((nowUs - atUs) / pageUs)));
      after.copy(counters);
      counters.copy(before);
      if (pages > 0) counters.add(before, after, left / pages);
      this.#run.dirtyPages = max(0, dirtyPages - left);
      if (atUs <= nowUs) break;
    }
    this.#count = 0;
  }
}
