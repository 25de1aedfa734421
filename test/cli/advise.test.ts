import { describe, expect, test } from '@jest/globals';
import { SMALL, inProcess } from './migsim.js';

const few = ['--runs', '2'];

describe('migsim advise', () => {
  test('says that it will not finish and where it stalls, ranks remedies with their lines, and ends with 1', async () => {
    const { status, stdout, stderr } = await inProcess([
      'advise',
      SMALL,
      ...few,
      '--max-downtime',
      '2s',
      '--for',
      'virsh',
    ]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toMatch(/^It will not finish as it is: each pass leaves/m);
    expect(stdout).toMatch(/^1 {2}\S/m);
    expect(stdout).toMatch(/^ {5}virsh /m);
  });

  test('ends with 3 where none helps', async () => {
    const { status, stdout, stderr } = await inProcess(['advise', SMALL, ...few, '--deadline', '1s']);
    expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
    expect(stdout).toMatch(/None of what was tried\s+keeps what is wanted;/);
  });

  // The limit that the policy doubles ends it in the end: what a deadline cuts off is late, and not stuck.
  test('says of a migration that ends after its deadline when it ends, and names the next command', async () => {
    const policy = ['--set', 'policy=proxmox', '--set', 'strategies=[none]', '--max-downtime', '10s'];
    const words = ['advise', SMALL, '--runs', '1', ...policy];
    const { status, stdout } = await inProcess([...words, '--deadline', '4s']);
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).not.toContain('will not finish');
    const [, seconds] =
      /It will finish as it is, but not within 4 s: done in ([\d.]+) s, the guest stopped/.exec(text)!;
    expect(Number(seconds)).toBeGreaterThan(4);
    expect(status).toBe(3);
    const [, next = ''] = /Next: migsim (.*?) \(would do: /.exec(text)!;
    const again = await inProcess(next.split(' ').map((word) => word.replaceAll("'", '')));
    expect([0, 1]).toContain(again.status);
  });

  test('ends with 0 where it finishes as it is, as JSON too', async () => {
    const idle = ['--set', 'guest.vcpus.writer.workload.write=1MiB/s'];
    const { status, stdout } = await inProcess(['advise', SMALL, ...few, ...idle, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'finishes', program: 'qmp', remedies: [] });
  });

  test('promises nothing of a link that the log does not show, and says how to state it', async () => {
    const log = 'test/recording/fixtures/logs/vdsm.log';
    const { status, stdout } = await inProcess(['advise', log, '--runs', '1']);
    const [ranked = '', rest = ''] = stdout.split(/\nNot enough: ([^]*)/, 2);
    expect(status).toBe(1);
    expect(ranked).not.toMatch(/max-bandwidth \d|no max-bandwidth/);
    expect(rest).toMatch(/If the link carries more than the log shows, no max-bandwidth may do/);
    expect(rest).toMatch(/--set\s+link\.bandwidth=10Gbit\/s/);
  });

  test('writes lines for the program that wrote the log', async () => {
    const log = 'test/recording/fixtures/logs/domjobinfo.txt';
    const { stdout } = await inProcess(['advise', log, '--runs', '1', '--max-downtime', '150ms']);
    expect(stdout).toMatch(/^ {5}virsh /m);
    expect(stdout).not.toContain('{"execute"');
  });

  test('says that it knows too little where the log ends in its first pass', async () => {
    const log = 'test/recording/fixtures/logs/qmp-first-pass.json';
    const { stdout } = await inProcess(['advise', log, ...few]);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'Too early to say more: the log does not show what the guest dirties.',
    );
  });

  test('tells of a log that completed what it shows, before what is predicted', async () => {
    const log = 'test/recording/fixtures/logs/proxmox.log';
    const { status, stdout, stderr } = await inProcess(['advise', log, ...few]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const words = stdout.replaceAll(/\s+/g, ' ');
    expect(words).toMatch(
      /It finished: done in 16 s, the guest stopped for 59 ms\. Predicted for the same guest again: /,
    );
    expect(words).toContain('In parentheses: 90 % bands.');
    expect(words).toContain('Defaults: 5 min (--deadline changes it); 1 s (--max-downtime).');
  });

  test.each([
    [['advise', SMALL, '--for', 'vmware'], /unknown --for/],
    [['advise', SMALL, '--deadline', '5'], /^migsim: --deadline: /],
    [['advise', 'no-such.log'], /no-such\.log/],
  ])('refuses %j, status 2', async (words, message) => {
    const { status, stdout, stderr } = await inProcess(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
