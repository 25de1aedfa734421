/** What `migsim list` lists. */
export const KINDS = ['strategies', 'policies', 'workloads', 'scenarios', 'host-profiles'] as const;
export type Kind = (typeof KINDS)[number];
