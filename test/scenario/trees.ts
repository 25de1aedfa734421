/** Scenarios as maps, one laid over another. */
export type Tree = Readonly<Record<string, unknown>>;

export const BASE: Tree = {
  guest: { memory: '16GiB', vcpus: [{ workload: 'kernel-build' }] },
  link: { bandwidth: '10Gbit/s' },
};

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `changes` laid over `tree`; lists are replaced. */
export function over(tree: Tree, changes: Tree): Tree {
  const merged = Object.entries(changes).map(([key, value]) => {
    const below = tree[key];
    return [key, isTree(below) && isTree(value) ? over(below, value) : value];
  });
  return { ...tree, ...Object.fromEntries(merged) };
}
