/** `migsim init`: a scenario to start from. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError, errorCode } from '../../errors.js';
import { removeEmpty } from '../../files.js';
import { makeFolder, reasonOf } from '../../report/files/output-folder.js';
import type { Command } from '../command.js';

const FILE = 'guest.yaml';

export const initCommand: Command = {
  positional: {
    name: 'file',
    describe: `File to write (default: ${FILE}), or - for standard output; never overwrites a file`,
    takes: 'none or one',
  },
  alwaysWrites: true,
  options: {},
  examples: [
    ['init', `then: migsim compare ${FILE}`],
    ['init scenarios/database.yaml', 'add expectations, then: migsim check'],
  ],
  run(given) {
    const file = given.positional === '' ? FILE : given.positional;
    if (file === '-') {
      given.print(startingText('guest'));
      return;
    }
    if (!/\.ya?ml$/.test(file))
      throw new UsageError('no scenario file; expected a name that ends in .yaml', { file });
    write(file);
    given.print(`Written: ${file}\n\nNext:\n  migsim compare ${file}\n  migsim check ${file}\n`);
  },
};

/** Fails rather than overwrite a file, and leaves nothing where it fails. */
function write(file: string): void {
  const folder = dirname(file);
  let made: readonly string[];
  try {
    made = makeFolder(folder);
  } catch (error) {
    const code = errorCode(error);
    const isFile = code === 'EEXIST' || code === 'ENOTDIR';
    throw new UsageError(
      isFile ? 'a file stands where a folder should be' : `cannot be made (${code ?? 'unknown reason'})`,
      { file: folder },
    );
  }
  try {
    writeFileSync(file, schemaLine(file) + startingText(basename(file).replace(/\.ya?ml$/, '')), {
      flag: 'wx',
    });
  } catch (error) {
    const code = errorCode(error);
    // What stands there already is the user's.
    if (code !== 'EEXIST') rmSync(file, { force: true });
    removeEmpty(made);
    if (code === 'EEXIST') throw new UsageError('exists already; expected the name of a new file', { file });
    if (code === 'ENOENT') throw new UsageError('the folder to write it to does not exist', { file });
    throw new UsageError(`cannot be written: ${reasonOf(error)}`, { file });
  }
}

/** Names the schema for editors, where migsim lies in the same project as the file. */
function schemaLine(file: string): string {
  const home = fileURLToPath(new URL('../../../', import.meta.url));
  // A project is the folder with node_modules, or migsim's own; a global installation is part of none.
  const [project = home] = home.split(`${sep}node_modules${sep}`);
  // Strict installers keep packages in a store and link to them: the link outlives an update of migsim, the store's path does not.
  const link = join(project, 'node_modules', 'migsim');
  const inProject = project !== home && existsSync(link) ? link : home;
  const path = relative(dirname(resolve(file)), join(inProject, 'schema/scenario.schema.json'))
    .split(sep)
    .join('/');
  const sameProject = !relative(project, resolve(file)).startsWith('..');
  return sameProject ? `# yaml-language-server: $schema=${path}\n` : '';
}

/** Small and quick, with a strategy that fails, one that hurts the reader, and one that does neither. */
export function startingText(name: string): string {
  return `# Shows: what this scenario is about, in one sentence for \`migsim list\` and for the reader.
# Expect: what you think will happen; the lines under expect: make \`migsim check\` hold you to it.
name: ${name}

# The virtual machine. Quantities have units: GiB and GB, Gbit/s and MiB/s, ms, s and min.
guest:
  memory: 2GiB
  zero-pages: 25% # memory that was never used, nearly free to send
  dirty-ring-size: 4096 # entries of each vCPU's ring; 0 for the dirty bitmap, without which dirty-limit cannot run
  vcpus:
    # A group is vCPUs that do the same. pattern: uniform (anywhere in the working set) or sequential.
    - { count: 1, name: writer, workload: { write: 200MiB/s, working-set: 512MiB, pattern: uniform } }
    - { count: 3, name: reader, workload: { read: 1GiB/s, working-set: 256MiB } }
    # Or a named workload: { count: 2, workload: database }. All of them: migsim list workloads

# Between source and destination.
link: { bandwidth: 1Gbit/s, latency: 100us }

# QEMU's own parameters, by QEMU's own defaults when left out.
migration:
  qemu: '10.0' # whose rules apply
  max-bandwidth: unlimited # QEMU's own default is 128MiB/s
  downtime-limit: 300ms
  give-up-after: 2min

# What watches from outside: wait, timeout, nova, kubevirt-timeout … (migsim list policies)
policy: wait

# How fast the guest may write meanwhile, one run each (migsim list strategies, migsim explain dirty-limit).
strategies:
  - none
  - auto-converge
  - dirty-limit: { vcpu-dirty-limit: 20MiB/s }

# What must hold. Keys are columns of runs.csv without their unit, or a group and a column of vcpus.csv.
expect:
  none: { converges: false }
  auto-converge: { converges: true }
  dirty-limit: { converges: true, total-time: '< 1min', reader.work-done: '>= 97%' }
  relations:
    - dirty-limit.total-time < auto-converge.total-time
`;
}
