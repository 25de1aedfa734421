/** A file that a command does not take is named, with the command that reads it: in one line, by every command alike. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { inProcess } from './migsim.js';

const folder = mkdtempSync(join(tmpdir(), 'migsim-other-'));
const written = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const KUBEVIRT =
  'apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nspec: { domain: { cpu: { cores: 2 } } }\n';
const log = (name: string): string => readFileSync(`test/recording/fixtures/logs/${name}`, 'utf8');

/** Text, and what every command says of it. */
const FILES: readonly (readonly [string, RegExp])[] = [
  [KUBEVIRT, /a KubeVirt object has no figures of memory; .*kubectl logs POD \| migsim learn -/],
  [log('proxmox.log'), /recognised as Proxmox VE task log, which `migsim learn` reads/],
  [log('hmp-10.0.txt'), /recognised as HMP info migrate, which `migsim learn` reads/],
  [log('qmp-one-reply.json'), /recognised as QMP query-migrate replies, which `migsim learn` reads/],
];

const COMMANDS: readonly (readonly string[])[] = [
  ['run'],
  ['compare'],
  ['sweep'],
  ['advise'],
  ['check'],
  ['validate'],
  ['plot'],
  ['drain'],
  ['play'],
  ['search', 'migration.downtime-limit'],
];

describe.each(COMMANDS.map((words) => [words.join(' '), words] as const))('%s', (_, words) => {
  test.each(FILES.map(([text, said], at) => [at, text, said] as const))(
    'refuses file %i',
    async (at, text, said) => {
      const path = written(`file-${at}.yaml`, text);
      const { status, stdout, stderr } = await inProcess([words[0]!, path, ...words.slice(1)]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(said);
      // The place comes first, as in every other message about a file.
      expect(stderr.startsWith(path)).toBe(true);
      expect(stderr.trimEnd()).not.toContain('\n');
    },
  );
});

test('learn says the same of what is no log', async () => {
  const path = written('object.yaml', KUBEVIRT);
  const { status, stderr } = await inProcess(['learn', path]);
  expect(status).toBe(2);
  expect(stderr).toMatch(FILES[0]![1]);
  expect(stderr.startsWith(path)).toBe(true);
});

describe.each([
  [
    'test/cli/small.yaml',
    /recognised as a scenario, which `migsim run` reads, and `migsim advise` where its name/,
  ],
  ['sweeps/link-and-memory.yaml', /recognised as a sweep file, which `migsim sweep` reads/],
])('%s', (path, said) => {
  test.each(['learn', 'validate', 'plot'])(
    'is named by %s, with the command that reads it',
    async (command) => {
      const { status, stdout, stderr } = await inProcess([command, path]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(said);
      expect(stderr.startsWith(path)).toBe(true);
      expect(stderr.trimEnd()).not.toContain('\n');
    },
  );
});

// Excel and LibreOffice run a cell that begins so; names are the only texts in the files that users choose.
describe.each(['=', '+', '-', '@'])('a name that begins with %s', (sign) => {
  test('is refused for a strategy, a scenario and a file that gives its scenario the name', async () => {
    const strategy = written('own.mjs', `export default { name: '${sign}cmd', options: {}, start() {} };`);
    const own = await inProcess(['run', 'test/cli/small.yaml', '--strategy', strategy]);
    expect(own.status).toBe(2);
    expect(own.stderr).toMatch(
      /is named "[=+\-@]cmd", which is not one line of text that does not begin with/,
    );
    const guest = 'guest: { memory: 64MiB, vcpus: [{ workload: idle }] }\nlink: { bandwidth: 1Gbit/s }\n';
    for (const path of [written(`${sign}x.yaml`, guest), written('n.yaml', `name: '${sign}x'\n${guest}`)]) {
      const { status, stderr } = await inProcess(['run', path]);
      expect(status).toBe(2);
      expect(stderr).toMatch(/name: .*expected one line of text that does not begin with/);
    }
  });
});
