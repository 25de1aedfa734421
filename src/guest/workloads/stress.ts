/** QEMU's own load for measuring migrations: tests/migration-stress/guestperf, stress.c. */
import { UsageError } from '../../errors.js';
import { formatBytes, MIB } from '../../units.js';
import { PAGE_BYTES } from '../spec.js';
import { defineWorkload } from './define.js';
import { sequential } from './patterns.js';

const { floor } = Math;

/** stress.c sizes a thread's region in whole MiB. */

export const stress = defineWorkload({
  name: 'stress',
  summary: "guestperf's stress: rewrites its share of RAM page after page, as fast as it goes",
  source: 'QEMU tests/migration-stress: stress.c and guestperf/engine.py',
  scaling:
    'each vCPU writes as fast as it goes; guest.memory less what is left alone is divided among all vCPUs of the guest',
  fittedTo: 'pattern and size read from the source; the speed is an assumption, 2 GiB/s a vCPU',
  options: {
    write: { kind: 'rate', default: '2GiB/s', summary: 'how fast one vCPU rewrites memory' },
    leave: {
      kind: 'size',
      default: '512MiB',
      summary: 'RAM that it leaves alone; guestperf gives its guest this much more than the load uses',
    },
  },
  plan({ write, leave }, { ramPages, guestVcpus }) {
    const share = floor((ramPages * PAGE_BYTES - leave) / guestVcpus / MIB) * MIB;
    if (share < MIB) {
      throw new UsageError(
        `stress leaves ${formatBytes(leave)} of RAM alone and has nothing left to write; ` +
          'expected more guest memory or a smaller "leave"',
      );
    }
    const accesses = { pages: share / PAGE_BYTES, writesPerSecond: write / PAGE_BYTES, readsPerSecond: 0 };
    return {
      classes: sequential(accesses),
      busy: 1,
      catchesUp: false,
      shared: false,
      phases: [],
      phasePeriodUs: 0,
    };
  },
});
