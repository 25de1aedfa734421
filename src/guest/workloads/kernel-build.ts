/** A parallel compile: short-lived processes that fill fresh pages, over and over. */
import { fittedWorkload, point } from './fitted.js';

/** A guest of 4.1 GiB on a 1 Gbit/s link: plateau of 1.25 to 1.7 GiB at passes of 11 to 15 s, 1.87 GiB after 37 s. */
const POINTS = [point(11, 1280), point(15, 1740), point(37, 1915)];

export const kernelBuild = fittedWorkload(
  {
    name: 'kernel-build',
    summary: 'a parallel kernel build: a set of about 2 GiB, rewritten within a quarter of a minute',
    source: 'KubeVirt VEP 248 (migration convergence), trace ex-5: kernel build',
    fittedTo: '1280 MiB dirtied in 11 s, 1740 MiB in 15 s, 1915 MiB in 37 s by the whole guest; fits to 7 %',
  },
  POINTS,
  { busy: 1, catchesUp: false },
);
