// Bundles the command line with its threads: Node needs a millisecond for each of hundreds of modules. By Rolldown, since it
// leaves constants as they are: V8 compiles `const` into the code that reads it, and fetches a `var` each time.
import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Modules that the program starts by their names: itself, and its threads. */
const ENTRIES = [
  'cli/main',
  'cli/check-worker',
  'cli/long-worker',
  'api/sweep-worker',
  'experiment/parallel/run-worker',
];

/** Packages with files of their own, with parts that may be missing, or that are seldom needed. */
const EXTERNAL = [
  '@observablehq/plot',
  '@resvg/resvg-js',
  'cli-table3',
  'hyparquet-writer',
  'linkedom',
  'tinypool',
  'uplot',
];

/**
 * Help is plain text of narrow letters. What yargs measures and wraps it with tells emoji and colours apart, and takes longer
 * for that than for all else that help needs.
 */
const PLAIN = {
  'string-width': 'export default (text) => [...text].length;',
  'strip-ansi': 'export default (text) => text;',
};

/**
 * A module finds files by where it lies in dist; threads are those of the bundle. Errors are the very classes that a strategy
 * of the user's has from the library.
 */
function likeModules(root) {
  const src = path.join(root, 'src');
  return {
    name: 'like-modules',
    resolveId: {
      filter: { id: [/^(yaml|string-width|strip-ansi)$/, /\/errors\.js$/] },
      handler(source, importer) {
        if (Object.hasOwn(PLAIN, source)) return `\0${source}`;
        // As modules, which require nothing of Node.
        if (source === 'yaml') return path.join(root, 'node_modules/yaml/browser/index.js');
        const file = path.join(path.dirname(importer), source);
        return file === path.join(src, 'errors.js') ? { id: '../errors.js', external: true } : null;
      },
    },
    load: {
      filter: { id: /^\0(string-width|strip-ansi)$/ },
      handler: (id) => PLAIN[id.slice(1)],
    },
    transform: {
      filter: { id: /[\\/]src[\\/].*\.ts$/, code: 'import.meta.url' },
      handler(code, id) {
        const lies = path.relative(src, id).replaceAll('\\', '/').replace(/ts$/, 'js');
        return code
          .replace(
            /new URL\('[./]*([\w-]+-worker\.js)', import\.meta\.url\)/g,
            "new URL('./$1', import.meta['url'])",
          )
          .replaceAll('import.meta.url', `new URL('../${lies}', import.meta['url']).href`);
      },
    },
  };
}

/**
 * Modules that come together anyway share a file: what help and every refusal need; the schema of scenarios; what runs a
 * migration. A module belongs to the first group that it is in.
 */
function groupsOf(root) {
  const src = (name) => path.join(root, 'src', `${name}.ts`);
  const commands = readdirSync(path.join(root, 'src/cli/commands')).map((file) =>
    src(`cli/commands/${path.parse(file).name}`),
  );
  let infoOf;
  const withImports = (ids, reached = new Set()) => {
    for (const id of ids) {
      if (reached.has(id)) continue;
      reached.add(id);
      withImports(infoOf(id)?.importedIds ?? [], reached);
    }
    return reached;
  };
  const roots = {
    start: [src('cli/main'), ...commands],
    schema: [src('scenario/parse')],
    engine: [src('experiment/simulate'), src('scenario/choices')],
  };
  let groups;
  const groupOf = (id) => {
    groups ??= Object.entries(roots).map(([name, ids]) => [name, withImports(ids)]);
    // The words of a command are a file of their own: it is loaded by their name.
    return commands.includes(id) ? null : (groups.find(([, ids]) => ids.has(id))?.[0] ?? null);
  };
  return {
    looks: {
      name: 'look-at-imports',
      renderStart() {
        infoOf = (id) => this.getModuleInfo(id);
      },
    },
    groups: Object.keys(roots).map((name) => ({ name, test: (id) => groupOf(id) === name })),
  };
}

/** The files of the bundle, by name, with the modules that each is made of and the files that it imports. */
export async function bundleProgram(root) {
  const { rolldown } = await import('rolldown');
  const { looks, groups } = groupsOf(root);
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(
      ENTRIES.map((entry) => [path.basename(entry), path.join(root, 'src', `${entry}.ts`)]),
    ),
    platform: 'node',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    external: EXTERNAL,
    plugins: [likeModules(root), looks],
    // package.json says that no module is imported for what it does.
    treeshake: { moduleSideEffects: false },
    preserveEntrySignatures: 'allow-extension',
    logLevel: 'warn',
  });
  try {
    const { output } = await bundle.generate({
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      comments: false,
      codeSplitting: { includeDependenciesRecursively: false, groups },
    });
    return output.map(({ fileName, code, modules, facadeModuleId, imports, dynamicImports }) => ({
      file: fileName,
      code,
      entry: facadeModuleId,
      modules: Object.keys(modules),
      imports,
      dynamicImports,
    }));
  } finally {
    await bundle.close();
  }
}
