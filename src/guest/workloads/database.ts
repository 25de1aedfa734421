/** A PostgreSQL server under YCSB. */
import { defineWorkload } from './define.js';
import { PAGE_BYTES } from '../spec.js';
import { INTENSITY, planFromCurve, point } from './fitted.js';

/**
 * Medians over ten migrations of each load: MiB dirtied by the whole guest (8 GiB, 4 vCPUs) in an iteration of that
 * many seconds. Updates keep growing (about τ^0.74), reads saturate: a read sets hint bits and buffer headers.
 */
const CURVES = {
  'update-16': [
    point(0.375, 48),
    point(1.2, 109),
    point(2.0, 167),
    point(3.5, 252),
    point(8.1, 442),
    point(24.5, 1056),
  ],
  'update-4': [point(2.0, 48), point(14.6, 251)],
  'read-16': [point(1.4, 181), point(1.54, 199), point(29.3, 263)],
};

/** The guest that was measured. */
const MEASURED = { vcpus: 4, ramPages: (8 * 2 ** 30) / PAGE_BYTES };

/** Updates wait for the log to reach the disk, and clients for them; reads are bound by the CPU. */
const BUSY = { 'update-16': 0.5, 'update-4': 0.2, 'read-16': 1 };

export const database = defineWorkload({
  name: 'database',
  summary: 'PostgreSQL under YCSB: the longer one waits, the more it has dirtied',
  source:
    'A Case Study of Live Migration for Cloud Databases (LordWicked/live-migration-thesis-code), QEMU 10',
  scaling:
    'each vCPU writes as fast as each of the 4 that were measured, and the data are as large a share of guest.memory as of the ' +
    'measured 8 GiB: twice the vCPUs write twice as fast, twice the memory holds sets of twice the size',
  fittedTo: 'dirtied memory against iteration length of the plain pre-copy runs; fits to 2 %',
  options: {
    load: {
      kind: 'choice',
      choices: ['update-16', 'update-4', 'read-16'],
      default: 'update-16',
      summary: 'YCSB threads that update or only read',
    },
    intensity: INTENSITY,
  },
  plan: ({ load, intensity }, surroundings) =>
    planFromCurve(CURVES[load], intensity, { busy: BUSY[load], catchesUp: true }, surroundings, MEASURED),
});
