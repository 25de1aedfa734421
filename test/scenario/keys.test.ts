import { describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { scenarioKeys } from '../../src/scenario/form/keys.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { inProcess } from '../cli/migsim.js';
import { BASE, over, type Tree } from './trees.js';

describe('the keys of scenario files', () => {
  test.each(scenarioKeys().map((key) => [key.path, key] as const))('%s is described', (_, key) => {
    expect(key.range).toMatch(/^\S.+/);
    expect(key.meaning).not.toBe('');
    const scenario = over(BASE, parse(key.example) as Tree);
    expect(() => parseScenario(stringify(scenario), 'example')).not.toThrow();
  });

  test.each(['migration.downtime-limit', 'guest.vcpus.workload'])('explain %s', async (path) => {
    const { status, stdout } = await inProcess(['explain', path]);
    expect(status).toBe(0);
    expect(stdout).toContain(`${path} (key of scenario files)\n`);
    expect(stdout).toContain('; default ');
  });

  test.each([
    ['xbzrle', 'migration.stream.xbzrle', 'cache-size'],
    ['multifd', 'migration.stream.multifd', 'compression'],
  ])('explain %s gives the options of the stream', async (word, path, option) => {
    const { status, stdout } = await inProcess(['explain', word]);
    expect(status).toBe(0);
    expect(stdout).toContain(`${path} (key of scenario files)\n`);
    expect(stdout).toMatch(new RegExp(`^${option} `, 'm'));
  });

  test('explain explains each key by its last word, or lists those that end with it', async () => {
    const paths = scenarioKeys().map(({ path }) => path);
    const words = new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)));
    const several = [...words].filter((word) => paths.filter((path) => path.endsWith(`.${word}`)).length > 1);
    expect(several).toEqual(expect.arrayContaining(['downtime-limit', 'bandwidth', 'speed']));
    for (const word of several.slice(0, 6)) {
      const { status, stdout } = await inProcess(['explain', word]);
      const lines = stdout.split('\n').map((line) => line.split(' ')[0]);
      const isKey = stdout.includes(`${word} (`);
      expect([word, status, isKey]).toEqual([word, 0, true]);
      if (stdout.includes('keys of scenario files'))
        expect(lines).toEqual(expect.arrayContaining(paths.filter((path) => path.endsWith(`.${word}`))));
    }
  });

  test.each([
    ['downtime-limt', 'did you mean'],
    ['qqqq', 'such as migration.stream'],
  ])('explain %s is refused in one line', async (word, said) => {
    const { status, stderr } = await inProcess(['explain', word]);
    expect(status).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr.length).toBeLessThan(300);
  });
});
