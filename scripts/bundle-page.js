// Bundles the page of `migsim play`: one program without modules, and one style.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const STYLES = ['node_modules/uplot/dist/uPlot.min.css', 'src/play/page/page.css'];

/** What needs nothing of Node, in place of what does. */
const FOR_BROWSERS = { 'csv-parse/sync': 'csv-parse/browser/esm/sync' };

/** `inputs`: the files that it is made of, from the root. */
export async function bundlePage(root) {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    cwd: root,
    input: path.join(root, 'src/play/page/main.ts'),
    platform: 'browser',
    resolve: {
      extensionAlias: { '.js': ['.ts', '.js'] },
      alias: FOR_BROWSERS,
    },
    transform: { target: ['chrome120', 'firefox128', 'safari17'] },
    // Above all of an import that only Node has.
    onLog(level, { message }) {
      if (level === 'warn') throw new Error(message);
    },
  });
  try {
    const { output } = await bundle.generate({ format: 'iife', minify: true, comments: false });
    const [{ code, modules }] = output;
    const inputs = Object.keys(modules)
      .filter((id) => path.isAbsolute(id))
      .map((id) => path.relative(root, id).replaceAll('\\', '/'));
    const style = STYLES.map((file) => readFileSync(path.join(root, file), 'utf8')).join('\n');
    return { code, style, inputs: [...inputs, ...STYLES] };
  } finally {
    await bundle.close();
  }
}
