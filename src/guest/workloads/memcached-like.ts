/** An in-memory key-value store under load. */
import { fittedWorkload, point } from './fitted.js';

/**
 * Two Redis guests of 10.2 GiB on a 1 Gbit/s link: what was left after passes of 3.5 s, 7.3 s and 93 s.
 * Read off the plots, to 5 %.
 */
const POINTS = [point(3.5, 410), point(7.3, 820), point(93, 3070)];

export const memcachedLike = fittedWorkload(
  {
    name: 'memcached-like',
    summary: 'an in-memory key-value store: writes all over a set of about 3 GiB',
    source: 'KubeVirt VEP 248 (migration convergence), traces ex-1 and ex-3: Redis',
    fittedTo: '410 MiB dirtied in 3.5 s, 820 MiB in 7.3 s, 3070 MiB in 93 s by the whole guest; fits to 2 %',
  },
  POINTS,
  { busy: 0.5, catchesUp: true },
);
