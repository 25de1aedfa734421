/** Which memory a check runs in by default. */
import type { Scenario } from '../scenario/scenario.js';
import { largest } from '../stats/extremes.js';
import type { MemoryChoice } from './memory-words.js';
import { withoutDefaultEnd } from './simulate.js';

/** What the page memory does in about half a second: pages written by the guest, and pages to be sent. */
const MOST_PAGES = 50e6;

/**
 * `auto` is page, where every write is drawn, unless the page memory might have to draw too many: the writes of all vCPUs
 * at full speed until the migration is given up, and guest RAM once, for each strategy and run. The rule looks at the
 * scenario only, so that it says the same on every machine.
 */
export function memoryFor(scenario: Scenario, choice: MemoryChoice, runs: number): 'page' | 'fluid' {
  if (choice !== 'auto') return choice;
  return pagesAtMost(scenario) * scenario.strategies.length * runs <= MOST_PAGES ? 'page' : 'fluid';
}

/** Runs of the fluid memory that take as long as starting threads for them. */
const MANY_FLUID_RUNS = 400;

/** Whether a number of runs may take more than about half a second, for which threads are started. */
export function isLongWork(scenario: Scenario, runs: number, memory: 'page' | 'fluid'): boolean {
  return memory === 'fluid' ? runs >= MANY_FLUID_RUNS : pagesAtMost(scenario) * runs > MOST_PAGES;
}

/** Values that a search tries, about. */
export const LIKELY_VALUES = 20;

/** vCPUs times runs of each value up to which threads that start, and warm up alone, are slower than one that is warm. */
const FEW_FLUID_VCPUS = 400;

/**
 * Threads, up to `most`, that pay off where many values are tried with `runs` runs each. The rule looks at the scenario only;
 * answers are the same for any number.
 */
export function threadsWorth(scenario: Scenario, runs: number, memory: MemoryChoice, most: number): number {
  if (memoryFor(scenario, memory, runs * LIKELY_VALUES) === 'page') return most;
  return scenario.setup.guest.vcpus.length * runs <= FEW_FLUID_VCPUS ? 1 : most;
}

function pagesAtMost({ setup, policy }: Scenario): number {
  const { guest, migration } = withoutDefaultEnd(policy, setup);
  const rates = guest.vcpus.flatMap(({ classes, phases }) => {
    const fastest = Math.max(1, largest(phases.map(({ writeFactor }) => writeFactor)));
    return classes.map(({ writesPerSecond }) => writesPerSecond * fastest);
  });
  const writesPerSecond = rates.reduce((sum, rate) => sum + rate, guest.dma?.writesPerSecond ?? 0);
  const seconds = migration.giveUpAfterUs === 0 ? Infinity : migration.giveUpAfterUs / 1e6;
  return guest.ramPages + (writesPerSecond === 0 ? 0 : writesPerSecond * seconds);
}
