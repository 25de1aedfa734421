/** A guest that waits: timers, kernel bookkeeping, a monitoring agent. */
import { defineWorkload } from './define.js';

/** A set of 1 MiB, and two or three page writes a tick of a 100 Hz timer. */
const PAGES = 256;
const WRITES_PER_SECOND = 256;

export const idle = defineWorkload({
  name: 'idle',
  summary: 'an idle vCPU: timers and kernel bookkeeping',
  source: 'assumption; an idle guest converges at QEMU default parameters',
  scaling: 'each vCPU does as much, in a set of its own; guest.memory does not change it',
  fittedTo: 'nothing: 256 page writes a second over 1 MiB, a vCPU',
  options: {},
  plan: () => ({
    classes: [{ pages: PAGES, pattern: 'uniform', writesPerSecond: WRITES_PER_SECOND, readsPerSecond: 0 }],
    busy: 0.01,
    catchesUp: false,
    shared: false,
    phases: [],
    phasePeriodUs: 0,
  }),
});
