/** The named workloads. A new one touches its own file and one line here. */
import type { WorkloadDefinition } from './define.js';
import { database } from './database.js';
import { dirtyCurve } from './dirty-curve.js';
import { idle } from './idle.js';
import { kernelBuild } from './kernel-build.js';
import { memcachedLike } from './memcached-like.js';
import { stress } from './stress.js';

export const workloads = {
  idle,
  stress,
  'memcached-like': memcachedLike,
  database,
  'kernel-build': kernelBuild,
  'dirty-curve': dirtyCurve,
} as const;

/** The same list with the options' types erased, for those who look a workload up by name. */
export const workloadList: readonly WorkloadDefinition[] = Object.values(workloads);
